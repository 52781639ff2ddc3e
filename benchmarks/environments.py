"""Virtual environments with the releases that are compared."""

import configparser
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
ENVIRONMENTS = HERE / '.environments'

THIS, REFERENCE = 'this', 'reference'


def python_of(name):
    return ENVIRONMENTS / name / 'bin' / 'python'


def prepare(progress):
    """Make the environments, or bring those that are there up to date."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    constraints = ENVIRONMENTS / 'constraints.txt'
    constraints.write_text(_constraints())
    for name in THIS, REFERENCE:
        if not _fits(name):
            progress(f'making the environment {name!r}')
            venv.create(ENVIRONMENTS / name, with_pip=True, clear=True)
    progress('installing 0.4.0 and what it needs')
    _pip(REFERENCE, 'zc.generationalset==0.4.0', 'ZEO', '-c', constraints)
    progress('installing this checkout and what it needs')
    with tempfile.TemporaryDirectory() as directory:
        # A copy: building would leave files in the checkout.
        source = shutil.copytree(CHECKOUT / 'src', f'{directory}/copy/src')
        source = Path(source).parent
        for path in CHECKOUT.iterdir():
            if path.suffix in ('.py', '.toml', '.rst', '.txt'):
                shutil.copy(path, source)
        _pip(THIS, source, 'ZEO', 'matplotlib', '-c', constraints)
        # The version number doesn't change with every edit.
        _pip(THIS, '--force-reinstall', '--no-deps', source)


def _constraints():
    """Return the versions in buildout.cfg in pip's notation."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(CHECKOUT / 'buildout.cfg')
    return ''.join(f'{name}=={version}\n'
                   for name, version in parser['versions'].items())


def _fits(name):
    """Tell whether an environment is of the interpreter that runs this."""
    command = [python_of(name), '-c', 'import sys; print(sys.version)']
    try:
        output = subprocess.run(
            command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return output.strip() == sys.version.strip()


def _pip(name, *arguments):
    command = [python_of(name), '-m', 'pip', 'install', '--quiet',
               '--disable-pip-version-check', *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f'could not make the environment {name!r}:\n'
                 f'{result.stderr}')
