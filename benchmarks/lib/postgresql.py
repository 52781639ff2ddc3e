"""A PostgreSQL server for this run, with its default settings.

It listens on a Unix socket in its directory, and trusts all that reach it.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from benchmarks.lib.processes import Failed, Process, as_user


def programs():
    """Return the directory of PostgreSQL's programs, or None."""
    found = shutil.which('postgres')
    if found:
        return Path(found).resolve().parent
    # Debian doesn't put it on the path.
    paths = Path('/usr/lib/postgresql').glob('*/bin/postgres')
    return max((path.parent for path in paths), default=None,
               key=lambda path: float(path.parent.name))


def version():
    output = subprocess.run(
        [programs() / 'postgres', '--version'],
        check=True, capture_output=True, text=True).stdout
    return output.split()[2]


class PostgreSQL:
    """A server with an empty database ``kinto``.

    options
        More options of the program ``postgres``.
    """

    def __init__(self, directory, *options):
        self._directory = directory
        self._options = options
        # PostgreSQL refuses to be root.
        self._user = 'nobody' if os.getuid() == 0 else None
        self._process = None

    @property
    def url(self):
        return f'postgresql://postgres@/kinto?host={self._directory}'

    def start(self):
        if self._user:
            shutil.chown(self._directory, self._user)
        data = self._directory / 'data'
        self._call('initdb', '-D', data, '-U', 'postgres', '--auth=trust',
                   '--encoding=UTF8', '--locale=C')
        self._process = Process(
            [programs() / 'postgres', '-D', data, '-k', self._directory,
             '-c', 'listen_addresses=', *self._options],
            self._directory, self._user)
        self._process.wait_for(self._is_ready)
        self.tell('CREATE DATABASE kinto', 'postgres')
        # As Kinto's documentation has it.
        self.tell('ALTER DATABASE kinto SET TIMEZONE TO UTC')

    def stop(self):
        if self._process:
            self._process.stop(signal.SIGINT)  # without waiting for clients

    def tell(self, statement, database='kinto'):
        self._call('psql', '-q', '-h', self._directory, '-U', 'postgres',
                   '-d', database, '-c', statement)

    def _is_ready(self):
        return not subprocess.run(
            [programs() / 'pg_isready', '-q', '-h', self._directory]
        ).returncode

    def _call(self, program, *arguments):
        result = subprocess.run(
            [programs() / program, *arguments], capture_output=True,
            text=True, cwd=self._directory, **as_user(self._user))
        if result.returncode:
            raise Failed(f'{program}: {result.stderr}')
