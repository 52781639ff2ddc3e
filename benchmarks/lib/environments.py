"""Virtual environments with the releases that are compared."""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = CHECKOUT / 'benchmarks' / '.environments'
#: The variables of processes in an environment: they find these programs, not
#: ``src``.
VARIABLES = {**os.environ, 'PYTHONPATH': str(CHECKOUT)}

THIS, REFERENCE = 'this', 'reference'


def python_of(name):
    return ENVIRONMENTS / name / 'bin' / 'python'


def module(name, module, *arguments):
    """Return the command that runs a module in an environment."""
    return [python_of(name), '-m', module, *arguments]


def prepare(progress):
    """Make the environments, or update those that exist."""
    for name in THIS, REFERENCE:
        make(name, progress)
    progress('installing 0.4.0 and what it needs')
    install(REFERENCE, 'zc.generationalset==0.4.0', 'ZEO')
    progress('installing this checkout and what it needs')
    install_checkout(THIS, 'ZEO', 'matplotlib')


def make(name, progress):
    """Make an environment, unless it is there."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    if not _fits(name):
        progress(f'making the environment {name!r}')
        venv.create(ENVIRONMENTS / name, with_pip=True, clear=True)


def install(name, *requirements):
    """Install something, in the versions that requirements.txt names."""
    pip(name, *requirements, '-c', CHECKOUT / 'requirements.txt')


def install_checkout(name, *requirements, extra=''):
    """Install this checkout, maybe with an extra, and other packages."""
    with tempfile.TemporaryDirectory() as directory:
        # A copy is built, because building leaves files in the checkout.
        source = Path(directory) / 'copy'
        shutil.copytree(CHECKOUT / 'src', source / 'src')
        for path in CHECKOUT.iterdir():
            if path.suffix in ('.py', '.toml', '.rst', '.txt'):
                shutil.copy(path, source)
        install(name, f'{source}{extra}', *requirements)
        # The version number doesn't change with every edit.
        pip(name, '--force-reinstall', '--no-deps', source)


def install_tests(name):
    """Add the tests of this checkout to the package in an environment."""
    result = subprocess.run(
        [python_of(name), '-c',
         'import zc.generationalset; print(zc.generationalset.__file__)'],
        check=True, capture_output=True, text=True)
    package = Path(result.stdout.strip()).parent
    shutil.copytree(
        CHECKOUT / 'src' / 'zc' / 'generationalset' / 'tests',
        package / 'tests', dirs_exist_ok=True,
        ignore=shutil.ignore_patterns('node_modules'))


def _fits(name):
    """Tell whether an environment is of the interpreter that runs this."""
    command = [python_of(name), '-c', 'import sys; print(sys.version)']
    try:
        output = subprocess.run(
            command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return output.strip() == sys.version.strip()


def pip(name, *arguments):
    """Run ``pip install`` in an environment."""
    command = [python_of(name), '-m', 'pip', 'install', '--quiet',
               '--disable-pip-version-check', *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f'could not make the environment {name!r}:\n'
                 f'{result.stderr}')
