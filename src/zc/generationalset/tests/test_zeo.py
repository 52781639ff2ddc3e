"""On ZEO, no answer lacks an earlier commit, however late it is told of."""

import contextlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import httpx
import transaction
import ZEO
import ZODB
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.POSException import ConflictError, ReadConflictError
from zope.testing import setupstack

from zc.generationalset import GSet, _zeo
from zc.generationalset.documents import Document
from zc.generationalset.replica import Misfit, Replica
from zc.generationalset.server import application
from zc.generationalset.tests import writers
from zc.generationalset.tests.postgresql import DATABASES
from zc.generationalset.tests.serving import ENVIRONMENT, served
from zc.generationalset.tests.util import Client, Thing
from zc.generationalset.wire import decode

#: Items of each writer, which are written again and again.
ITEMS = 3
#: Writes of each.
ROUNDS = 25


class LateServer:
    """A ZEO server of ``tests.late``, with a file in the directory."""

    def __init__(self):
        with socket.create_server(('127.0.0.1', 0)) as probe:
            self.address = probe.getsockname()
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset.tests.late',
             '-a', '{}:{}'.format(*self.address), '-f', 'Data.fs'],
            env=ENVIRONMENT, stderr=subprocess.DEVNULL)

    def open(self):
        return ZODB.DB(ZEO.client(self.address, wait_timeout=60))

    def stop(self):
        self._process.terminate()
        self._process.wait()


def states(storage):
    """Return what a tree had at each of its generations: id -> version."""
    db = ZODB.DB(storage)
    result = {}
    for committed in storage.iterator():
        with contextlib.closing(db.open(at=committed.tid)) as connection:
            tree = connection.root().get('tree')
            if tree is not None:
                result[tree.generation] = {
                    id: version_of(ob) for id, ob in tree.items()}
    db.close()
    return result


def version_of(ob):
    return json.loads(ob.json) if isinstance(ob, Document) else ob.version


class Schedules:
    """Several databases of one storage, in which all write at a time."""

    databases = 2

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.set_up_storage()
        self.create()
        self.dbs = [self.open() for _ in range(self.databases)]
        #: Generation and items of each answer.
        self.answers = []

    def create(self):
        with self.open().transaction() as connection:
            connection.root.tree = tree = GSet(maximum_removals=99)
            for writer, number in itertools.product(
                    range(self.databases), range(ITEMS)):
                tree.add(self.item(f'{writer}-{number}', 0))

    def item(self, id, version):
        return Thing(id, version)

    def set_up_storage(self):
        server = LateServer()
        self.stack.callback(server.stop)
        self.open_db = server.open

    def open(self):
        db = self.open_db()
        self.stack.callback(db.close)
        return db

    def stored(self):
        return FileStorage('Data.fs', read_only=True)

    def run_at_once(self, *jobs):
        with ThreadPoolExecutor(len(jobs)) as pool:
            for future in [pool.submit(job) for job in jobs]:
                future.result(120)

    def check(self):
        truth = states(self.stored())
        self.assertGreater(len(self.answers), self.databases * ROUNDS)
        for generation, items in self.answers:
            self.assertEqual(items, truth[generation], generation)


class Embedding(Schedules):
    """Without a server of ours: a program commits, and reads what is new."""

    def write(self, number, barrier):
        manager = transaction.TransactionManager()
        connection = self.dbs[number].open(manager)
        replica = Client()
        for version in range(1, ROUNDS + 1):
            barrier.wait(120)
            self.commit(manager, connection, f'{number}-{version % ITEMS}',
                        version)
            for _ in range(2):
                updates = connection.root.tree.generational_updates(
                    replica.generation)
                replica.apply(updates)
                self.answers.append((replica.generation, dict(replica.items)))
                manager.abort()
        connection.close()

    def commit(self, manager, connection, id, version):
        while True:
            try:
                tree = connection.root.tree
                tree[id].version = version
                tree.changed(tree[id])
                manager.commit()
                return
            except ConflictError:
                manager.abort()

    def test_own_commits_and_others(self):
        barrier = threading.Barrier(self.databases)
        self.run_at_once(*[
            lambda number=number: self.write(number, barrier)
            for number in range(self.databases)])
        self.check()


class EmbeddingTests(Embedding, unittest.TestCase):
    pass


class EmbeddingRelStorageTests(Embedding, unittest.TestCase):

    def set_up_storage(self):
        self.open_db = lambda: ZODB.DB(self.stored())

    def stored(self):
        return writers.relstorage('data')


class EmbeddingPostgreSQLTests(EmbeddingRelStorageTests):

    layer = DATABASES

    def set_up_storage(self):
        super().set_up_storage()
        self.dsn = DATABASES.new()

    def stored(self):
        return writers.postgresql(self.dsn)


class Serving(Schedules):
    """Servers in the place of processes; authors at them, and readers."""

    readers = 2

    def item(self, id, version):
        return Document(id, str(version))

    def setUp(self):
        super().setUp()
        self.urls = [self.stack.enter_context(served(application(
            db, lambda root: root['tree'], write=True)))
            for db in self.dbs]

    def http(self, number):
        return httpx.Client(base_url=self.urls[number], timeout=60)

    def write(self, number, barrier, done):
        replica = Replica()
        with self.http(number) as http:
            for version in range(1, ROUNDS + 1):
                self.read(http, replica)
                barrier.wait(120)
                response = http.put(
                    f'/items/{number}-{version % ITEMS}', json=version,
                    params=self.query(replica))
                self.assertEqual(response.status_code, 200, response.text)
                self.take(response.content[11:-1], replica)
        done.append(number)

    def follow(self, number, done):
        replica, chance = Replica(), random.Random(number)
        with self.http(number % self.databases) as http:
            while len(done) < self.databases:
                self.read(http, replica, wait=chance.choice([0, 1]))

    def query(self, replica, **options):
        return {'generation': replica.generation,
                'epoch': replica.epoch or '', **options}

    def read(self, http, replica, **options):
        response = http.get(
            '/updates', params=self.query(replica, **options))
        self.assertEqual(response.status_code, 200, response.text)
        self.take(response.content, replica)

    def take(self, content, replica):
        with contextlib.suppress(Misfit):
            replica.apply(decode(content))
        self.answers.append((replica.generation, dict(replica.items)))

    def test_authors_and_readers(self):
        barrier, done = threading.Barrier(self.databases), []
        self.run_at_once(
            *[lambda number=number: self.write(number, barrier, done)
              for number in range(self.databases)],
            *[lambda number=number: self.follow(number, done)
              for number in range(self.readers)])
        self.check()


class ServingTests(Serving, unittest.TestCase):
    pass


class ServingForLongTests(Serving, unittest.TestCase):

    level = 2
    databases = 4
    readers = 8


class EmbeddingForLongTests(Embedding, unittest.TestCase):

    level = 2
    databases = 4


class FakeClient(MappingStorage):
    """What a client of ZEO has that we use, without a server."""

    heard = None

    def __init__(self):
        super().__init__()
        self.calls = []

    def _call(self, method, *arguments):
        self.calls.append(method)
        if method == 'lastTransaction':
            return MappingStorage.lastTransaction(self)
        return None

    def lastTransaction(self):
        return super().lastTransaction() if self.heard is None else self.heard

    def tpc_vote(self, transaction):
        self._call('vote', id(transaction))


class Wrapper:
    """A storage around another one, of which it copies methods."""

    def __init__(self, base):
        self.base = base
        self.tpc_vote = base.tpc_vote

    def __getattr__(self, name):
        return getattr(self.base, name)

    def __len__(self):
        return len(self.base)


class OrderTests(unittest.TestCase):
    """Whatever has to do with sets has commits finished in their order."""

    def setUp(self):
        self.client = FakeClient()
        self.db = self.opened(self.client)

    def opened(self, storage):
        db = ZODB.DB(storage)
        self.addCleanup(db.close)
        return db

    def assert_ordered(self, is_ordered=True):
        self.assertEqual(
            isinstance(self.client._call, _zeo.Calls), is_ordered)

    def commit(self):
        """Change something; return what the server was asked meanwhile."""
        del self.client.calls[:]
        with self.db.transaction() as connection:
            connection.root.number = connection.root().get('number', 0) + 1
        return self.client.calls

    def test_databases_without_sets_are_left_alone(self):
        self.assertEqual(self.commit(), ['vote'])
        self.assert_ordered(False)

    def test_a_set_is_stored(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        self.assert_ordered()
        self.assertEqual(self.commit(), ['vote', 'lastTransaction'])

    def test_a_set_is_loaded(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        self.client._call = self.client._call._call
        db = self.opened(Wrapper(self.client))
        with db.transaction() as connection:
            self.assertEqual(len(connection.root.tree), 0)
        self.assert_ordered()

    def test_a_set_is_changed_by_a_connection_that_has_it(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        connection = self.db.open()
        connection.root.tree._p_activate()
        self.client._call = self.client._call._call
        _zeo._known.clear()
        connection.root.tree.add(Thing('a'))
        transaction.commit()
        connection.close()
        self.assert_ordered()

    def test_a_server(self):
        with served(application(self.db, lambda root: None)) as url:
            self.assertEqual(httpx.get(url + '/updates').status_code, 404)
        self.assert_ordered()

    def test_once(self):
        for _ in range(2):
            _zeo.order(self.db)
        self.assertEqual(self.commit(), ['vote', 'lastTransaction'])

    def test_wrapped_storages(self):
        db = self.opened(Wrapper(Wrapper(FakeClient())))
        _zeo.order(db)
        self.client = db.storage.base.base
        self.assert_ordered()

    def test_storages_without_server(self):
        db = self.opened(MappingStorage())
        _zeo.order(db)
        self.assertIsNone(_zeo.client_of(db))

    def test_a_commit_that_is_never_told_of(self):
        _zeo.order(self.db)
        self.commit()
        self.client.heard = b'\0' * 8
        connection = self.db.open()
        connection.root.number = 5
        with mock.patch.object(_zeo, 'PATIENCE', 0.01), \
                self.assertRaisesRegex(
                    ReadConflictError, 'expected to hear of commit .*, got '):
            transaction.commit()
        transaction.abort()
        connection.close()
        self.client.heard = None
        with self.db.transaction() as connection:
            self.assertEqual(connection.root.number, 1)

    def test_a_snapshot_that_lacked_a_commit_when_the_set_was_loaded(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        _zeo._known.clear()
        connection = self.db.open()
        connection.cacheMinimize()
        storage = connection._storage
        storage._invalidate(
            (int.from_bytes(storage._start, 'big') - 2).to_bytes(8, 'big'),
            [connection.root()._p_oid])
        with self.assertRaisesRegex(ReadConflictError, 'after a later one'):
            connection.root.tree._p_activate()
        transaction.abort()
        self.assertEqual(len(connection.root.tree), 0)
        connection.close()


class TwoStoragesTests(unittest.TestCase):
    """A server with several storages has a lock for each."""

    def test_one_is_not_waited_for_in_the_other(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        server = writers.ZEOServer(storages=2)
        self.addCleanup(server.stop)
        dbs = [writers.open_db('zeo', server.address, name)
               for name in ('1', '2')]
        for db in dbs:
            self.addCleanup(db.close)
            _zeo.order(db)
        connections = [db.open(transaction.TransactionManager())
                       for db in dbs]
        for connection in connections:
            connection.root.tree = GSet()
        first, second = [
            connection.transaction_manager for connection in connections]
        first.commit()
        second.commit()
        for _ in range(20):
            for connection in connections:
                connection.root.tree.add(Thing(os.urandom(8).hex()))
            second.commit()
            first.commit()
        for connection in connections:
            self.assertEqual(len(connection.root.tree), 20)
            connection.close()
