"""The memory for large answers: who has it, and when it is given back."""

import unittest

import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.answers import NOTHING
from zc.generationalset.documents import Document
from zc.generationalset.sources.zodb.source import ZODBSource

#: Bytes that a connection may keep, and how many connections there are.
EACH, CONNECTIONS = 30_000, 10


class MemoryTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(
            DemoStorage(), pool_size=CONNECTIONS, cache_size=1_000_000,
            cache_size_bytes=EACH)
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            things = connection.root.things = GSet()
            for number in range(200):
                things.add(Document(number, 'x' * 1000))
        self.source = ZODBSource(self.db, lambda root, name: root['things'])

    def copy(self, snapshot):
        """Read everything, as for a large answer."""
        for _, document in snapshot.updates(None, NOTHING)['contents']:
            self.assertEqual(len(document.value), 1000)
        snapshot.trim()
        return snapshot._connection

    def kept(self, connection):
        return connection._cache.total_estimated_size

    def test_the_connection_keeps_all(self):
        with self.source.snapshot() as snapshot:
            connection = self.copy(snapshot)
        self.assertGreater(self.kept(connection), 200_000)
        with self.source.snapshot() as snapshot:
            self.assertIs(snapshot._connection, connection)

    def test_one_connection_has_it(self):
        with self.source.snapshot() as first:
            one = self.copy(first)
            with self.source.snapshot() as second:
                other = self.copy(second)
        self.assertIsNot(one, other)
        self.assertGreater(self.kept(other), 200_000)
        self.assertLess(self.kept(one), 2 * EACH)

    def test_a_database_without_a_limit_of_bytes(self):
        self.db.setCacheSizeBytes(0)
        with self.source.snapshot() as snapshot:
            connection = self.copy(snapshot)
        self.assertEqual(connection._cache.cache_size_bytes, 0)
