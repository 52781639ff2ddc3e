"""Three-way merges of fields."""

import datetime
import doctest
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import merging
from zc.generationalset.merging import (
    ABSENT,
    UNDECIDED,
    Change,
    Owner,
    Priority,
    canonical,
    changes,
    conflict,
    maximum,
    merge,
    same,
    union,
)
from zc.generationalset.tests.support.properties import tries

VALUES = st.sampled_from([ABSENT, None, 0, 1, True, 'a', 'b'])
FIELDS = st.dictionaries(st.sampled_from('xyz'), VALUES.filter(
    lambda value: value is not ABSENT))
SIDES = st.dictionaries(st.sampled_from(['one', 'two', 'three']), FIELDS)
POLICIES = st.dictionaries(st.sampled_from('xyz'), st.sampled_from([
    conflict, Priority(('two', 'one')), Owner('one'), union, maximum]))
SETS = st.frozensets(st.integers(0, 4))


def changed(base, sides):
    return {side: changes(base, now, 'xyz') for side, now in sides.items()}


class MergeTests(unittest.TestCase):

    def merge(self, policy, agreed, **values):
        """Merge one field; return the value, and whether sides differed."""
        merged = merge({'x': agreed}, {
            side: {'x': Change(agreed, value)}
            for side, value in values.items()}, {'x': policy})
        return merged.fields.get('x', ABSENT), [
            each.outcome for each in merged.conflicts]

    def test_one_change_is_taken(self):
        self.assertEqual(self.merge(conflict, 1, a=2), (2, []))
        self.assertEqual(self.merge(conflict, 1, a=ABSENT), (ABSENT, []))

    def test_the_same_change_is_taken(self):
        self.assertEqual(self.merge(conflict, 1, a=2, b=2), (2, []))

    def test_a_conflict_leaves_the_field(self):
        self.assertEqual(self.merge(conflict, 1, a=2, b=3), (1, [UNDECIDED]))
        self.assertEqual(
            self.merge(conflict, 1, a=2, b=ABSENT), (1, [UNDECIDED]))

    def test_priority(self):
        policy = Priority(('b', 'a'))
        self.assertEqual(self.merge(policy, 1, a=2, b=3), (3, [3]))
        self.assertEqual(self.merge(policy, 1, a=2, c=3), (2, [2]))
        self.assertEqual(self.merge(policy, 1, c=2, d=3), (1, [UNDECIDED]))

    def test_an_owner_undoes_what_others_change(self):
        self.assertEqual(self.merge(Owner('a'), 1, b=2), (1, [1]))
        self.assertEqual(self.merge(Owner('a'), 1, a=2), (2, []))
        self.assertEqual(self.merge(Owner('a'), 1, a=2, b=3), (2, [2]))

    def test_union(self):
        def of(*members):
            return frozenset(members)

        self.assertEqual(
            self.merge(union, of(1, 2), a=of(2, 3), b=of(1, 2, 4))[0],
            of(2, 3, 4))
        self.assertEqual(
            self.merge(union, ABSENT, a=of(3), b=of(4))[0], of(3, 4))
        self.assertEqual(
            self.merge(union, of(1), a=None, b=of(4))[1], [UNDECIDED])

    def test_maximum(self):
        self.assertEqual(self.merge(maximum, 1, a=2, b=3)[0], 3)
        self.assertEqual(self.merge(maximum, 4, a=2, b=3)[0], 4)
        self.assertEqual(self.merge(maximum, 1, a='x', b=3)[1], [UNDECIDED])
        self.assertEqual(
            self.merge(maximum, 1, a=ABSENT, b=3)[1], [UNDECIDED])

    def test_a_function(self):
        def longest(agreed, changes):
            return max((each.value for each in changes.values()), key=len)

        self.assertEqual(self.merge(longest, '', a='x', b='yy')[0], 'yy')

    @tries(100)
    @given(FIELDS, SIDES, POLICIES)
    def test_no_order_no_loss_nothing_made_up(self, base, sides, policies):
        deltas = changed(base, sides)
        merged = merge(base, deltas, policies)
        self.assertEqual(merged, merge(
            base, dict(reversed(deltas.items())), policies))
        listed = {(each.field, side) for each in merged.conflicts
                  for side in each.sides}
        for field in 'xyz':
            value = merged.fields.get(field, ABSENT)
            known = [base.get(field, ABSENT), *(
                each.get(field, ABSENT) for each in sides.values())]
            self.assertTrue(any(same(value, each) for each in known))
            for side, delta in deltas.items():
                if field in delta and not same(delta[field].value, value):
                    self.assertIn((field, side), listed)

    @tries(50)
    @given(SETS, SETS, SETS)
    def test_union_keeps_what_nobody_removed(self, base, one, two):
        merged = merge({'x': base}, {
            'one': {'x': Change(base, one)},
            'two': {'x': Change(base, two)}}, {'x': union}).fields['x']
        self.assertEqual(merged, (base & one & two) | (one - base)
                         | (two - base))


class SameTests(unittest.TestCase):

    def test_types_differ(self):
        for one, other in [(1, True), (1, 1.0), (1, '1'), (None, ABSENT),
                           ([1], {1}), (Decimal(1), 1), ('-', ABSENT)]:
            self.assertFalse(same(one, other), (one, other))

    def test_forms_do_not(self):
        east = datetime.timezone(datetime.timedelta(hours=1))
        for one, other in [
                (Decimal('1.50'), Decimal('1.5')),
                (Decimal('-0'), Decimal(0)), ({'a': 1, 'b': 2},
                                              {'b': 2, 'a': 1}),
                (frozenset('ab'), set('ba')), ((1, 2), [1, 2]),
                (datetime.datetime(2026, 1, 1, 1, tzinfo=east),
                 datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc))]:
            self.assertTrue(same(one, other), (one, other))

    def test_text_is_no_structure(self):
        self.assertNotEqual(canonical(['a,"b']), canonical(['a', 'b']))
        self.assertRaises(TypeError, canonical, object())


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(merging))
    return tests
