"""What people decide, and what others have decided before."""

import unittest

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync import Decided
from zc.generationalset.tests.support.synchronizing import Synchronizing


class ConflictTests(Synchronizing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.filled(1)
        self.disagree('done', 'new')

    def disagree(self, one, other):
        self.edit(0, 'i0', state=one)
        self.edit(1, 'i0', state=other)
        [self.id] = self.sync.run().conflicts
        self.digest = dict(self.sync.status()['conflicts'])[self.id]['digest']

    def test_the_first_decision_stands(self):
        self.sync.resolve_as(self.id, 'A')
        for decide in (
                lambda: self.sync.resolve_as(self.id, 'B'),
                lambda: self.sync.resolve(self.id, 'third'),
                lambda: self.sync.resolve(self.id, ABSENT)):
            with self.assertRaisesRegex(
                    Decided, 'decided already: "done"; the next run') as error:
                decide()
        self.assertEqual(error.exception.decision['value'], 'done')
        self.settle()
        self.assert_contents({'i0': {'state': 'done'}})

    def test_the_same_decision_once_more(self):
        self.sync.resolve_as(self.id, 'A')
        self.sync.resolve(self.id, 'done')
        self.settle()

    def test_a_field_without_a_value(self):
        self.sync.resolve(self.id)
        with self.assertRaisesRegex(Decided, 'already: no value'):
            self.sync.resolve_as(self.id, 'B')

    def test_a_decision_that_is_taken_back(self):
        self.sync.resolve_as(self.id, 'A')
        self.sync.hub.undo(self.id)
        with self.assertRaises(KeyError):
            self.sync.hub.undo(self.id)
        self.assertEqual(self.sync.run().conflicts, [self.id])
        self.sync.resolve_as(self.id, 'B')
        self.settle()
        self.assert_contents({'i0': {'state': 'new'}})

    def test_another_conflict_of_the_field(self):
        """What was decided about the first one doesn't stand in the way."""
        self.sync.resolve_as(self.id, 'A')
        self.disagree('third', 'fourth')
        self.sync.resolve_as(self.id, 'B')
        self.settle()
        self.assert_contents({'i0': {'state': 'fourth'}})

    def test_the_same_conflict_once_more(self):
        """What was decided about the first one is over."""
        self.sync.resolve_as(self.id, 'A')
        self.settle()
        self.assertEqual(self.sync.hub.decisions(), {})
        self.edit(0, 'i0', state='open')
        self.settle()
        self.disagree('done', 'new')

    def test_a_conflict_that_is_not_what_was_looked_at(self):
        old = self.digest
        self.disagree('third', 'fourth')
        self.sync.resolve_as(self.id, 'B', old)
        self.assertEqual(self.sync.run().conflicts, [self.id])


class HeldTests(Synchronizing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.filled(1)

    def test_an_item_in_quarantine(self):
        self.add(0, 'x')
        self.add(1, 'X')
        [id] = self.sync.run().held
        with self.assertRaisesRegex(ValueError, 'held as deletions'):
            self.sync.release(id, '')
        self.sync.match(id, None)
        self.sync.match(id, None)
        with self.assertRaisesRegex(Decided, 'already: a new item'):
            self.sync.match(id, 2)
        self.sync.hub.undo(id)
        self.sync.match(id, 2)
        with self.assertRaisesRegex(Decided, 'already: item 2'):
            self.sync.match(id, None)

    def test_deletions(self):
        for number in range(1, 20):
            self.add(0, f'i{number}')
        self.settle()
        for number in range(20):
            self.remove(0, f'i{number}')
        [id] = self.sync.run().held
        with self.assertRaisesRegex(ValueError, 'held as unmatched'):
            self.sync.match(id, None)
        digest = dict(self.sync.status()['held'])[id]['digest']
        self.sync.release(id, 'old')
        self.sync.release(id, digest)
        self.settle()
        self.assertEqual(self.contents(1), {})
