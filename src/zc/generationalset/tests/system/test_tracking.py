"""Programs that forget to call ``changed``: no replica differs.

On each storage, several threads change items, and call ``changed`` only
sometimes.
"""

import contextlib
import random
import unittest
from concurrent.futures import ThreadPoolExecutor

import transaction
import ZODB
from hypothesis import given
from hypothesis import strategies as st
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ConflictError
from zope.testing import setupstack

from zc.generationalset import GSet, check, track, wire
from zc.generationalset.replica import Replica
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.layers import Histories, Processes
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.things import Thing

SEED = 3
ITEMS = 'abcdef'
WRITERS = 3
ROUNDS = 12

CHANGE = st.tuples(st.sampled_from(ITEMS), st.sampled_from(
    ['forget', 'tell', 'remove', 'add', 'savepoint', 'roll back', 'abort',
     'commit', 'ghosts']))


def create(db):
    with db.transaction() as connection:
        connection.root.tree = GSet()
        connection.root.tree.add(GSet('things'))
        for id in ITEMS:
            put(connection.root.tree['things'], id)


def put(gset, id):
    thing = Thing(id)
    thing.__parent__ = gset
    gset.add(thing)


def versions(gset):
    return {id: ob.version for id, ob in gset.items()}


class Client(Replica):
    """A replica of the versions of items."""

    def sync(self, tree):
        updates = tree.client_updates(self.generation, self.epoch)
        self.apply(wire.decode(wire.encode(
            updates, default=lambda thing: thing.version)))

    def versions(self):
        return dict(self.items.get('things', {}))


class HistoryTests(unittest.TestCase):

    layer = Histories

    @tries(50)
    @given(st.lists(CHANGE, max_size=25))
    def test_whatever_is_forgotten(self, changes):
        with contextlib.closing(ZODB.DB(DemoStorage())) as db:
            create(db)
            track(db)
            manager = transaction.TransactionManager()
            tree = db.open(manager).root.tree
            client, savepoints = Client(), []
            for id, kind in changes:
                if kind == 'savepoint':
                    savepoints.append(manager.savepoint())
                elif kind == 'roll back':
                    if savepoints:
                        savepoints.pop().rollback()
                elif kind == 'ghosts':
                    tree._p_jar.cacheMinimize()
                elif kind in ('abort', 'commit'):
                    getattr(manager, kind)()
                    savepoints.clear()
                    client.sync(tree)
                    self.compare(client, tree)
                else:
                    change(tree['things'], id, kind)
            manager.commit()
            client.sync(tree)
            self.compare(client, tree)
            self.assertEqual(check(tree), [])
            manager.abort()

    def compare(self, client, tree):
        self.assertEqual(client.versions(), versions(tree['things']))


def change(things, id, kind):
    """Do something to an item that is there; else add it."""
    if id not in things:
        put(things, id)
    elif kind == 'remove':
        things.remove(things[id])
    else:
        things[id].version += 1
        if kind == 'tell':
            things.changed(things[id])


class StorageTests:

    layer = Processes

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.make_storage()

    def open(self):
        db = ZODB.DB(self.make())
        self.stack.callback(db.close)
        return db

    def make_storage(self):
        pass

    def write(self, db, seed):
        rnd = random.Random(seed)
        manager = transaction.TransactionManager()
        with contextlib.closing(db.open(manager)) as connection:
            for _ in range(ROUNDS):
                with contextlib.suppress(ConflictError):
                    manager.begin()
                    things = connection.root.tree['things']
                    for _ in range(rnd.randrange(1, 4)):
                        change(things, rnd.choice(ITEMS), rnd.choice(
                            ['forget', 'forget', 'tell', 'remove']))
                        if rnd.random() < .2:
                            manager.savepoint()
                    manager.commit()
                manager.abort()
                yield manager

    def follow(self, db, seed):
        """Write, and look what a client has after each transaction."""
        client = Client()
        differences = []
        for manager in self.write(db, seed):
            with contextlib.closing(db.open(manager)) as connection:
                tree = connection.root.tree
                client.sync(tree)
                if client.versions() != versions(tree['things']):
                    differences.append((client.generation, client.versions()))
                manager.abort()
        return differences

    def test_writers(self):
        create(self.open())
        dbs = self.databases()
        for db in dbs:
            track(db)
        with ThreadPoolExecutor(WRITERS) as threads:
            for differences in threads.map(
                    self.follow, dbs, range(SEED, SEED + WRITERS)):
                self.assertEqual(differences, [])

    def databases(self):
        return [self.open() for _ in range(WRITERS)]


class FileStorageTests(StorageTests, unittest.TestCase):

    def make_storage(self):
        db = ZODB.DB(FileStorage('Data.fs'))
        self.stack.callback(db.close)
        self.open = lambda: db


class ZEOTests(StorageTests, unittest.TestCase):

    def make_storage(self):
        server = storages.ZEOServer()
        self.stack.callback(server.stop)
        self.make = lambda: storages.zeo_client(server.address)


class PostgreSQLTests(StorageTests, unittest.TestCase):

    layer = DATABASES

    def make_storage(self):
        dsn = DATABASES.new()
        self.make = lambda: storages.postgresql(dsn)
