"""Numbers of items, as bits."""

import unittest

from hypothesis import given
from hypothesis import strategies as some

from zc.generationalset.sync.numbers import PAGE, Numbers
from zc.generationalset.tests.support.properties import tries

NUMBERS = some.lists(some.one_of(
    some.integers(1, 3 * PAGE), some.integers(1, 2 ** 62)))


class NumbersTests(unittest.TestCase):

    @tries(50)
    @given(NUMBERS, NUMBERS, NUMBERS)
    def test_it_is_a_set_in_order(self, first, added, discarded):
        numbers, expected = Numbers(first), set(first)
        for number in added:
            numbers.add(number)
            expected.add(number)
        for number in discarded:
            numbers.discard(number)
            expected.discard(number)
        self.assertEqual(list(numbers), sorted(expected))
        self.assertEqual(len(numbers), len(expected))
        self.assertEqual(bool(numbers), bool(expected))
        for number in first + added + discarded:
            self.assertEqual(number in numbers, number in expected)

    def test_a_million_take_little_memory(self):
        numbers = Numbers(range(1, 1_000_001))
        self.assertEqual(len(numbers), 1_000_000)
        self.assertLess(len(numbers._pages), 1000)
