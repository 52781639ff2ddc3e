"""Stores that fail, and runs that are killed in the middle of a call."""

import unittest
from unittest import mock

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync import (
    Busy,
    Data,
    Refused,
    Replaced,
    Unreadable,
)
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import (
    Synchronizing,
)

FULL = Traits(conditional=True, deltas=True, repeatable=True, tokens='good')


class FailureTests(Synchronizing, unittest.TestCase):

    def test_a_listing_that_ends_early(self):
        self.filled(5)
        self.add(1, 'new')
        self.issues[0].limit = 3
        report = self.sync.run()
        self.assertIn('expected 5 items', report.unavailable['A'])
        self.assertEqual(len(self.contents(1)), 6)
        # Nor is anything added to what was not read.
        self.assertEqual(len(self.contents(0)), 5)
        self.issues[0].limit = None
        self.settle()

    def test_a_listing_that_fails(self):
        self.filled(5)
        find = self.issues[0].find

        def broken(cursor):
            changes = find(cursor)
            yield from list(changes)[:2]
            raise ValueError('<html>')

        self.issues[0].find = broken
        self.edit(0, 'i0', state='done')
        report = self.sync.run()
        self.assertEqual(report.unavailable, {'A': '<html>'})
        self.assertEqual(self.contents(1)['i0'], {'state': 'done'})
        self.assertEqual(len(self.contents(1)), 5)

    def test_a_store_that_has_begun_anew(self):
        """Its epoch is as before, but it isn't at the cursor any more."""
        self.make(FULL, Traits())
        self.filled(5)
        self.remove(0, 'i0')
        find = self.issues[0].find

        def replaced(cursor):
            if cursor is not None:
                raise Replaced('it is older than what was read')
            return find(cursor)

        self.issues[0].find = replaced
        report = self.sync.run()
        self.assertIn('matches its items anew', report.unavailable['A'])
        self.assertEqual(report.steps, [])
        report = self.sync.run()
        self.assertEqual([str(step) for step in report.steps],
                         ['A + issue i0'])
        self.issues[0].find = find
        self.settle()

    def test_an_addition_to_a_store_that_begins_anew(self):
        """It isn't repeated: the other store may have such an item."""
        self.make(Traits(repeatable=True), Traits())
        self.filled(2)
        self.add(1, 'new')
        self.issues[0].replies = 0
        self.assertIn('A', self.sync.run().unavailable)
        self.issues[0].replies = None
        self.stores[0].number = 2
        self.issues[0].added.clear()  # which additions it has made
        self.settle()
        self.assertEqual(
            [*self.contents()], ['i0', 'i1', 'new'])

    def test_an_item_moves_between_pages(self):
        self.filled(5)
        self.issues[0].hidden.add(self.issues[0].by_name('title')['i2'])
        self.issues[0].count = lambda: 4
        self.assertEqual(self.settle().steps, [])
        self.assertEqual(len(self.contents(1)), 5)

    def test_the_reply_is_lost(self):
        for traits in Traits(), Traits(repeatable=True), Traits(
                cut=2, tells=True), Traits(cut=2, drops=('labels',)), FULL:
            for calls in range(2, 40):
                with self.subTest(traits=traits, calls=calls):
                    self.setUp()
                    self.make(Traits(), traits)
                    self.add(0, 'x', state='open', labels=[1])
                    if not self.run_killed(calls):
                        break
                    self.settle()
                    self.assertEqual(len(self.contents(1)), 1)
                    self.assertEqual(self.contents(0), {
                        'x': {'state': 'open', 'labels': frozenset([1])}})

    def test_the_reply_is_lost_and_somebody_edits(self):
        for traits in Traits(), FULL:
            self.setUp()
            self.make(Traits(), traits)
            self.add(0, 'x', state='open')
            self.issues[1].replies = 0
            self.sync.run()
            self.issues[1].replies = None
            self.edit(1, 'x', labels=[1])
            self.settle()
            self.assert_contents(
                {'x': {'state': 'open', 'labels': frozenset([1])}})

    def test_a_call_times_out(self):
        self.filled(1)
        self.add(0, 'x', state='open')
        issues, done = self.issues[1], self.issues[1].done

        def lost():
            raise TimeoutError('no reply')

        issues.done = lost
        self.assertEqual(self.sync.run().unavailable, {'B': 'no reply'})
        issues.done = done
        self.settle()
        self.assertEqual(len(self.contents(1)), 2)

    def test_the_reply_is_lost_and_the_key_is_shortened(self):
        self.make(Traits(), Traits(cut=2))
        self.add(0, 'long', state='on')
        self.issues[1].replies = 0
        self.sync.run()
        self.issues[1].replies = None
        # Nothing says whose it is, so nothing is added, nor planned.
        self.assertEqual(self.sync.plan().steps, [])
        for _ in range(2):
            report = self.sync.run()
            self.assertEqual((report.held, report.steps), (['B/issue/1'], []))
        self.sync.match('B/issue/1', 1)
        self.settle()
        self.assertEqual(self.contents(0), {'long': {'state': 'on'}})
        self.assertEqual(self.contents(1), {'lo': {'state': 'on'}})

    def test_an_update_is_killed_and_somebody_edits(self):
        for traits in Traits(cut=2), Traits(cut=2, tells=True), FULL:
            for calls in range(40):
                self.setUp()
                self.make(Traits(), traits)
                self.add(0, 'x', state='open')
                self.settle()
                self.edit(0, 'x', state='done')
                if not self.run_killed(calls):
                    break
                if self.contents(1)['x']['state'][:2] == 'do':
                    self.edit(1, 'x', state='zz')
                    for id in self.sync.run().conflicts:
                        self.sync.resolve_as(id, 'B')
                    self.settle()
                    self.assertEqual(
                        self.contents(0), {'x': {'state': 'zz'}})
                else:
                    self.settle()
                    self.assertEqual(
                        self.contents(0), {'x': {'state': 'done'}})

    def test_clearing_is_killed(self):
        for calls in range(20):
            self.setUp()
            self.filled(1)
            self.edit(0, 'i0', state=ABSENT)
            if not self.run_killed(calls):
                break
            self.settle()
            self.assert_contents({'i0': {}})

    def test_an_id_that_is_no_text(self):
        # So are names of files that aren't in UTF-8.
        odd = '\udcff.md'
        data = Data('issue', odd, {'title': 'odd'})
        for found in data, Unreadable(odd, odd):
            self.setUp()
            self.add(0, 'x')
            find = self.issues[0].find
            self.issues[0].find = lambda cursor, find=find, found=found: [
                *find(cursor), found]
            report = self.sync.run()
            self.assertEqual(report.held, [f'A/issue/{canonical(repr(odd))}'])
            self.assertEqual(self.contents(1), {'x': {}})

    def test_an_addition_that_answers_with_another_item(self):
        for traits in Traits(), Traits(repeatable=True):
            self.make(Traits(), traits)
            self.filled(1)
            self.add(0, 'x')
            other = self.issues[1].data(1)
            with mock.patch.object(self.issues[1], 'add', side_effect=[
                    OSError('the reply was lost'), *[other] * 4]):
                self.sync.run()
                for _ in range(2):
                    [(step, reason)] = self.sync.run().failed
                    self.assertEqual(step.name, 'x')
                    self.assertIn('which is another item', reason)
            self.settle()
            self.setUp()

    def test_a_store_that_has_done_nothing(self):
        self.filled(1)
        self.edit(0, 'i0', state='done')
        for name, error in ('update', Busy()), ('get', OSError('down')):
            with mock.patch.object(self.issues[1], name, side_effect=error):
                self.assertEqual(self.sync.run().code, 2)
            # So there is nothing to find out.
            self.assertEqual(self.sync.plan().problems, [])

    def test_memory_is_full(self):
        for name in 'find', 'add':
            self.setUp()
            self.add(0, 'x')
            with mock.patch.object(
                    self.issues[1], name, side_effect=MemoryError):
                self.assertRaises(MemoryError, self.sync.run)

    def test_refused(self):
        self.add(0, 'x')

        def refuse(data):
            raise Refused('too long')

        self.issues[1].refused = refuse
        report = self.sync.run()
        [(step, reason)] = report.failed
        self.assertEqual((step.verb, reason, report.code),
                         ('add', 'too long', 1))
        # It isn't asked again at once.
        self.assertEqual(
            [call[0] for call in self.issues[1].calls].count('add'), 1)
        self.issues[1].refused = lambda data: None
        self.settle()
