"""The commands ``gset mirror`` and ``gset renew``, and others on mirrors."""

import contextlib
import socket
import subprocess
import sys

import httpx
import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.server import application
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.serving import ENVIRONMENT, served, wait
from zc.generationalset.tests.support.storages import ZEOServer

NOBODY = 'http://127.0.0.1:9'


class MirrorCommandTests(Serving):

    name = 'mirror'

    def setUp(self):
        super().setUp()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.db = ZODB.DB(DemoStorage())
        self.stack.callback(self.db.close)
        with self.db.transaction() as connection:
            things = connection.root()['things'] = GSet()
            things.add(Document('a', 1))
        self.source = self.serve()

    def serve(self, **options):
        return self.stack.enter_context(served(application(
            self.db, lambda root: root['things'],
            **{'write': True, **options})))

    def gset(self, *arguments):
        return subprocess.run(
            [sys.executable, '-m', 'zc.generationalset', *arguments],
            cwd=self.directory, env=ENVIRONMENT, capture_output=True,
            text=True, timeout=90)

    def test_a_mirror(self):
        with self.serving(self.source, 'Mirror.fs') as line:
            self.assertEqual(line, (
                f'serving a mirror of {self.source} at {self.url}\n'))
            with Client(self.url) as client, Client(self.source) as source:
                source.put('b', 2)
                wait(lambda: client.sync() and client.replica.items == {
                    'a': 1, 'b': 2})
        self.assertEqual(self.stderr, '')
        # The mirror goes on where it was; now its source is away.
        self.stack.close()
        with self.serving(self.source, 'Mirror.fs'), \
                Client(self.url) as client:
            client.sync()
            self.assertEqual(client.replica.items, {'a': 1, 'b': 2})
            self.assertRegex(self.process.stderr.readline(),
                             f'{self.source}/updates: Conn')

    def test_a_new_mirror_without_source(self):
        self.assertIn(f'{NOBODY}/updates', self.refused(NOBODY, 'Mirror.fs'))
        self.assertIn('404', self.refused(
            f'{self.source}/x', 'Mirror.fs', code=1))
        self.assertIn('expected a URL', self.refused('Mirror.fs', 'x'))

    def test_tokens(self):
        source = self.serve(tokens={'for-source': 'mirror'})
        for name, text in ('token', 'for-source'), ('tokens', 'ann secret'):
            with open(self.path(name), 'w') as file:
                file.write(f'{text}\n')
        self.assertIn('401', self.refused(source, 'Mirror.fs', code=1))
        self.assertIn('--token-file', self.refused(
            source, 'Mirror.fs', '--host', '0.0.0.0'))
        with self.serving(source, 'Mirror.fs', '--source-token-file', 'token',
                          '--token-file', 'tokens'):
            for token, status in ('secret', 200), ('for-source', 401):
                self.assertEqual(httpx.get(f'{self.url}/updates', headers={
                    'authorization': f'Bearer {token}'}).status_code, status)
        with self.serving(source, 'Other.fs', GSET_TOKEN='for-source'):
            self.assertEqual(
                httpx.get(f'{self.url}/updates').status_code, 200)

    def test_a_port_that_is_taken(self):
        with socket.create_server(('127.0.0.1', 0)) as listening:
            self.assertIn('can not listen', self.refused(
                self.source, 'Mirror.fs', '--port',
                str(listening.getsockname()[1])))

    def test_something_else_in_the_database(self):
        self.fill('Data.fs', 'mirror')
        self.assertIn('expected a mirror in root', self.refused(
            self.source, 'Data.fs'))

    def test_other_commands(self):
        with self.serving(self.source, 'Mirror.fs'):
            pass
        self.assertEqual(self.gset('check', 'Mirror.fs').stdout,
                         'mirror: well, 1 items\n')
        self.assertEqual(self.gset('check', 'Mirror.fs', 'mirror').stdout,
                         'mirror: well, 1 items\n')
        self.assertEqual(
            self.gset('renew', 'Mirror.fs').stderr, 'gset: mirror: expected a '
            f'set, got a mirror; renew its source, {self.source}\n')
        self.name = 'serve'
        with self.serving('Mirror.fs') as line:
            self.assertIn('serving mirror of Mirror.fs', line)
            self.assertEqual(httpx.get(f'{self.url}/items/a').json(), 1)
            self.assertEqual(
                httpx.put(f'{self.url}/items/a', json=1).status_code, 403)

    def test_on_zeo_more_processes_serve_it(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        server = ZEOServer()
        self.addCleanup(server.stop)
        uri = f'zeo://{server.address}'
        other = MirrorCommandTests('test_tokens')
        other.directory, other.name = self.directory, 'serve'
        with self.serving(self.source, uri), other.serving(uri), \
                Client(other.url) as client, Client(self.source) as source:
            client.sync()
            changes = client.watch()
            source.put('b', 2)
            self.assertEqual(next(changes)[0].path, ('b',))


class RenewTests(Serving):

    name = 'renew'

    def epochs(self, *names):
        db = ZODB.DB(FileStorage(self.path('Data.fs'), read_only=True))
        connection = db.open(transaction.TransactionManager())
        epochs = [connection.root()[name].epoch for name in names]
        connection.close()
        db.close()
        return epochs

    def renew(self, *arguments):
        return subprocess.run(
            self.command(*arguments), cwd=self.directory, env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90, check=True).stdout

    def test_renew(self):
        self.fill('Data.fs', 'people')
        [before] = self.epochs('people')
        out = self.renew('Data.fs')
        [after] = self.epochs('people')
        self.assertNotEqual(before, after)
        self.assertEqual(
            out, f'people: the epoch was {before}, and is {after} now\n')

    def test_which(self):
        self.fill('Data.fs', 'people', 'rooms')
        people, rooms = self.epochs('people', 'rooms')
        self.assertIn('--set, one of people, rooms', self.refused('Data.fs'))
        self.renew('Data.fs', '--set', 'rooms/inner')
        self.assertEqual(self.epochs('people'), [people])
        self.assertNotEqual(self.epochs('rooms'), [rooms])

    def test_errors(self):
        self.assertIn('there is no no.fs', self.refused('no.fs'))
        self.fill('Data.fs', 'people')
        self.assertIn("no: there is no 'no' in", self.refused(
            'Data.fs', '--set', 'no'))
        self.fill('Empty.fs')
        self.assertIn('expected a set in the root', self.refused('Empty.fs'))
        other = RenewTests('test_which')
        other.directory, other.name = self.directory, 'serve'
        with other.serving('Data.fs'):
            self.assertIn('can not open Data.fs', self.refused('Data.fs'))
