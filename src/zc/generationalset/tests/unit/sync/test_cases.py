"""What users of other synchronizers suffered."""

import unittest

from zc.generationalset.merging import ABSENT, Owner, union
from zc.generationalset.sync import (
    LeaseLost,
    Refused,
    Type,
)
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import (
    ISSUE,
    PERSON,
    Synchronizing,
)

FULL = Traits(conditional=True, deltas=True, repeatable=True, tokens='good')


class TwoStoresTests(Synchronizing, unittest.TestCase):

    def test_different_fields(self):
        self.filled(1)
        self.edit(0, 'i0', title='new')
        self.edit(1, 'i0', state='done')
        self.settle()
        self.assert_contents({'new': {'state': 'done'}})

    def test_the_same_edit(self):
        self.filled(1)
        self.edit(0, 'i0', state='done')
        self.edit(1, 'i0', state='done')
        self.assertEqual(self.settle().steps, [])

    def test_conflict(self):
        self.filled(1)
        self.edit(0, 'i0', state='done', labels=['x'])
        self.edit(1, 'i0', state='later')
        report = self.sync.run()
        self.assertEqual((report.conflicts, report.code),
                         (['issue/1/state'], 1))
        self.assertEqual(self.sync.run().steps, [])
        self.assertEqual(self.contents(1)['i0'], {
            'state': 'later', 'labels': frozenset('x')})
        # A change after the decision is another conflict.
        self.sync.resolve('issue/1/state', 'both')
        self.edit(1, 'i0', state='never')
        self.assertEqual(self.sync.run().conflicts, ['issue/1/state'])
        self.sync.resolve('issue/1/state', 'both')
        self.settle()
        self.assert_contents(
            {'i0': {'state': 'both', 'labels': frozenset('x')}})
        self.assertRaises(KeyError, self.sync.resolve, 'issue/1/state')

    def test_a_conflict_that_people_end(self):
        self.filled(1)
        self.edit(0, 'i0', state='done')
        self.edit(1, 'i0', state='later')
        self.sync.run()
        self.edit(1, 'i0', state='open')
        self.settle()
        self.assert_contents({'i0': {'state': 'done'}})

    def test_deleted_here_edited_there(self):
        self.filled(1)
        self.remove(0, 'i0')
        self.edit(1, 'i0', state='done')
        report = self.settle()
        self.assertIn('removal from A was undone', report.overruled[0])
        self.assert_contents({'i0': {'state': 'done'}})

    def test_delete_wins(self):
        self.restart([PERSON, Type(
            'issue', {'title': 'str', 'state': 'str'}, ['title'],
            delete_wins=True)])
        self.filled(1)
        self.remove(0, 'i0')
        self.edit(1, 'i0', state='done')
        report = self.settle()
        self.assertIn('done from B became nothing', report.overruled[0])
        self.assert_contents({})

    def test_policies(self):
        self.restart([PERSON, Type(
            'issue', {'title': 'str', 'state': 'str', 'labels': 'set'},
            ['title'], {'state': Owner('A'), 'labels': union})])
        self.add(0, 'x', state='open', labels=['a'])
        self.add(1, 'x', state='done', labels=['b'])
        self.settle()
        self.assert_contents(
            {'x': {'state': 'open', 'labels': frozenset('ab')}})
        self.edit(1, 'x', state='never', labels=['b'])
        self.edit(0, 'x', labels=['a', 'b', 'c'])
        report = self.settle()
        self.assertIn('never from B became open', ' '.join(report.overruled))
        self.assert_contents(
            {'x': {'state': 'open', 'labels': frozenset('bc')}})

    def test_a_policy_that_fails(self):
        self.restart([PERSON, Type(
            'issue', {'title': 'str', 'state': 'str'}, ['title'],
            {'state': lambda agreed, changes: 1 / 0})])
        self.filled(1)
        self.edit(0, 'i0', state='a')
        self.edit(1, 'i0', state='b')
        report = self.sync.run()
        self.assertEqual(report.conflicts, ['issue/1/state'])
        self.assertIn('division', report.problems[0])

    def test_references(self):
        ann = self.people[0].person_adds(name='Ann')
        bob = self.people[0].person_adds(name='Bob', boss=ann)
        self.people[0].person_edits(ann, boss=bob)
        self.people[1].person_adds(name='other')
        self.add(0, 'x', by=bob)
        self.settle()
        names = self.people[1].by_name()
        self.assertEqual(
            self.people[1].items[names['Ann']]['boss'], names['Bob'])
        self.assertEqual(
            self.people[1].items[names['Bob']]['boss'], names['Ann'])
        [issue] = self.issues[1].items.values()
        self.assertEqual(issue['by'], names['Bob'])
        # Referrers go first.
        self.remove(0, 'x')
        self.people[0].person_edits(ann, boss=ABSENT)
        self.people[0].person_removes(bob)
        calls = []
        for each in self.people[1], self.issues[1]:
            each.calls = calls
        self.settle()
        self.assertEqual(
            [call[0] for call in calls if call[0] in ('update', 'remove')],
            ['update', 'remove', 'remove'])

    def test_a_lost_hub(self):
        for number in range(5):
            for side in 0, 1:
                self.add(side, f'i{number}', state='open', labels=[1])
        self.edit(0, 'i1', state='a')
        self.edit(1, 'i1', state='b')
        self.edit(0, 'i2', labels=ABSENT)
        report = self.sync.run()
        self.assertEqual(report.conflicts, ['issue/2/state'])
        self.assertEqual([str(step) for step in report.steps], [
            'A ~ issue i2 labels: nothing → set(1) (from B)'])

    def test_prefer(self):
        for prefer in 'AB':
            self.setUp()
            self.add(0, 'x', state='A')
            self.add(1, 'x', state='B')
            report = self.sync.run(prefer=prefer)
            self.assertEqual(report.code, 0)
            self.assert_contents({'x': {'state': prefer}})

    def test_similar_keys(self):
        self.add(0, 'caf\xe9', state='open')
        self.add(1, 'cafe\u0301', state='open')
        report = self.sync.run()
        self.assertEqual((report.held, report.steps, report.code),
                         (['B/issue/1'], [], 1))
        self.sync.match('B/issue/1', 1)
        self.settle()
        self.assert_contents({'caf\xe9': {'state': 'open'}})

    def test_two_items_of_one_key(self):
        self.add(0, 'x', state='a')
        self.issues[0].person_adds(title='x', state='b')
        self.add(1, 'x', state='c')
        report = self.sync.run()
        self.assertEqual((report.held, report.steps),
                         (['A/issue/1', 'A/issue/2'], []))
        self.sync.match('A/issue/1', 1)
        report = self.sync.run(prefer='A')
        self.assertEqual(report.held, ['A/issue/2'])
        self.assertEqual(self.contents(1), {'x': {'state': 'a'}})
        self.issues[0].person_edits(2, title='y')
        self.settle()
        self.assert_contents({'x': {'state': 'a'}, 'y': {'state': 'b'}})

    def test_another_id(self):
        self.filled(3)
        fields = self.issues[0].items[1]
        self.remove(0, 'i0')
        self.issues[0].person_adds(**{**fields, 'state': 'moved'})
        report = self.settle()
        self.assertEqual([step.verb for step in report.steps], ['update'])
        self.assertEqual(self.contents(1)['i0'], {'state': 'moved'})

    def test_values_that_do_not_fit(self):
        self.add(0, 'x', state=1)
        self.add(0, 'y', state='open')
        self.issues[0].person_adds(state='no key')
        self.add(1, 'x', state='b')
        report = self.sync.run()
        self.assertEqual(report.held, ['A/issue/1', 'A/issue/3'])
        self.assertEqual(set(self.contents(1)), {'x', 'y'})
        self.issues[0].person_edits(1, state='b')
        self.issues[0].person_edits(3, title='z')
        self.settle()
        self.assertEqual(set(self.contents(1)), {'x', 'y', 'z'})

    def test_two_runners(self):
        self.filled(1)
        self.add(0, 'x')
        self.add(0, 'y')

        done = self.issues[1].done

        def slow():
            self.issues[1].done = done
            self.assertRaises(LeaseLost, self.sync.run)
            self.now += 61
            self.settle()

        self.issues[1].done = slow
        self.assertRaises(LeaseLost, self.sync.run)
        self.settle()
        self.assertEqual(set(self.contents(1)), {'i0', 'x', 'y'})

    def test_a_plan_prepares_no_store(self):
        self.add(0, 'i0')
        begun = []
        for store in self.stores:
            store.begin = lambda name=store.name: begun.append(name)
        for _ in range(2):
            [step] = self.sync.plan().steps
        self.assertEqual((str(step), begun), ('B + issue i0', []))
        self.settle()
        self.assertEqual(begun, ['A', 'B'])

    def test_a_saved_plan(self):
        self.filled(3)
        self.edit(0, 'i0', state='a')
        self.edit(0, 'i1', state='a')
        plan = self.sync.plan()
        self.edit(0, 'i1', state='b')
        self.edit(0, 'i2', state='b')
        report = self.sync.run(only=plan.digests)
        self.assertEqual([step.name for step in report.steps], ['i0'])
        self.assertIn('no longer what was planned: B ~ issue i1',
                      report.problems[0])
        self.assertEqual(self.contents(1)['i2'], {'state': 'open'})
        self.settle()

    def test_a_unique_key(self):
        self.filled(2)

        def refuse(data):
            if data.fields['title'] in self.issues[1].by_name('title'):
                raise Refused('not unique')

        self.issues[1].refused = refuse
        self.edit(0, 'i0', title='i2')
        self.remove(0, 'i1')
        self.sync.run()
        self.add(0, 'i1', state='new')
        self.settle()
        self.assert_contents({'i2': {'state': 'open'}, 'i1': {'state': 'new'}})

    def test_what_is_refused_until_something_is_removed(self):
        self.filled(1)

        def refuse(data):
            if 'i0' in self.contents(1):
                raise Refused('full')

        self.issues[1].refused = refuse
        self.add(0, 'x')
        self.assertEqual(len(self.sync.run().failed), 1)
        self.remove(0, 'i0')
        self.settle()
        self.assert_contents({'x': {}})

    def test_edits_during_a_run(self):
        for calls in range(12):
            self.setUp()
            self.make(FULL, Traits(conditional=True, tokens='flaky'))
            self.filled(2)
            self.edit(0, 'i0', state='done')
            self.edit(1, 'i1', state='done')
            left = iter(range(calls))

            def meanwhile(left=left):
                if next(left, None) is None:
                    self.fate.meanwhile = lambda: None
                    self.edit(1, 'i0', labels=['late'])
                    self.edit(0, 'i1', labels=['late'])

            self.fate.meanwhile = meanwhile
            self.assertLess(self.sync.run().code, 2)
            if next(left, None) is not None:
                break  # that run made fewer calls
            self.settle()
            late = {'state': 'done', 'labels': frozenset(['late'])}
            self.assert_contents({'i0': late, 'i1': late})


class TypeTests(unittest.TestCase):

    def test_mistakes(self):
        for fields, key, policies in [
                ({'a': 'text'}, ['a'], {}), ({'a': 'str'}, ['b'], {}),
                ({'a': 'str'}, [], {}), ({'a': 'str'}, ['a'], {'b': union})]:
            self.assertRaises(ValueError, Type, 'x', fields, key, policies)
        self.assertEqual(ISSUE.references, {'by': 'person'})
