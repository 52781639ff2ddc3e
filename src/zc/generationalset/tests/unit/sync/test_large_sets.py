"""Sets of many documents, as stores."""

import gc
import unittest
from unittest import mock

import ZODB
from ZODB.Connection import Connection

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.sync import Data, Gone, Incomplete, Unreadable
from zc.generationalset.sync.stores.gset import FEW, SetStore
from zc.generationalset.tests.support.stored import TYPE


class LargeTests(unittest.TestCase):
    """Sets of many documents, of which few may be in memory at a time."""

    def setUp(self):
        self.db = ZODB.DB(None, cache_size=100)
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.issues = GSet()
        self.accessor = SetStore(
            'set', self.db, lambda root, name: root[f'{name}s'], {TYPE: {}},
        ).accessors['issue']

    def put(self, count):
        with self.db.transaction() as connection:
            for number in range(count):
                connection.root.issues.add(
                    Document(f'{number}', {'title': f'{number}'}))

    def most_alive(self, cursor=None):
        """Find items; return how many, how many objects of the database were
        in memory, how many Data, and the next cursor."""
        loaded, made, number = [], [], 0

        def load(connection, ob):
            really(connection, ob)
            loaded.append(connection._cache.cache_non_ghost_count)

        def count():
            return sum(isinstance(each, Data) for each in gc.get_objects())

        gc.collect()
        before, really = count(), Connection.setstate
        with mock.patch.object(Connection, 'setstate', load):
            changes = self.accessor.find(cursor)
            for number, _ in enumerate(changes, 1):
                if number % FEW == 0:
                    made.append(count() - before)
        return number, max(loaded), max(made), changes.cursor

    def test_few_are_in_memory(self):
        cursor = None
        for count in 20 * FEW, 21 * FEW:  # all, and what has changed
            self.put(count)
            found, loaded, made, cursor = self.most_alive(cursor)
            self.assertEqual(found, count)
            self.assertLess(loaded, 5 * FEW)
            self.assertLess(made, FEW)

    def test_changes_while_it_is_listed(self):
        self.put(3)
        left = iter(self.accessor.find())
        listed = [next(left).id, next(left).id]
        self.accessor.update('2', {'title': 'new'}, None)
        self.accessor.remove('1', None)
        listed += [each.id for each in left]
        self.assertEqual(listed, ['0', '1', '2'])

    def test_what_is_gone_when_it_is_read(self):
        self.put(3)
        changes = self.accessor.find()
        list(changes)
        self.put(2)
        later = self.accessor.find(changes.cursor)
        self.accessor.remove('1', None)
        self.assertEqual([type(each) for each in later], [Data, Gone])
        self.assertEqual(
            [each.id for each in self.accessor.find(later.cursor)], ['1'])

    def test_removals_that_are_forgotten_before_they_are_read(self):
        self.put(2)
        changes = self.accessor.find()
        list(changes)
        self.accessor.remove('1', None)
        later = self.accessor.find(changes.cursor)
        with self.db.transaction() as connection:
            connection.root.issues.maximum_removals = 0
        for _ in range(200):
            self.put(3)
            self.accessor.remove('2', None)
        with self.assertRaisesRegex(Incomplete, 'forgotten'):
            list(later)
        self.assertFalse(later.complete)

    def test_subsets(self):
        cursor = self.accessor.find()
        list(cursor)
        with self.db.transaction() as connection:
            connection.root.issues.add(GSet('inner'))
        for changes in self.accessor.find(), self.accessor.find(cursor.cursor):
            self.assertEqual([(each.id, type(each)) for each in changes],
                             [('inner', Unreadable)])
