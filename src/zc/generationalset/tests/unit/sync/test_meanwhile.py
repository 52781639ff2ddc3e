"""People who edit just before a store is written to."""

import unittest

from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import Synchronizing


class MeanwhileTests(Synchronizing, unittest.TestCase):

    def edit_before(self, name):
        """Have somebody edit an issue of B before a method is called."""
        issues = self.issues[1]
        method = getattr(issues, name)

        def late(*arguments):
            setattr(issues, name, method)
            self.edit(1, 'i0', state='late')
            return method(*arguments)

        setattr(issues, name, late)

    def test_an_update(self):
        for traits, name in [
                (Traits(), 'get'),
                (Traits(conditional=True, tokens='good'), 'update')]:
            self.setUp()
            self.make(Traits(), traits)
            self.filled(1)
            self.edit(0, 'i0', state='done')
            self.edit_before(name)
            self.assertEqual(self.sync.run().conflicts, ['issue/1/state'])
            self.assertEqual(self.contents(1), {'i0': {'state': 'late'}})

    def test_a_removal(self):
        for traits, name in [
                (Traits(), 'get'),
                (Traits(conditional=True, tokens='good'), 'remove')]:
            self.setUp()
            self.make(Traits(), traits)
            self.filled(1)
            self.remove(0, 'i0')
            self.edit_before(name)
            self.settle()
            self.assert_contents({'i0': {'state': 'late'}})

    def test_a_killed_update(self):
        # What was to be written isn't lost without a word.
        for traits in Traits(), Traits(conditional=True, tokens='good'):
            for calls in range(40):
                self.setUp()
                self.make(Traits(), traits)
                self.filled(1)
                self.edit(0, 'i0', state='done')
                if not self.run_killed(calls):
                    break
                is_written = self.contents(1)['i0']['state'] == 'done'
                self.edit(1, 'i0', state='late')
                conflicts = self.sync.run().conflicts
                if not is_written:
                    self.assertEqual(conflicts, ['issue/1/state'])
                self.assertEqual(self.contents(1), {'i0': {'state': 'late'}})

    def test_the_reply_to_an_update_is_lost(self):
        self.make(Traits(), Traits(cut=2))
        self.filled(1)
        self.edit(0, 'i0', state='done')
        self.issues[1].replies = 0
        self.assertEqual(self.sync.run().code, 2)
        self.issues[1].replies = None
        self.assertEqual(self.contents(1), {'i0': {'state': 'do'}})
        self.settle()
        # What the store has made of it is nobody's change.
        self.assertEqual(self.contents(0), {'i0': {'state': 'done'}})


class AfterwardsTests(Synchronizing, unittest.TestCase):
    """People who edit between a write and its reading."""

    def edit_after(self, name, **fields):
        """Have somebody edit an issue of B after a method has written."""
        issues = self.issues[1]
        method = getattr(issues, name)

        def early(*arguments):
            setattr(issues, name, method)
            written = method(*arguments)
            self.edit(1, 'i0', **fields)
            if name == 'add':
                return issues.reread(written.id)
            return written

        setattr(issues, name, early)

    def test_an_update(self):
        for traits in [
                Traits(answers=False), Traits(answers=False, cut=3),
                Traits(answers=False, cut=3, tells=True),
                Traits(answers=False, conditional=True, tokens='good')]:
            for state in 'new', 'ope':  # the latter is what it was
                with self.subTest(traits=traits, state=state):
                    self.setUp()
                    self.make(Traits(), traits)
                    self.filled(1)
                    self.edit(0, 'i0', state='done')
                    self.edit_after('update', state=state)
                    self.assertEqual(
                        self.sync.run().conflicts, ['issue/1/state'])
                    self.assertEqual(self.contents(1)['i0']['state'], state)

    def test_an_addition(self):
        for cut in 100, 3:
            self.setUp()
            self.make(Traits(), Traits(cut=cut))
            self.add(0, 'i0', state='open')
            self.edit_after('add', state='new')
            self.assertEqual(self.sync.run().conflicts, ['issue/1/state'])
            self.assertEqual(self.contents(1)['i0']['state'], 'new')

    def test_what_the_store_makes_of_it_is_nobodys_change(self):
        self.make(Traits(), Traits(answers=False, cut=3))
        self.add(0, 'i0', state='open')
        self.edit_after('add')
        self.settle()
        self.edit(0, 'i0', state='closed')
        self.settle()
        self.assertEqual(self.contents(0), {'i0': {'state': 'closed'}})
        self.assertEqual(self.contents(1), {'i0': {'state': 'clo'}})
