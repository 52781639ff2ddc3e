"""Transactions: savepoints, aborts, copies, hooks."""

import copy
import gc
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from zc.generationalset import GSet, check
from zc.generationalset.sets import journal, transactions
from zc.generationalset.tests.support.things import Client, Thing, state


class TransactionTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        self.addCleanup(transaction.abort)
        self.connection = self.db.open()
        self.root = self.connection.root.gset = GSet()
        for number in range(20):
            self.root.add(Thing(f'i{number}'))
        transaction.commit()
        self.client = Client()
        self.client.sync(self.root)
        self.manager = transaction.TransactionManager()
        self.other = self.db.open(self.manager).root.gset
        self.addCleanup(self.manager.abort)

    def others_change(self, count):
        for number in range(count):
            self.manager.begin()
            self.other.add(Thing(f'other{number}'))
            self.manager.commit()

    def well(self, *clients):
        transaction.commit()
        for client in (self.client, Client(), *clients):
            client.sync(self.root)
        self.assertEqual(check(self.root), [])

    # One connection, one transaction, but another revision

    def test_reopened_after_a_bad_id(self):
        with self.assertRaises(TypeError):
            self.root.add(Thing(5))
        self.reopened()

    def test_reopened_after_a_rollback(self):
        savepoint = transaction.savepoint()
        self.root.add(Thing('x'))
        savepoint.rollback()
        self.reopened()

    def reopened(self):
        self.connection.close()
        self.others_change(40)
        self.connection = self.db.open()
        self.root = self.connection.root.gset
        self.root.generation
        self.assertFalse(self.root._journal._p_changed)
        self.client.sync(self.root)
        self.root.add(Thing('new'))
        self.well()
        self.others_change(150)
        self.well()

    # Savepoints

    def test_two_trees_after_an_abort(self):
        """What is noted of one tree isn't lost with the other's change."""
        second = self.connection.root.second = GSet()
        transaction.commit()
        self.root.add(Thing('aborted'))
        transaction.abort()
        self.root.add(Thing('x'))
        second.add(Thing('y'))
        transaction.savepoint()
        self.root.add(Thing('z'))
        self.assertEqual(
            self.root.provisional_updates(21)['generation'], 21)
        self.assertEqual(self.root.generation, 23)
        self.others_change(1)
        with self.assertRaises(ConflictError):
            transaction.commit()

    def test_handed_out_before_a_rollback(self):
        self.root.add(Thing('mine'))
        savepoint = transaction.savepoint()
        self.assertEqual(self.root.generation, 22)
        savepoint.rollback()
        self.others_change(1)
        with self.assertRaises(ConflictError):
            transaction.commit()

    def test_handed_out_before_a_rollback_of_everything(self):
        savepoint = transaction.savepoint()
        self.root.add(Thing('mine'))
        self.assertEqual(self.root.generation, 22)
        savepoint.rollback()
        self.others_change(1)
        self.well()

    # Objects that were not stored before an abort stay as they are

    def test_new_subset_after_an_abort(self):
        subset = GSet('sub', self.root)
        subset.add(Thing('a'))
        transaction.abort()
        self.assertNotIn('sub', self.root)
        self.others_change(3)
        transaction.begin()
        self.client.sync(self.root)
        subset.add(Thing('b'))
        self.assertEqual(state(self.root['sub']), {'a': 0, 'b': 0})
        self.well()
        for number in range(150):
            subset.add(Thing(f'{number}'))
            transaction.commit()
        self.well()

    def test_new_subset_after_a_rollback(self):
        savepoint = transaction.savepoint()
        subset = GSet('sub')
        subset.add(Thing('a'))
        self.root.add(subset)
        savepoint.rollback()
        self.root.add(subset)
        self.well()

    def test_new_subset_that_is_added_again(self):
        subset = GSet('sub')
        subset.add(Thing('a'))
        subset.add(Thing('b'))
        self.root.add(subset)
        transaction.abort()
        self.others_change(30)
        transaction.begin()
        self.client.sync(self.root)
        self.root.add(subset)
        self.well()
        self.assertEqual(self.client.items['sub'], {'a': 0, 'b': 0})

    def test_new_subset_that_goes_elsewhere(self):
        subset = GSet('sub')
        subset.add(Thing('a'))
        self.root.add(subset)
        transaction.abort()
        other = self.connection.root.other = GSet()
        other.add(subset)
        self.well()
        self.assertEqual(check(other), [])
        self.assertEqual(state(other), {'sub': {'a': 0}})

    def test_subset_with_an_id_that_is_taken(self):
        """It doesn't see what is in the other one."""
        self.root.add(GSet('sub'))
        transaction.commit()
        self.root['sub'].add(Thing('x'))
        transaction.commit()
        pending = GSet('sub', self.root)
        self.assertEqual((len(pending), list(pending)), (0, []))
        self.assertNotIn('x', pending)
        self.assertEqual(pending.generational_updates(0),
                         {'generation': self.root.generation})
        with self.assertRaises(KeyError):
            pending.remove('x', 'x')
        self.well()

    # Copies

    def test_copies(self):
        for number in range(20):
            self.root.add(Thing(f'new{number}'))
            transaction.commit()
        self.root.changed(self.root['i3'])
        self.assertTrue(self.root._journal.backlog.records)
        duplicate = copy.deepcopy(self.root)
        self.assertEqual(state(duplicate), state(self.root))
        self.client.generation = 0
        self.client.sync(duplicate)
        self.assertEqual(duplicate.generation, self.root.generation)
        duplicate.add(Thing('new3', 5))
        duplicate.changed(duplicate['new4'])
        duplicate.add(Thing('x'))
        self.client.sync(duplicate)
        self.assertEqual(duplicate['new3'].version, 5)
        self.assertEqual(check(duplicate), [])
        self.assertEqual(check(self.root), [])

    def test_shallow_copies_would_share_everything(self):
        for gset in self.root, GSet():
            with self.assertRaisesRegex(TypeError, 'expected copy.deepcopy'):
                copy.copy(gset)

    # Hooks

    def test_updates_in_an_after_commit_hook(self):
        answers = []
        self.root.add(Thing('new'))
        transaction.get().addAfterCommitHook(
            lambda succeeded: answers.append(
                self.root.generational_updates(21)))
        transaction.commit()
        self.assertEqual(answers[0]['generation'], 22)
        self.assertEqual([thing.id for thing in answers[0]['adds']], ['new'])

    def test_bad_generation_hands_nothing_out(self):
        self.root.add(Thing('new'))
        with self.assertRaises(TypeError):
            self.root.generational_updates(1.0)
        self.others_change(1)
        self.well()

    def test_notify_comes_after_a_move(self):
        for id in 'ab':
            self.root.add(GSet(id))
        self.root['a'].add(GSet('moved'))
        other = self.connection.root.other = GSet()
        seen = []

        def notified(gset):
            seen.append((gset, state(self.root), state(other)))

        with mock.patch('zc.generationalset.notify', notified):
            self.root['b'].add(self.root['a']['moved'])
            other.add(self.root['b']['moved'])
        roots = [gset for gset, *_ in seen]
        self.assertEqual(roots, [self.root] * 3 + [other])
        for _, inside, elsewhere in seen[:2]:
            self.assertEqual((inside['a'], inside['b'], elsewhere),
                             ({}, {'moved': {}}, {}))
        for _, inside, elsewhere in seen[2:]:
            self.assertEqual((inside['b'], elsewhere), ({}, {'moved': {}}))
        self.well()

    # Bounds

    def test_bad_maximum_removals(self):
        for bad in None, '5', -1:
            with self.assertRaisesRegex(ValueError, 'expected maximum_rem'):
                self.root.maximum_removals = bad
        self.connection.cacheMinimize()
        self.assertEqual(self.root.maximum_removals, 99)
        self.connection.cacheMinimize()
        self.root.maximum_removals = 5
        transaction.commit()
        self.connection.cacheMinimize()
        self.assertEqual(self.root.maximum_removals, 5)

    def test_generations_far_away(self):
        for far in 2 ** 70, -2 ** 70:
            self.assertIn('generation', self.root.generational_updates(far))
        self.assertEqual(len(self.root.values(-2 ** 70)), 20)
        self.assertLess(20, journal.BULK)

    def test_connections_that_are_gone_leave_nothing(self):
        db = ZODB.DB(DemoStorage())
        with db.transaction() as connection:
            connection.root.gset = GSet()
        with db.transaction() as connection:
            connection.root.gset.add(Thing('a'))
        key = id(connection)
        self.assertIn(key, transactions._notes)
        del connection
        db.close()
        del db
        gc.collect()
        gc.collect()  # a cache of a connection needs two
        self.assertNotIn(key, transactions._notes)
