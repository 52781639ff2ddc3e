"""What would remove too much is held."""

import unittest

from zc.generationalset.merging import ABSENT
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import Synchronizing


class GuardTests(Synchronizing, unittest.TestCase):

    def test_most_items_vanish(self):
        self.filled(40)
        for number in range(1, 40):
            self.remove(0, f'i{number}')
        self.edit(1, 'i0', state='done')
        gets = len(self.issues[0].calls)
        report = self.sync.run()
        self.assertEqual((report.held, report.code), (['A/issue'], 1))
        self.assertEqual([str(step) for step in report.steps],
                         ['A ~ issue i0 state: open → done (from B)'])
        self.assertEqual(len(self.issues[1].items), 40)
        self.assertLess(len(self.issues[0].calls) - gets, 8)
        # It stays held, until somebody approves exactly this.
        self.assertEqual(self.sync.run().held, ['A/issue'])
        [(_, held)] = self.sync.status()['held']
        self.remove(1, 'i0')
        self.sync.release('A/issue', 'another digest')
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.assertIn('39 of 40', held['reason'])
        self.sync.release('A/issue', held['digest'])
        self.settle()
        self.assert_contents({})

    def test_all_items_of_a_store_with_deltas_vanish(self):
        self.make(Traits(deltas=True), Traits())
        self.filled(20)
        for number in range(20):
            self.remove(0, f'i{number}')
        self.sync.run()
        [(_, held)] = self.sync.status()['held']
        self.assertEqual(held['reason'], '20 of 20 items removed')

    def test_they_come_back(self):
        self.filled(40)
        lost = dict(self.issues[0].items)
        self.issues[0].items.clear()
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.issues[0].items.update(lost)
        self.assertEqual(self.settle().steps, [])

    def test_few_at_a_time(self):
        # In a day, ten may go.
        self.filled(60)
        for number in range(12):
            self.remove(0, f'i{number}')
            if self.sync.run().held:
                break
        self.assertEqual(number, 10)
        self.assertEqual(len(self.issues[1].items), 50)
        self.now += 86401
        self.settle()
        self.assertEqual(len(self.issues[1].items), 49)

    def test_after_an_approval_counting_begins_anew(self):
        self.filled(40)
        removed = iter(range(40))

        def remove(count):
            for _ in range(count):
                self.remove(0, f'i{next(removed)}')
            return self.sync.run().held

        self.assertEqual(remove(8), [])
        self.assertEqual(remove(5), ['A/issue'])
        [(_, held)] = self.sync.status()['held']
        self.sync.release('A/issue', held['digest'])
        self.assertEqual(remove(0), [])
        self.assertEqual(remove(8), [])
        self.assertEqual(len(self.contents(1)), 19)

    def test_a_share_at_a_time(self):
        # Each run alone would pass; 88 of them would leave nothing.
        self.filled(240)
        for run in range(4):
            for number in range(12 * run, 12 * run + 12):
                self.remove(0, f'i{number}')
            self.assertEqual(bool(self.sync.run().held), run > 0)
        self.assertEqual(len(self.issues[1].items), 228)

    def test_what_was_always_empty_is_not_counted(self):
        for number in range(20):
            self.add(0, f'i{number}', state='')
        self.settle()
        for number in range(5):
            self.remove(0, f'i{number}')
        self.settle()
        self.assertEqual(len(self.contents(1)), 15)

    def test_what_is_held_stays_held_without_the_store(self):
        for traits in Traits(), Traits(deltas=True):
            for broken in 'identity', 'listing':
                for removed in 15, 8, 0:
                    self.setUp()
                    self.make(traits, Traits())
                    self.filled(20)
                    for number in range(15):
                        if number < removed:
                            self.remove(0, f'i{number}')
                        else:
                            self.edit(0, f'i{number}', state=ABSENT)
                    self.sync.run()
                    self.stores[0].is_up = broken != 'identity'
                    self.issues[0].limit = 3 if broken == 'listing' else None
                    self.issues[0].count = lambda: 20
                    for _ in range(3):
                        self.sync.run()
                        self.now += 86401
                    self.assertEqual(
                        [each['state'] for each in
                         self.contents(1).values()], ['open'] * 20)

    def test_a_run_is_killed_before_it_looks(self):
        for calls in range(30):
            self.setUp()
            self.make(Traits(deltas=True), Traits())
            self.filled(20)
            for number in range(7):
                self.remove(0, f'i{number}')
            for number in range(7, 14):
                self.edit(0, f'i{number}', state=ABSENT)
            if not self.run_killed(calls):
                break
            self.stores[0].is_up = False
            self.sync.run()
            self.assertEqual(
                [each['state'] for each in self.contents(1).values()],
                ['open'] * 20)

    def test_all_lose_a_field(self):
        self.filled(40)
        for number in range(40):
            self.edit(0, f'i{number}', state=ABSENT)
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.assertEqual(self.contents(1)['i0'], {'state': 'open'})

    def test_everything_changes(self):
        self.filled(20)
        for number in range(20):
            self.edit(0, f'i{number}', state='???')
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.assertEqual(self.contents(1)['i0'], {'state': 'open'})
        [(_, held)] = self.sync.status()['held']
        self.sync.release('A/issue', held['digest'])
        self.edit(0, 'i0', state='not seen')
        self.assertEqual(self.sync.run().held, ['A/issue'])
        self.edit(0, 'i0', state='???')
        self.settle()
        self.assertEqual(self.contents(1)['i0'], {'state': '???'})

    def test_another_store_of_the_same_name(self):
        self.filled(20)
        self.issues[0].items.clear()
        self.stores[0].number += 1
        self.add(0, 'i3', state='done')
        report = self.sync.run()
        [found] = report.conflicts
        self.assertRegex(found, '^issue/[0-9]+/state$')
        self.assertEqual(len(self.contents(1)), 20)
        self.assertEqual(len(self.contents(0)), 20)

    def test_an_unreachable_store(self):
        self.filled(3)
        self.issues[0].items.clear()
        self.stores[0].is_up = False
        self.edit(1, 'i1', state='done')
        self.assertEqual(self.sync.run().code, 2)
        self.assertEqual(len(self.contents(1)), 3)
