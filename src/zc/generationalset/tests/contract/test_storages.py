"""The contract, on every storage."""

import time
import unittest

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.serialize import referencesf
from zope.testing import setupstack
from zope.testing.wait import wait

from zc.generationalset.tests.contract import (
    Contract,
    PlainItems,
    WithoutPacking,
)
from zc.generationalset.tests.contract.base import Base
from zc.generationalset.tests.contract.history import Reopening, Undoing
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.things import (
    Plain,
)


class TestFileStorage(Contract, Reopening, Undoing, unittest.TestCase):

    def open_storage(self):
        return FileStorage('data.fs')


class TestMappingStorage(Contract, unittest.TestCase):

    resolves = False

    def open_storage(self):
        return MappingStorage()


class TestDemoStorage(Contract, unittest.TestCase):

    def open_storage(self):
        return DemoStorage()


class OverFileStorage(Base):
    """The base has the tree already."""

    def set_up_storage(self):
        db = ZODB.DB('base.fs')
        self.create_tree_in(db)
        db.close()

    def create_tree(self):
        pass


class TestDemoStorageOverFileStorage(
        OverFileStorage, Contract, unittest.TestCase):

    def open_storage(self):
        self.storage = DemoStorage(base=FileStorage('base.fs'))
        return self.storage

    def pack(self):
        # It can't find garbage, because the root of the database is in the
        # base.
        self.storage.pack(time.time(), referencesf, gc=False)


# A DemoStorage that is given its changes can't be packed.  And if the first
# change of an object from the base is undone, the object can't be stored any
# more.  So here the base is empty.
class TestDemoStorageWithChangesInFileStorage(
        WithoutPacking, Reopening, Undoing, unittest.TestCase):

    def open_storage(self):
        return DemoStorage(
            base=FileStorage('base.fs'), changes=FileStorage('changes.fs'))


class RelStorage(Contract, Reopening):

    layer = Databases
    keep_history = True

    def open_storage(self):
        return storages.relstorage('data', self.keep_history)

    def open_dbs(self):
        return ZODB.DB(self.open_storage()), ZODB.DB(self.open_storage())


class TestRelStorage(RelStorage, Undoing, unittest.TestCase):
    pass


class TestRelStorageWithoutHistory(RelStorage, unittest.TestCase):

    keep_history = False


class PostgreSQL(RelStorage):

    layer = DATABASES

    def set_up_storage(self):
        self.dsn = DATABASES.new()

    def open_storage(self):
        return storages.postgresql(self.dsn, self.keep_history)


class TestPostgreSQL(PostgreSQL, Undoing, unittest.TestCase):
    pass


class TestPostgreSQLWithoutHistory(PostgreSQL, unittest.TestCase):

    keep_history = False


class ServerLayer:
    """A ZEO server that lacks some modules."""

    __bases__ = ()
    __module__ = __name__
    storages = 50

    def __init__(self, name, *lacking):
        self.__name__ = name
        self._lacking = lacking

    def setUp(self):
        setupstack.setUpDirectory(self)
        try:
            self.server = storages.ZEOServer(self._lacking, self.storages)
        except BaseException:
            setupstack.tearDown(self)
            raise
        setupstack.register(self, self.server.stop)
        self._unused = iter(range(1, self.storages + 1))

    def tearDown(self):
        setupstack.tearDown(self)

    def next_storage(self):
        return str(next(self._unused))


class ZEO(Contract, Reopening, Undoing):
    """Uses one server, which has a storage for each test."""

    layer = None

    @property
    def server(self):
        return self.layer.server

    def set_up_storage(self):
        self.storage = self.layer.next_storage()

    def tear_down_storage(self):
        self.assertEqual(self.server.resolver_errors(), [])

    def forget_resolver_errors(self):
        self.server.forget_errors()

    def open_dbs(self):
        return tuple(
            storages.open_db('zeo', self.server.address, self.storage)
            for _ in range(2))

    def settle(self):
        # The server may answer one client before it tells the other.
        wait(lambda: len({db.lastTransaction() for db in self.dbs}) == 1)


class TestZEO(ZEO, unittest.TestCase):

    layer = ServerLayer('Server')


class LackingModules(ZEO):

    def tear_down_storage(self):
        # The server logs what it can't import, and does nothing worse.
        self.forget_resolver_errors()


class TestZEOWithoutPackage(LackingModules, unittest.TestCase):

    layer = ServerLayer('WithoutPackage', 'zc.generationalset')
    resolves = False


class TestZEOWithoutClassesOfItems(LackingModules, unittest.TestCase):

    layer = ServerLayer('WithoutClassesOfItems', Plain.__module__)
    resolves_plain_items = False

    def test_lacking(self):
        self.race(PlainItems.put(self, 'x', 1), PlainItems.put(self, 'y', 2))
        self.assertNotEqual(self.server.resolver_errors(), [])
        self.verify({'x': 1, 'y': 2})
