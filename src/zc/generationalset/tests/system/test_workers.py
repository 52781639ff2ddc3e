"""``gset serve --workers``: several processes, of one shared database."""

import contextlib
import os
import signal
import subprocess
import tempfile
import unittest

import httpx
from prometheus_client.parser import text_string_to_metric_families
from psycopg2.extensions import parse_dsn
from zope.testing import setupstack

from zc.generationalset.client import Client
from zc.generationalset.commands import Failure
from zc.generationalset.commands.databases import opened, public, resolve
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.commands import Serving, complaints
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.processes import children, is_running
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.support.streams import Stream

#: Streams and requests, each of a connection of its own: with two workers the
#: chance that one of them gets all is 1 : 2^19.
MANY = 20


class Workers:
    """Tests with a database that is at ``uri``."""

    def start(self, count=2, **options):
        return self.serving(self.uri, '--workers', str(count), **options)

    def stream(self, generation=0, epoch=None):
        http = httpx.Client(base_url=self.url, timeout=90)
        self.addCleanup(http.close)
        return Stream(http, generation, epoch)

    def put(self, id, item):
        response = httpx.put(f'{self.url}/items/{id}', json=item, timeout=90)
        self.assertIn(response.status_code, (200, 201))

    def test_all_push_all_changes(self):
        with self.start() as line:
            self.assertRegex(line, '^serving things of .* by 2 workers at ')
            self.put('a', 1)
            streams = [self.stream() for _ in range(MANY)]
            for number in range(5):
                self.put(f'b{number}', 1)
            for stream in streams:
                stream.wait_for(7)
            for stream in streams:
                self.assertNotIn('reset', ''.join(stream.lines))
        self.assertEqual(complaints(self.stderr), [])

    def test_killed_worker(self):
        with self.start(), Client(self.url) as client:
            self.put('a', 1)
            epoch = httpx.get(f'{self.url}/updates').json()['epoch']
            streams = [self.stream(2, epoch) for _ in range(MANY)]
            wait(lambda: all(stream.comments() for stream in streams))
            wait(lambda: len(children(self.process.pid)) == 2)
            workers = children(self.process.pid)
            os.kill(workers[0], signal.SIGKILL)
            wait(lambda: any(stream.ended for stream in streams))
            # A process closes what it has one by one, its listener perhaps
            # last: until it is gone, connections may reach it.
            wait(lambda: workers[0] not in children(self.process.pid))
            self.put('b', 2)
            for stream in streams:
                # Those of the worker that was killed end, but when they
                # notice that isn't known.
                wait(lambda stream=stream: stream.ended or any(
                    data.get('generation') == 3
                    for _, _, data in stream.events()))
            # Another one comes, and clients go on with what they have.
            wait(lambda: len(set(children(self.process.pid))
                             - set(workers[:1])) == 2)
            self.put('c', 3)
            streams = [self.stream(2, epoch) for _ in range(MANY)]
            for stream in streams:
                stream.wait_for(4)
                self.assertNotIn('reset', ''.join(stream.lines))
            client.sync()
            self.assertEqual(client.replica.items, {'a': 1, 'b': 2, 'c': 3})
        self.assertIn(f'process {workers[0]}, has ended with code -9 ',
                      self.stderr)

    def test_ends_in_order(self):
        with self.start():
            streams = [self.stream() for _ in range(MANY)]
            wait(lambda: all(stream.comments() for stream in streams))
            workers = children(self.process.pid)
        wait(lambda: all(stream.ended for stream in streams))
        self.assertFalse(any(map(is_running, workers)))
        self.assertEqual(complaints(self.stderr), [])

    def test_metrics_are_those_of_all(self):
        with self.start():
            for number in range(MANY):
                self.put(number, 1)
            # A busy worker may have no time to look at the generation.
            wait(lambda: self.samples().get(('gset_generation',)) == MANY + 1)
            self.assertEqual(self.samples()[
                'gset_requests_total', 'PUT', '/items/', '201'], MANY)

    def samples(self):
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(
                httpx.get(f'{self.url}/metrics', timeout=90).text)
            for sample in family.samples}

    def test_orphans_end(self):
        process = subprocess.Popen(
            self.command('--port', '0', '--workers', '2', self.uri),
            cwd=self.directory, env=ENVIRONMENT, stdout=subprocess.PIPE)
        with process:
            process.stdout.readline()
            wait(lambda: len(children(process.pid)) == 2)
            workers = children(process.pid)
            process.kill()
            process.wait()
            wait(lambda: not any(map(is_running, workers)))

    def test_address_in_use(self):
        with self.start():
            port = self.url.rpartition(':')[2]
            self.assertIn('can not listen on', self.refused(
                self.uri, '--workers', '2', '--port', port))

    def test_no_set(self):
        self.assertIn('no/set', self.refused(
            self.uri, '--workers', '2', '--port', '0', '--set', 'no/set'))


class ZEOTests(Workers, Serving):

    def setUp(self):
        super().setUp()
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        server = storages.ZEOServer()
        self.addCleanup(server.stop)
        self.uri = f'zeo://{server.address}?storage=1'


class SQLiteTests(Workers, Serving):

    def setUp(self):
        super().setUp()
        self.uri = f'sqlite://?data_dir={self.path("data")}'

    def statuses(self, token):
        """Return what several connections answer to a token."""
        return {httpx.get(
            f'{self.url}/items/', timeout=90,
            headers={'authorization': f'Bearer {token}'}).status_code
            for _ in range(MANY)}

    def write_tokens(self, text):
        with open(self.path('new'), 'w') as file:
            file.write(text)
        os.chmod(self.path('new'), 0o600)
        os.replace(self.path('new'), self.path('tokens'))

    def replace_worker(self):
        wait(lambda: len(children(self.process.pid)) == 2)
        before = children(self.process.pid)
        os.kill(before[0], signal.SIGKILL)
        wait(lambda: len(set(children(self.process.pid)) - {before[0]}) == 2)

    def test_workers_have_the_same_tokens(self):
        """Whenever they were started."""
        self.write_tokens('ann secret-1\n')
        with self.serving(self.uri, '--workers', '2', '--token-file',
                          'tokens'):
            self.write_tokens('ann secret-2\n')
            wait(lambda: self.statuses('secret-1') == {401})
            self.assertEqual(self.statuses('secret-2'), {200})
            os.remove(self.path('tokens'))
            self.replace_worker()
            wait(lambda: self.statuses('secret-2') == {200})
            self.write_tokens('ann secret-3\n')
            self.process.send_signal(signal.SIGHUP)
            wait(lambda: self.statuses('secret-3') == {200})
        self.assertIn('can not read tokens', self.stderr)


class PostgreSQLTests(Workers, Serving):

    layer = DATABASES

    def setUp(self):
        super().setUp()
        given = parse_dsn(DATABASES.new())
        name = given.pop('dbname')
        self.uri = f'postgresql:///{name}?keep_history=false&' + '&'.join(
            f'{name}={value}' for name, value in given.items())


class OptionsTests(Serving):

    def test_databases_for_one_process(self):
        for data in 'Data.fs', 'file://Data.fs', 'memory://':
            line = self.refused(data, '--workers', '2')
            self.assertIn('expected for --workers 2 a database', line)
            self.assertIn('runzeo', line)
        self.assertIn('got none', self.refused('--workers', '2'))

    def test_database_that_is_not_there(self):
        port = free_port()
        line = self.refused(
            f'zeo://127.0.0.1:{port}?wait_timeout=1', '--workers', '2',
            '--port', '0')
        self.assertIn(f'can not open zeo://127.0.0.1:{port}', line)


class URITests(unittest.TestCase):

    layer = Processes

    def test_passwords_are_not_told(self):
        for uri, expected in [
                ('zeo://localhost:8100', None), ('Data.fs', None),
                ('zeo:///a/b:c@d', None), ('postgresql://u@h/d?a=b', None),
                ('postgresql://u:p@h:5/d', 'postgresql://u:***@h:5/d'),
                ('postgresql://h/d?a=b&password=p&c=d',
                 'postgresql://h/d?a=b&password=***&c=d'),
                ('postgresql://u:p@w/x@h/d', 'postgresql://u:***@h/d'),
                ('postgresql://u@h/d?sslpassword=p%25',
                 'postgresql://u@h/d?sslpassword=***')]:
            self.assertEqual(public(uri), expected or uri)

    def test_nor_by_errors(self):
        """Nor is a part of them, if they aren't quoted as they should."""
        for uri, error, expected in [
                ('x://u:secret@h', 'No resolver for x://u:secret@h',
                 'No resolver for x://u:***@h'),
                ('x://u:a@secret@h', 'no host secret@h', 'no host ***@h'),
                ('x://h?password=a%20b', 'not "a b"', 'not "***"'),
                ('x://u@h', 'no host h', 'no host h')]:
            self.assertEqual(public(uri, error), expected)

    def test_passwords_that_look_like_hosts(self):
        for uri in 'postgresql://u:a@secret@host/db', \
                'postgresql://u:a/secret@host/db':
            with self.assertRaisesRegex(Failure, 'as %40 and %2F') as caught, \
                    self.assertNoLogs(), opened(uri):
                pass
            self.assertNotIn('secret', str(caught.exception))

    def test_sqlite_syncs_each_commit(self):
        with tempfile.TemporaryDirectory() as directory:
            factory, _ = resolve(f'sqlite://?data_dir={directory}')
            with contextlib.closing(factory()) as storage:
                connection, cursor = storage._adapter.connmanager.open()
                cursor.execute('PRAGMA synchronous')
                self.assertEqual(cursor.fetchone()[0], 2)
                connection.close()

    def test_options_of_databases(self):
        for uri in 'zeo://localhost:1', 'postgresql://h/d?sslmode=disable':
            _, options = resolve(uri)
            self.assertEqual(options, {})
            _, options = resolve(
                f'{uri}{"&" if "?" in uri else "?"}connection_pool_size=3'
                '&database_name=x')
            self.assertEqual(options, {'pool_size': 3, 'database_name': 'x'})


del Serving  # which has no tests of its own
