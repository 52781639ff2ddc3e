"""A store that tells a version is listed only if that is another one."""

import unittest

from zc.generationalset.sync import Changes, Incomplete, Type, Unreadable
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import (
    ISSUE,
    PERSON,
    Synchronizing,
)


class VersionTests(Synchronizing, unittest.TestCase):

    types = (ISSUE, PERSON)
    traits = (Traits(versions=True), Traits(versions=True))

    def setUp(self):
        super().setUp()
        self.filled(3)

    def calls(self, number=0):
        """Return the names of what a run has called."""
        issues = self.issues[number]
        issues.calls.clear()
        self.sync.run()
        return [name for name, *_ in issues.calls]

    def is_listed(self, number=0):
        return 'find' in self.calls(number)

    def test_nothing_has_changed(self):
        self.assertEqual(self.calls(), ['version'])
        self.assertEqual(self.calls(1), ['version'])

    def test_something_has_changed(self):
        for change in (
                lambda: self.add(0, 'new'),
                lambda: self.edit(0, 'i0', state='done'),
                lambda: self.remove(0, 'i1')):
            change()
            self.settle()
            self.assertEqual(self.contents(0), self.contents(1))
            self.assertEqual(self.calls(), ['version'])

    def test_a_plan(self):
        self.edit(0, 'i0', state='done')
        for _ in range(2):
            [step] = self.sync.plan().steps
        self.assertEqual(step.store, 'B')
        self.assertEqual(self.sync.run().steps, [step])

    def test_a_write_that_is_undone(self):
        """The version is again what it was before the write."""
        self.edit(0, 'i0', state='done')
        self.sync.run()
        self.edit(1, 'i0', state='open')
        self.settle()
        self.assertEqual(self.contents(0)['i0']['state'], 'open')

    def test_a_change_that_is_undone_after_the_listing(self):
        """The version was told before the change."""
        issues, find = self.issues[0], self.issues[0].find
        self.edit(0, 'i1', state='done')

        def late(cursor=None):
            self.edit(0, 'i0', state='done')
            return find(cursor)

        issues.find = late
        self.sync.run()
        del issues.find
        self.edit(0, 'i0', state='open')
        self.settle()
        self.assertEqual(self.contents(1)['i0']['state'], 'open')

    def test_a_listing_that_fails_in_the_middle(self):
        """What it has shown isn't there any more."""
        issues, find = self.issues[0], self.issues[0].find
        self.edit(0, 'i0', state='done')

        def half(cursor=None):
            def found():
                yield next(iter(find()))
                raise Incomplete('no more')
            return Changes(found())

        issues.find = half
        self.stores[1].is_up = False
        self.assertIn('A', self.sync.run().unavailable)
        del issues.find
        self.stores[1].is_up = True
        self.edit(0, 'i0', state='open')
        self.settle()
        self.assertEqual(self.contents(1)['i0']['state'], 'open')

    def test_a_listing_that_lacks_something_new(self):
        """Nothing else tells of it."""
        self.add(0, 'new')
        self.issues[0].limit = 3
        self.assertIn('A', self.sync.run().unavailable)
        self.issues[0].limit = None
        self.settle()
        self.assertIn('new', self.contents(1))

    def test_held_deletions(self):
        for number in range(3, 20):
            self.add(0, f'i{number}', state='open')
        self.settle()
        for number in range(15):
            self.remove(0, f'i{number}')
        for _ in range(3):
            report = self.sync.run()
            self.assertEqual(report.held, ['A/issue'])
        self.assertEqual(len(self.contents(1)), 20)

    def test_an_item_in_quarantine(self):
        issues, find = self.issues[0], self.issues[0].find
        issues.find = lambda cursor=None: Changes(
            [*find(), Unreadable(99, 'it is broken')])
        issues.count = lambda: 4
        issues.version = lambda known: 'with a broken one'
        for _ in range(3):
            report = self.sync.run()
            self.assertEqual(report.held, ['A/issue/99'])

    def test_a_call_that_was_interrupted(self):
        """What it has done is looked for, whatever the version says."""
        self.add(1, 'new')
        self.issues[0].replies = 0
        self.sync.run()
        self.issues[0].replies = None
        self.assertTrue(self.is_listed())
        self.assertTrue(self.is_listed())  # that run may have written, too
        self.settle()

    def test_an_item_that_leaves_quarantine(self):
        """It hasn't changed; what was like it is gone."""
        self.add(0, 'new')
        self.add(1, 'NEW')
        for _ in range(2):
            self.assertEqual(self.sync.run().held, ['B/issue/4'])
        self.remove(0, 'new')
        self.sync.run()
        self.settle()
        self.assertIn('NEW', self.contents(0))

    def test_other_fields(self):
        self.issues[0].items[1]['size'] = 5
        self.settle()
        self.restart([Type('issue', {
            'title': 'str', 'size': 'int'}, ['title']), PERSON])
        self.assertTrue(self.is_listed())
        self.assertEqual(self.contents(1)['i0']['size'], 5)

    def test_a_store_that_lists_what_has_changed(self):
        self.make(Traits(versions=True, deltas=True), Traits())
        self.assertNotIn('version', self.calls())


class FailingVersionTests(Synchronizing, unittest.TestCase):

    traits = (Traits(versions=True), Traits())

    def test_it_is_unavailable(self):
        self.filled(2)

        def fail(known):
            raise OSError('no route')

        self.issues[0].version = fail
        self.assertEqual(self.sync.run().unavailable, {'A': 'no route'})
