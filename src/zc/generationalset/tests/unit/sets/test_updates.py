"""Answers: their contents, and which of the right answers is given."""

import unittest

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from zc.generationalset import GSet, check
from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.tests.support.things import Client, Thing, plain


class UpdatesTests(unittest.TestCase):
    """In memory; a subclass commits after each change."""

    def stored(self, gset):
        return gset

    def commit(self):
        pass

    def do(self, change, *args):
        change(*args)
        self.commit()

    def answer(self, gset, generation):
        return plain(gset.generational_updates(generation))

    # Removals

    def four_removals(self, **options):
        gset = self.stored(GSet(maximum_removals=3, **options))
        for id in range(4):
            self.do(gset.add, Thing(id))
            self.do(gset.remove, Thing(id))
        return gset

    def test_floor(self):
        gset = self.four_removals()
        expected = [{'contents': []}] * 5 + [
            {'removals': [2, 3]}] * 2 + [{'removals': [3]}] * 2 + [{}] * 2
        for generation, updates in enumerate(expected):
            with self.subTest(generation=generation):
                self.assertEqual(self.answer(gset, generation),
                                 {'generation': 9, **updates})

    def test_the_smaller_answer(self):
        gset = self.stored(GSet(maximum_removals=3))
        for id in range(10):
            self.do(gset.add, Thing(id))
        for id in range(4):
            self.do(gset.remove, Thing(id))
        # The floor is 12, at 13 to 15 removals are logged.
        self.assertIn('contents', self.answer(gset, 11))
        for generation in 12, 13:
            self.assertEqual(
                self.answer(gset, generation)['removals'],
                [id for id in range(1, 4) if id + 12 > generation])
        for id in range(4, 9):
            self.do(gset.changed, gset[id])
        self.assertEqual(self.answer(gset, 15)['adds'], [4, 5, 6, 7, 8])

    def test_forgotten_stays_forgotten(self):
        gset = self.four_removals()
        self.do(gset.add, Thing(3))
        self.do(gset.add, Thing(2))
        self.do(setattr, gset, 'maximum_removals', 99)
        self.do(gset.add, Thing(1))
        self.assertEqual(self.answer(gset, 2)['contents'], [3, 2, 1])
        self.assertEqual(self.answer(gset, 9),
                         {'generation': 12, 'adds': [3, 2, 1]})

    def test_no_removals_are_kept(self):
        gset = self.stored(GSet(maximum_removals=0))
        self.do(gset.add, Thing(1))
        self.do(gset.add, Thing(2))
        self.do(gset.remove, Thing(1))
        self.assertEqual(self.answer(gset, 3),
                         {'generation': 4, 'contents': [2]})
        self.assertEqual(self.answer(gset, 4), {'generation': 4})

    def test_lowered_bound(self):
        gset = self.stored(GSet())
        for id in range(5):
            self.do(gset.add, Thing(id))
        for id in range(4):
            self.do(gset.remove, Thing(id))
        self.do(setattr, gset, 'maximum_removals', 2)
        self.assertEqual(self.answer(gset, 6)['contents'], [4])
        self.assertEqual(self.answer(gset, 9),
                         {'generation': 10, 'removals': [3]})

    # Generations that are no problem, and one that is

    def test_nothing_new(self):
        gset = self.stored(GSet())
        self.assertEqual(self.answer(gset, 1), {'generation': 1})
        self.assertEqual(self.answer(gset, 0), {'generation': 1})
        self.assertEqual(self.answer(gset, -5), {'generation': 1})

    def test_a_client_ahead_of_the_server(self):
        gset = self.stored(GSet())
        self.do(gset.add, Thing(1))
        self.assertEqual(self.answer(gset, 100), {'generation': 2})
        client = Client()
        client.generation, client.items = 100, {5: 0}
        client.sync(gset)
        self.assertEqual(client.items, {1: 0})

    def test_no_generation(self):
        gset = self.stored(GSet())
        for bad in None, '1', 1.0:
            for method in gset.generational_updates, gset.provisional_updates:
                with self.assertRaisesRegex(
                        TypeError, 'expected a generation, an integer, got'):
                    method(bad)

    # Subsets

    def test_subset_updates_are_told_from_items(self):
        gset = self.stored(GSet())
        item = {'id': 'a', 'adds': ['item']}
        self.do(gset.add, item, 'a')
        self.do(gset.add, GSet('b'))
        first, second = gset.generational_updates(0)['adds']
        self.assertIs(type(first), dict)
        self.assertIs(type(second), SubsetUpdates)
        self.assertEqual(repr(second), "{'id': 'b'}")

    def test_keys_are_in_order(self):
        gset = self.stored(GSet())
        subset = GSet('sub')
        self.do(gset.add, subset)
        for change in 'add', 'remove':
            self.do(getattr(subset, change), Thing(1))
            self.do(getattr(gset, change), Thing('1'))
        self.do(subset.add, Thing(2))
        updates = gset.generational_updates(0)
        self.assertEqual(list(updates), ['generation', 'removals', 'adds'])
        self.assertEqual(list(updates['adds'][0]), ['id', 'removals', 'adds'])

    def test_unchanged_subsets_are_listed_in_contents(self):
        gset = self.stored(GSet(maximum_removals=0))
        for id in 'ab':
            self.do(gset.add, GSet(id))
            self.do(gset[id].add, Thing(1))
        generation = gset.generation
        self.do(gset['a'].add, Thing(2))
        self.do(gset.add, Thing('c'))
        self.do(gset.remove, Thing('c'))
        self.assertEqual(
            self.answer(gset, generation)['contents'],
            [{'id': 'b'}, {'id': 'a', 'adds': [2]}])

    def test_subset_asked_alone(self):
        gset = self.stored(GSet())
        self.do(gset.add, GSet('sub'))
        self.do(gset['sub'].add, Thing(1))
        self.do(gset.add, Thing('a'))
        self.assertEqual(self.answer(gset['sub'], 0),
                         {'generation': 4, 'adds': [1]})
        self.assertEqual(self.answer(gset['sub'], 3), {'generation': 4})

    def test_order_is_that_of_the_latest_change(self):
        gset = self.stored(GSet())
        for id in 'abc':
            self.do(gset.add, GSet(id))
        self.do(gset['a'].add, Thing(1))
        self.do(gset.add, Thing('d'))
        self.do(gset['b'].add, Thing(2))
        self.assertEqual(
            self.answer(gset, 0)['adds'],
            [{'id': 'c'}, {'id': 'a', 'adds': [1]}, 'd',
             {'id': 'b', 'adds': [2]}])
        self.assertEqual([ob.id for ob in gset], ['c', 'a', 'd', 'b'])
        self.assertEqual([ob.id for ob in gset.values(6)], ['d', 'b'])


class StoredUpdatesTests(UpdatesTests):
    """Everything is still in the journal."""

    def setUp(self):
        self.db = ZODB.DB(None)
        self.connection = self.db.open()
        self.addCleanup(self.db.close)
        self.addCleanup(transaction.abort)

    def stored(self, gset):
        self.gset = self.connection.root.gset = gset
        self.commit()
        return gset

    def commit(self):
        transaction.commit()

    def do(self, change, *args):
        super().do(change, *args)
        self.assertEqual(check(self.gset), [])


    # What is in the journal is not forgotten yet.

    def test_forgotten_stays_forgotten(self):
        gset = self.four_removals()
        self.do(gset.add, Thing(3))
        self.do(setattr, gset, 'maximum_removals', 99)
        self.assertEqual(
            self.answer(gset, 2),
            {'generation': 10, 'removals': [0, 1, 2], 'adds': [3]})

    def test_lowered_bound(self):
        gset = self.four_removals()
        self.do(setattr, gset, 'maximum_removals', 1)
        self.assertEqual(self.answer(gset, 2), {
            'generation': 9, 'contents': []})


class SettledUpdatesTests(StoredUpdatesTests):
    """Everything is in the B-trees, and nothing in memory."""

    test_forgotten_stays_forgotten = UpdatesTests \
        .test_forgotten_stays_forgotten
    test_lowered_bound = UpdatesTests.test_lowered_bound

    def commit(self):
        if self.gset._journal.records:
            self.gset._journal.settle(self.gset)
        super().commit()
        self.connection.cacheMinimize()


class OwnChangesTests(unittest.TestCase):
    """Updates in the transaction that writes."""

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.gset = GSet()
        self.managers = [transaction.TransactionManager() for _ in 'ab']
        self.sets = [self.db.open(manager).root.gset
                     for manager in self.managers]
        for manager in self.managers:
            self.addCleanup(manager.abort)

    def commit_both(self):
        self.managers[1].commit()
        self.managers[0].commit()
        self.managers[1].begin()

    def test_reading_before_the_change_hands_nothing_out(self):
        one, other = self.sets
        self.assertEqual(one.generation, 1)
        one.generational_updates(0)
        one.add(Thing('a'))
        other.add(Thing('b'))
        self.commit_both()
        self.assertEqual(list(other.ids()), ['b', 'a'])

    def test_handing_out(self):
        for read in (lambda gset: gset.generation,
                     lambda gset: gset.generational_updates(0)):
            one, other = self.sets
            one.add(Thing('a'))
            read(one)
            other.add(Thing('b'))
            with self.assertRaises(ConflictError):
                self.commit_both()
            self.managers[0].abort()

    def test_handing_out_and_savepoint(self):
        one, other = self.sets
        one.add(Thing('a'))
        self.managers[0].savepoint()
        one._p_jar.cacheMinimize()
        self.assertEqual(one.generation, 2)
        other.add(Thing('b'))
        with self.assertRaises(ConflictError):
            self.commit_both()

    def test_handing_out_without_others(self):
        one, _ = self.sets
        one.add(Thing('a'))
        self.assertEqual(one.generation, 2)
        self.managers[0].commit()
        one.add(Thing('b'))
        self.managers[0].commit()
        self.assertEqual(one.generation, 3)

    def test_provisional_updates(self):
        one, other = self.sets
        self.assertEqual(one.provisional_updates(0), {'generation': 1})
        one.add(Thing('a'))
        updates = one.provisional_updates(0)
        self.assertEqual(plain(updates), {'generation': 1, 'adds': ['a']})
        self.assertEqual(one.provisional_updates(2), {'generation': 1})
        other.add(Thing('b'))
        self.commit_both()
        client = Client()
        client.apply(updates)
        client.sync(one)
        self.assertEqual(sorted(client.items), ['a', 'b'])
        # A replica has the order of the set: 'b' was committed first.
        self.assertEqual(list(client.items), list(one.ids()))

    def test_provisional_updates_and_savepoint(self):
        one, other = self.sets
        one.add(Thing('a'))
        self.managers[0].savepoint()
        one._p_jar.cacheMinimize()
        updates = one.provisional_updates(0)
        self.assertEqual(plain(updates), {'generation': 1, 'adds': ['a']})
        other.add(Thing('b'))
        self.commit_both()

    def test_provisional_updates_in_memory(self):
        gset = GSet()
        gset.add(Thing('a'))
        self.assertEqual(plain(gset.provisional_updates(0)),
                         {'generation': 2, 'adds': ['a']})

    def test_explicit_transactions(self):
        manager = transaction.TransactionManager(explicit=True)
        manager.begin()
        connection = self.db.open(manager)
        gset = connection.root.gset
        gset.add(Thing('a'))
        manager.commit()
        self.assertEqual(gset._journal.hand_out(), 2)  # no transaction
        manager.begin()
        self.assertEqual(gset.generation, 2)
        manager.abort()
        connection.close()
