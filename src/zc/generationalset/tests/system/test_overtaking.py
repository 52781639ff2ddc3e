"""On ZEO, no answer lacks an earlier commit, however late it is told of."""

import contextlib
import importlib.util
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import httpx
import transaction
import ZEO
import ZODB
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ConflictError
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.replica import Misfit, Replica
from zc.generationalset.server import application
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.places import EXAMPLES
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.serving import ENVIRONMENT, served
from zc.generationalset.tests.support.things import Client, Thing
from zc.generationalset.wire import decode

#: Items of each writer, which are written again and again.
ITEMS = 3
#: Writes of each.
ROUNDS = 25


class LateServer:
    """A ZEO server of ``tests.support.late``, with a file in the directory."""

    def __init__(self):
        self.address = '127.0.0.1', free_port()
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset.tests.support.late',
             '-a', '{}:{}'.format(*self.address), '-f', 'Data.fs'],
            env=ENVIRONMENT, stderr=subprocess.DEVNULL)

    def open(self, **options):
        return ZODB.DB(ZEO.client(self.address, wait_timeout=90, **options))

    def stop(self):
        self._process.kill()  # what it would say last may be late, too
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

    layer = Processes

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
        self.server = LateServer()
        self.stack.callback(self.server.stop)
        self.open_db = self.server.open

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
        self.assertGreaterEqual(
            len(self.answers), self.databases * ROUNDS)
        for generation, items in self.answers:
            self.assertEqual(items, truth[generation], generation)


class Embedding(Schedules):
    """Without a server of ours: a program commits, and reads what is new."""

    def write(self, number, barrier):
        self.write_some(number, barrier, ROUNDS)

    def write_some(self, number, barrier, rounds):
        manager = transaction.TransactionManager()
        connection = self.dbs[number].open(manager)
        replica = Client()
        for version in range(1, rounds + 1):
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


class CacheFileTests(Embedding, unittest.TestCase):
    """Cache files are right whenever they are left."""

    def write(self, number, barrier):
        for _ in range(ROUNDS // 5):
            self.dbs[number] = db = self.open_db(client=str(number))
            self.write_some(number, barrier, 5)
            db.close()


class EmbeddingRelStorageTests(Embedding, unittest.TestCase):

    def set_up_storage(self):
        self.open_db = lambda: ZODB.DB(self.stored())

    def stored(self):
        return storages.relstorage('data')


class EmbeddingPostgreSQLTests(EmbeddingRelStorageTests):

    layer = DATABASES

    def set_up_storage(self):
        super().set_up_storage()
        self.dsn = DATABASES.new()

    def stored(self):
        return storages.postgresql(self.dsn)


class PyramidTests(Schedules, unittest.TestCase):
    """The example for Pyramid, in several processes as it were."""

    goods = 'apples', 'pears'

    def setUp(self):
        super().setUp()
        spec = importlib.util.spec_from_file_location(
            'pyramid_app', EXAMPLES / 'pyramid_app.py')
        self.shop = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = self.shop  # Pyramid looks there
        self.stack.callback(sys.modules.pop, spec.name)
        spec.loader.exec_module(self.shop)

    def create(self):
        with self.open().transaction() as connection:
            connection.root.tree = connection.root.shop = shop = GSet()
            for name in self.goods:
                shop.add(Document(name, {'left': 100}))

    def sell(self, name, barrier):
        app = self.shop.make_app(
            'zeo://{}:{}'.format(*self.server.address))
        replica = Replica()
        with httpx.Client(transport=httpx.WSGITransport(app),
                          base_url='http://shop') as http:
            for _ in range(ROUNDS):
                barrier.wait(120)
                response = http.post(f'/sell/{name}')
                self.assertIn(response.status_code, (200, 503))
                response = http.get('/updates', params={
                    'generation': replica.generation,
                    'epoch': replica.epoch or ''})
                replica.apply(decode(response.content))
                self.answers.append((replica.generation, dict(replica.items)))
        app.registry._zodb_databases[''].close()

    def test_what_is_sold(self):
        barrier = threading.Barrier(2)
        self.run_at_once(*[
            lambda name=name: self.sell(name, barrier) for name in self.goods])
        self.check()


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
        return httpx.Client(base_url=self.urls[number], timeout=90)

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


class TwoStoragesTests(unittest.TestCase):
    """A server with several storages has a lock for each."""

    layer = Processes

    def test_one_is_not_waited_for_in_the_other(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        server = storages.ZEOServer(storages=2)
        self.addCleanup(server.stop)
        dbs = [storages.open_db('zeo', server.address, name)
               for name in ('1', '2')]
        for db in dbs:
            self.addCleanup(db.close)
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
