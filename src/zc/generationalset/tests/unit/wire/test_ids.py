"""Each id has one text, and ids are equal if their texts are."""

import unittest
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import GSet, wire
from zc.generationalset.interfaces import IdError
from zc.generationalset.replica import Replica
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.things import Thing

numbers = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.1, 0.5, 1e15, 2.0 ** 53]),
    st.decimals(-3, 3, places=2), st.sampled_from(
        [Decimal(text) for text in (
            '0.1', '0.10', '0.5', '1E+2', '100', '1E-7', '0.0000001',
            '1E+15', '9007199254740992', '-0')]))
#: Ids of which some are equal, in other forms.
alike = numbers | st.lists(numbers, max_size=2).map(tuple)


class TextTests(unittest.TestCase):

    def check(self, one, other):
        self.assertEqual(
            one == other, wire.encode_id(one) == wire.encode_id(other))

    @given(alike, alike)
    def test_numbers(self, one, other):
        self.check(one, other)

    @given(strategies.ids, strategies.ids)
    def test_others(self, one, other):
        self.check(one, other)

    @given(st.lists(alike, max_size=6))
    def test_sets_have_each_id_once(self, ids):
        """The same for a set, an answer, and a replica."""
        gset, replica, expected = GSet(), Replica(), {}
        for version, id in enumerate(ids):
            if not isinstance(id, tuple):
                id = id,  # B-trees can't compare numbers with tuples
            gset.add(Thing(id, version))
            expected[wire.encode_id(id)] = version
            for position in (0, None), (replica.generation, replica.epoch):
                replica.apply(wire.decode(wire.encode(
                    gset.client_updates(*position),
                    lambda thing: thing.version)))
                self.assertEqual(
                    {wire.encode_id(id): item
                     for id, item in replica.items.items()}, expected)

    def test_date_times_that_occur_twice(self):
        zone = ZoneInfo('Europe/Berlin')
        twice = datetime(2026, 10, 25, 2, 30, tzinfo=zone)
        self.assertNotEqual(twice, twice.astimezone(timezone.utc))
        for id in twice, ('a', twice):
            with self.assertRaises(IdError):
                GSet().add(Thing(id, 1))
        once = datetime(2026, 10, 25, 4, 30, tzinfo=zone)
        gset = GSet()
        gset.add(Thing(once, 1))
        gset.add(Thing(once.astimezone(timezone.utc), 2))
        self.assertEqual(len(gset), 1)


class PartsTests(unittest.TestCase):

    def test_texts(self):
        for parts in [(('a',),), (('a',), (('b', 1), 2.5))]:
            self.assertEqual(
                wire.decode_parts(wire.encode_parts(parts)), parts)

    def test_what_is_refused(self):
        for text in [
                '"a"', '{}', '[]', '["a"]', '[["a"],"b"]', '[[]]',
                '[["a"],["a"]]', '[["a"],["a","b"]]', '[["a"],[null]]', '[[']:
            with self.subTest(text=text), self.assertRaises(wire.WireError):
                wire.decode_parts(text)
        with self.assertRaisesRegex(wire.WireError, 'a list of paths, got {'):
            wire.decode_parts('{}')
