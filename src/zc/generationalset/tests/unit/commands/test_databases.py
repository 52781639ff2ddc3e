"""Databases that commands open."""

import unittest
from unittest import mock

import transaction
from ZODB.MappingStorage import MappingStorage
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.commands import Failure, databases
from zc.generationalset.documents import Document

CONNECTIONS = 5
BYTES = 100_000


class MemoryTests(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def kept(self, data):
        """Read everything in all connections; return the bytes they keep."""
        with mock.patch.object(databases, 'CACHE', BYTES), \
                databases.opened(data, CONNECTIONS) as db:
            self.fill(db)
            managers = [transaction.TransactionManager()
                        for _ in range(CONNECTIONS)]
            connections = [db.open(manager) for manager in managers]
            for manager, connection in zip(
                    managers, connections, strict=True):
                for item in connection.root()['things']:
                    item.value
                manager.abort()
                connection.close()
            return sum(connection._cache.total_estimated_size
                       for connection in connections)

    def fill(self, db):
        with db.transaction() as connection:
            things = connection.root()['things'] = GSet()
            for number in range(200):
                things.add(Document(number, 'x' * 1000))

    def test_the_connections_share_the_bound(self):
        kept = self.kept('Data.fs')
        self.assertGreater(kept, BYTES / 4)
        self.assertLess(kept, BYTES / 2 * 1.1)  # the rest is for large answers

    def test_a_uri_gives_each_connection_its_own(self):
        kept = self.kept('file://Data.fs?connection_cache_size_bytes=50000')
        self.assertGreater(kept, BYTES * 1.1)


class OpeningTests(unittest.TestCase):

    def test_what_can_not_be_opened_is_closed(self):
        storage = MappingStorage()
        with mock.patch.object(
                databases, '_storage', return_value=(storage, {})), \
                self.assertRaisesRegex(Failure, 'can not open'), \
                databases.opened('zeo://localhost', cache_sise=1):
            pass
        self.assertFalse(storage.opened())
