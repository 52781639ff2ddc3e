"""What a pusher reads and writes."""

import unittest

import ZODB

from zc.generationalset.answers import Position
from zc.generationalset.push import Subscriptions
from zc.generationalset.push.store import TOGETHER, Outcome, Store

COUNT = 1000
#: The root, the subscriptions, and the count of their changes.
LOOK = 3
FIRST, SECOND = Position('e', 1), Position('e', 2)


class StoreTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.push = Subscriptions()
            connection.root.other = 0
            for number in range(COUNT):
                self.add(connection, number)
        self.store = Store(self.db, lambda root: root['push'], 3)
        self.addCleanup(self.store.close)
        self.reads = 0
        load = self.store._connection.setstate

        def counted(ob):
            self.reads += 1
            load(ob)
        self.store._connection.setstate = counted

    def add(self, connection, number):
        return connection.root.push.add(
            f'user{number}', f'https://example.org/{number}').id

    def behind(self, position):
        """Return ids, and how many objects were read."""
        self.reads = 0
        found = self.store.behind(position)
        return {each.id for each in found}, self.reads

    def look(self, position, expected):
        """Expect ids, without any of the subscriptions being read."""
        found, reads = self.behind(position)
        self.assertEqual(found, expected)
        self.assertLessEqual(reads, LOOK)

    def note(self, ids, position):
        self.store.note({id: Outcome(position, True) for id in ids})

    def test_what_is_read(self):
        ids, _ = self.behind(FIRST)
        self.assertEqual(len(ids), COUNT)
        self.look(FIRST, ids)
        self.note(ids, FIRST)
        self.look(FIRST, set())
        self.look(SECOND, ids)
        # Something else in the database changes.
        with self.db.transaction() as connection:
            connection.root.other += 1
        self.look(SECOND, ids)
        # Somebody subscribes, and somebody else leaves.
        with self.db.transaction() as connection:
            new = self.add(connection, COUNT)
            old = ids.pop()
            connection.root.push.remove(old)
        found, reads = self.behind(SECOND)
        self.assertEqual(found, {*ids, new})
        self.assertLess(reads, COUNT / 5)

    def test_a_transaction_writes_some_of_them(self):
        ids, _ = self.behind(FIRST)
        before = self.db.lastTransaction()
        sizes = []
        commit = self.store._manager.commit

        def counted():
            sizes.append(len(self.store._connection._registered_objects))
            commit()
        self.store._manager.commit = counted
        self.note(ids, FIRST)
        self.assertGreater(self.db.lastTransaction(), before)
        self.assertEqual(sizes, COUNT // TOGETHER * [TOGETHER])

    def test_a_position_that_is_old_when_it_is_noted(self):
        ids, _ = self.behind(FIRST)
        self.behind(SECOND)
        self.note(ids, FIRST)
        self.look(SECOND, ids)

    def open(self, meanwhile):
        """Return a store that calls something in each transaction."""
        def find(root):
            meanwhile()
            return root['push']

        store = Store(self.db, find, 3)
        self.addCleanup(store.close)
        return store

    def test_a_conflict(self):
        """Somebody else writes the subscription, once."""
        ids, _ = self.behind(FIRST)
        id = ids.pop()
        left = ['something']

        def write():
            if left:
                left.pop()
                with self.db.transaction() as connection:
                    connection.root.push.get(id).given_up = 1

        store = self.open(write)
        store.note({id: Outcome(FIRST, True)})
        self.assertEqual({each.id for each in store.behind(FIRST)}, ids)

    def test_a_failure_in_the_middle(self):
        """What was stored before isn't counted once more."""
        ids, _ = self.behind(FIRST)
        outcomes = {id: Outcome(FIRST, False) for id in ids}
        fates = iter([None, None, OSError('the database is gone')])

        def fail():
            if error := next(fates, None):
                raise error

        store = self.open(fail)
        with self.assertRaises(OSError):
            store.note(outcomes)
        store.note(outcomes)
        self.assertEqual({each.given_up for each in store.behind(SECOND)}, {1})

    def test_those_who_are_gone(self):
        ids, _ = self.behind(FIRST)
        gone = {ids.pop()}
        removed = self.store.note({id: Outcome(FIRST, False, True)
                                   for id in gone})
        self.assertEqual(set(removed), gone)
        self.assertEqual(self.behind(SECOND)[0], ids)
