"""The servers that are compared: installing and starting them.

Each runs in one process, with the best settings that its documentation
recommends, without log, authentication and compression.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.lib import dialects, environments, postgresql
from benchmarks.lib.connection import HOST, Connection, request
from benchmarks.lib.documents import documents
from benchmarks.lib.environments import (
    CHECKOUT,
    ENVIRONMENTS,
    VARIABLES,
    module,
    python_of,
)
from benchmarks.lib.processes import Failed, Process, answers, free_port

KINTO, SERVED, POUCH = 'kinto', 'served', 'pouch'
POUCHDB = '4.2.0'
#: npm installs the versions of this day.
NPM_DATE = '2026-11-01'
#: Threads of Kinto: each kept connection needs one.
THREADS = 16


class Server:
    """A server with an empty collection, in a directory of its own."""

    name: str
    title: str
    #: The environment that it runs in.
    needs: str
    #: What is still there after a power failure.
    durability = ''
    dialect: Any = None

    def __init__(self, directory):
        self.directory = directory / f'{self.name}-{time.monotonic_ns()}'
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.directory.mkdir()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        self.process = Process(self.command(), self.directory,
                               **self.environment())
        self.process.wait_for(lambda: answers(self.port, self.ready()))
        with Connection(self.port) as connection:
            for message in self.dialect.setup:
                connection.ask(message)

    def stop(self):
        if self.process:
            self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ready(self):
        """Return a request that is answered with 200."""
        return request('GET', '/')

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def fill(self, client, connection, count):
        """Put documents in, as fast as it goes."""
        load(client, connection, documents(count))

    @classmethod
    def missing(cls):
        """Return what this machine lacks, else None."""


def load(client, connection, pairs):
    """Put documents in by the batches of the server."""
    for start in range(0, len(pairs), client.batch):
        response = connection.ask(
            client.load(pairs[start:start + client.batch]))
        if not client.all_right(response):
            raise Failed(f'not all was stored: {response.body[:1000]!r}')
        client.learn(response)


class This(Server):
    name, title = 'this', 'this'
    needs = SERVED
    durability = "ZODB's FileStorage syncs each commit"
    dialect = dialects.This

    def command(self):
        return [python_of(SERVED), '-m', 'zc.generationalset', 'serve',
                *self.data(), '--set', 'things', '--port', str(self.port)]

    def data(self):
        return [self.directory / 'Data.fs']

    def ready(self):
        return request('GET', '/updates')


class ThisMemory(This):
    name, title = 'this_memory', 'this/memory'
    durability = 'nothing is kept'

    def data(self):
        return []


class Streaming(This):
    """The server with practically no limit of streams for an address."""

    def command(self):
        return module(SERVED, 'benchmarks.lib.served', *self.data(),
                      str(self.port))

    def environment(self):
        return VARIABLES


class Kinto(Server):
    """On uWSGI, as its documentation for production has it.

    On waitress, its other one, memory is slower, PostgreSQL as fast; and that
    closes the connection with each 304.
    """

    name, title = 'kinto_memory', 'Kinto/memory'
    needs = KINTO
    durability = 'nothing is kept'
    dialect = dialects.Kinto
    backend = 'memory'

    def settings(self):
        everybody = {
            f'{what}_{right}_principals': 'system.Everyone'
            for what in ('bucket', 'collection', 'record')
            for right in ('create', 'read', 'write')}
        return {
            'storage_backend': f'kinto.core.storage.{self.backend}',
            'cache_backend': f'kinto.core.cache.{self.backend}',
            'permission_backend': f'kinto.core.permission.{self.backend}',
            'userid_hmac_secret': 'benchmark',
            # Whole collections in one answer.
            'storage_max_fetch_size': 10_000_000,
            'batch_max_requests': 10_000,
            # Rights from these settings cost less than those of documents.
            'explicit_permissions': 'false',
            **everybody}

    def command(self):
        ini = self.directory / 'kinto.ini'
        ini.write_text('\n'.join([
            '[app:main]', 'use = egg:kinto',
            *(f'kinto.{name} = {value}'
              for name, value in self.settings().items()), '']))
        self.migrate(ini)
        return [python_of(KINTO).with_name('pyuwsgi'),
                '--http11-socket', f'{HOST}:{self.port}',
                '--paste', f'config:{ini}', '--master', '--die-on-term',
                '--processes', '1', '--threads', str(THREADS),
                '--enable-threads', '--lazy-apps', '--single-interpreter',
                '--buffer-size', '65535', '--post-buffering', '65535',
                '--http-timeout', '600', '--socket-timeout', '600',
                '--disable-logging']

    def migrate(self, ini):
        """Make tables, if there are any."""

    def ready(self):
        return request('GET', '/v1/')


class KintoPostgreSQL(Kinto):
    name, title = 'kinto_postgresql', 'Kinto/PostgreSQL'
    durability = 'PostgreSQL syncs each commit'
    backend = 'postgresql'
    #: More documents than these are put into the table directly.
    patience = 10_000

    def start(self):
        directory = self.directory / 'postgresql'
        directory.mkdir()
        self.database = postgresql.PostgreSQL(directory)
        self.database.start()
        super().start()

    def stop(self):
        if self.process:
            self.process.stop()
        if self.database:
            self.database.stop()
        super().stop()

    database: Any = None

    def settings(self):
        urls = {f'{what}_url': self.database.url
                for what in ('storage', 'cache', 'permission')}
        return {**super().settings(), **urls}

    def migrate(self, ini):
        result = subprocess.run(
            [python_of(KINTO).with_name('kinto'), 'migrate', '--ini', ini],
            capture_output=True, text=True, cwd=self.directory)
        if result.returncode:
            raise Failed(result.stderr)

    def fill(self, client, connection, count):
        if count <= self.patience:
            super().fill(client, connection, count)
        else:
            self._copy(count)
        # Later it would come by itself, and in the middle of something.
        self.database.tell('VACUUM ANALYZE')

    def _copy(self, count):
        """Put in what an hour of requests would."""
        path = self.directory / 'postgresql' / 'documents.csv'
        now = time.time_ns() // 1_000_000
        with path.open('w', newline='') as file:
            writer = csv.writer(file)
            for number, (id, item) in enumerate(documents(count)):
                modified = (now - count + number) / 1000
                writer.writerow([
                    id, '/buckets/bench/collections/things', 'record',
                    time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(modified))
                    + f'{modified % 1:.3f}'[1:], json.dumps(item), 'f'])
        path.chmod(0o644)
        self.database.tell(
            'COPY objects (id, parent_id, resource_name, last_modified, '
            f"data, deleted) FROM '{path}' WITH (FORMAT csv)")
        path.unlink()

    @classmethod
    def missing(cls):
        if postgresql.programs() is None:
            return 'PostgreSQL (the program postgres)'
        return None


class Pouch(Server):
    name, title = 'pouch', 'PouchDB'
    needs = POUCH
    durability = "LevelDB doesn't sync"
    dialect = dialects.Pouch
    options: tuple[str, ...] = ()

    def command(self):
        config = self.directory / 'config.json'
        config.write_text('{"log": {"level": "none"}}')
        program = (ENVIRONMENTS / POUCH / 'node_modules' / 'pouchdb-server'
                   / 'bin' / 'pouchdb-server')
        return ['node', program, '--port', str(self.port), '--host', HOST,
                '--dir', self.directory / 'data', '--config', config,
                '--no-stdout-logs', *self.options]

    def environment(self):
        return {'NODE_ENV': 'production'}

    @classmethod
    def missing(cls):
        if shutil.which('node') and shutil.which('npm'):
            return None
        return 'node and npm'


class PouchMemory(Pouch):
    name, title = 'pouch_memory', 'PouchDB/memory'
    durability = 'nothing is kept'
    options = ('--in-memory',)


class Empty(Server):
    name, title = 'empty', 'empty'
    needs = SERVED
    dialect = dialects.Empty

    def command(self):
        return module(SERVED, 'uvicorn', 'benchmarks.lib.empty:app',
                      '--app-dir', CHECKOUT, '--host', HOST,
                      '--port', str(self.port), '--no-access-log',
                      '--log-level', 'warning')


SERVERS = {server.name: server for server in (
    This, KintoPostgreSQL, Pouch, ThisMemory, Kinto, PouchMemory, Empty)}


def _install_served(progress):
    environments.make(SERVED, progress)
    progress('installing this checkout and what its server needs')
    environments.install_checkout(
        SERVED, 'starlette', 'uvicorn', 'matplotlib', extra='[server]')


def _install_kinto(progress):
    environments.make(KINTO, progress)
    progress('installing Kinto')
    environments.pip(KINTO, '-r', Path(__file__).with_name('kinto.txt'))


def install_pouch(progress):
    install_npm(POUCH, f'pouchdb-server@{POUCHDB}', progress)


def install_npm(name, package, progress):
    """Install a package of npm in an environment, unless one is there."""
    directory = ENVIRONMENTS / name
    if (directory / 'package-lock.json').exists():
        return
    progress(f'installing {package}')
    directory.mkdir(parents=True, exist_ok=True)
    (directory / 'package.json').write_text('{"private": true}\n')
    result = subprocess.run(
        ['npm', 'install', package, f'--before={NPM_DATE}', '--no-audit',
         '--no-fund',
         # LevelDB comes built; SQLite isn't needed.
         '--ignore-scripts'],
        capture_output=True, text=True, cwd=directory)
    if result.returncode:
        sys.exit(f'could not install {package}:\n{result.stderr}')


INSTALLERS = {SERVED: _install_served, KINTO: _install_kinto,
              POUCH: install_pouch}


def prepare(names, progress):
    """Install what these servers need."""
    needed = {SERVERS[name].needs for name in names}
    for environment, install in INSTALLERS.items():
        if environment in needed:
            install(progress)


def versions():
    """Return the versions of what is installed, by name."""
    found: dict[str, Any] = {}
    for name in (SERVED, KINTO):
        if python_of(name).exists():
            output = subprocess.run(
                [python_of(name), '-m', 'pip', 'list', '--format=json'],
                check=True, capture_output=True, text=True,
                env={**os.environ, 'PIP_DISABLE_PIP_VERSION_CHECK': '1'})
            found[name] = {package['name']: package['version']
                           for package in json.loads(output.stdout)}
    lock = ENVIRONMENTS / POUCH / 'package-lock.json'
    if lock.exists():
        found[POUCH] = {
            path.removeprefix('node_modules/'): package['version']
            for path, package in json.loads(
                lock.read_text())['packages'].items()
            if 'pouchdb' in path
            or path.endswith(('/leveldown', '/express'))}
        found['node'] = subprocess.run(
            ['node', '--version'], check=True, capture_output=True,
            text=True).stdout.strip().lstrip('v')
    if postgresql.programs():
        found['postgresql'] = postgresql.version()
    return found
