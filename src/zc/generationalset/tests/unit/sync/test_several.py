"""Three stores, of which one is lossy, away, or read-only."""

import unittest

from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import Synchronizing

FULL = Traits(conditional=True, deltas=True, repeatable=True, tokens='good')


class FirstRunTests(Synchronizing, unittest.TestCase):

    def test_the_first_listing_ends_early(self):
        for number in range(5):
            for side in 0, 1:
                self.add(side, f'i{number}')
        for limit in 3, 0:
            self.issues[0].limit = limit
            for _ in range(2):
                self.assertIn('expected 5', self.sync.run().unavailable['A'])
        self.assertEqual(len(self.issues[0].items), 5)
        self.issues[0].limit = None
        self.assertEqual(self.settle().steps, [])


class ThreeStoresTests(Synchronizing, unittest.TestCase):

    traits = Traits(), Traits(cut=2, drops=('labels',)), FULL

    def test_a_lossy_store(self):
        self.add(0, 'x', state='open', labels=['a'])
        self.settle()
        self.assertEqual(self.contents(1), {'x': {'state': 'op'}})
        self.assertEqual(self.contents(2), {
            'x': {'state': 'open', 'labels': frozenset('a')}})
        self.edit(1, 'x', state='no')
        self.settle()
        self.assertEqual(self.contents(0)['x'],
                         {'state': 'no', 'labels': frozenset('a')})

    def test_one_fails_while_others_agree(self):
        self.add(0, 'x', state='a')
        self.settle()
        self.stores[2].is_up = False
        self.edit(0, 'x', state='b')
        self.assertEqual(self.sync.run().code, 2)
        self.stores[2].is_up = True
        self.assertEqual([str(step) for step in self.settle().steps],
                         ['C ~ issue x state: a → b'])

    def test_one_was_away_and_has_changed_too(self):
        self.add(0, 'x', state='a')
        self.settle()
        self.stores[2].is_up = False
        self.edit(0, 'x', state='b')
        self.sync.run()
        self.stores[2].is_up = True
        self.edit(2, 'x', state='c')
        self.assertEqual(self.sync.run().conflicts, ['issue/1/state'])
        [(_, found)] = self.sync.status()['conflicts']
        self.assertEqual(found['sides'], {'A': 'b', 'B': 'b', 'C': 'c'})

    def test_one_was_away_and_has_deleted(self):
        self.add(0, 'x', state='a')
        self.settle()
        self.stores[2].is_up = False
        self.edit(0, 'x', state='b')
        self.sync.run()
        self.stores[2].is_up = True
        self.remove(2, 'x')
        self.settle()
        self.assertEqual(self.contents(2), {'x': {'state': 'b'}})

    def test_a_read_only_store(self):
        self.make(Traits(), Traits(read_only=True), FULL)
        self.add(1, 'x', state='a')
        self.add(1, 'y', state='a')
        self.add(0, 'z', state='a')
        self.settle()
        self.edit(0, 'x', state='b')
        self.remove(0, 'y')
        self.settle()
        self.assertEqual(self.contents(2), {
            'x': {'state': 'b'}, 'z': {'state': 'a'}})
        self.edit(1, 'x', state='c')
        self.assertEqual(self.sync.run().conflicts, ['issue/2/state'])

    def test_another_store(self):
        self.add(0, 'x', state='a')
        late = self.stores.pop()
        self.restart(self.types)
        self.settle()
        self.stores.append(late)
        self.restart(self.types)
        self.settle()
        self.assertEqual(self.contents(2), {'x': {'state': 'a'}})

    def test_a_conflict_is_not_given_to_others(self):
        self.make(Traits(), Traits(), Traits())
        stores, self.stores = self.stores, self.stores[:1]
        self.restart(self.types)
        self.add(0, 'x', state='a')
        self.settle()
        self.stores = stores
        self.restart(self.types)
        self.add(1, 'x', state='b')
        report = self.sync.run()
        self.assertEqual(self.contents(2), {'x': {}})
        self.sync.resolve_as(report.conflicts[0], 'B')
        self.settle()
        self.assert_contents({'x': {'state': 'b'}})

    def test_nothing_changed(self):
        self.add(2, 'x')
        self.settle()
        self.issues[2].calls.clear()
        last = self.db.lastTransaction()
        self.sync.run()
        self.assertEqual([call[0] for call in self.issues[2].calls], ['find'])
        self.assertEqual(self.db.lastTransaction(), last)

    def test_the_hub_is_a_set(self):
        self.add(0, 'x', state='a')
        self.settle()
        with self.db.transaction() as connection:
            issues = connection.root()['sync']['sets']['items']['issue']
            before = issues.generation
        self.edit(0, 'x', state='b')
        self.settle()
        with self.db.transaction() as connection:
            issues = connection.root()['sync']['sets']['items']['issue']
            [item] = issues.generational_updates(before)['adds']
            self.assertEqual(item.value, {'title': 'x', 'state': 'b'})
