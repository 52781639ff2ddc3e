"""Equal ids have one form, in JSON and in paths."""

import datetime
import enum
import math
import re
import unittest
import uuid
import zoneinfo
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import wire
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.strategies import SAFE, described

SETTINGS = tries(60)
UTC = datetime.timezone.utc


class Colour(str, enum.Enum):
    RED = 'red'


class Size(enum.IntEnum):
    SMALL = 1


class Word(str):

    def __str__(self):
        return 'not the text'


def alike(id):
    """Yield ids that are equal to one."""
    yield id
    if isinstance(id, bool):
        yield int(id)
    if isinstance(id, str):
        yield Word(id)
    if isinstance(id, bytes):
        yield type('Bytes', (bytes,), {})(id)
    if isinstance(id, (int, float)):
        yield from (other for other in (Decimal(id), float_of(id))
                    if other == id)
    if isinstance(id, Decimal):
        _, digits, exponent = id.as_tuple()
        yield Decimal((id.is_signed(), (*digits, 0, 0), int(exponent) - 2))
    if isinstance(id, datetime.datetime) and id.tzinfo:
        for hours in -12, 3:
            yield id.astimezone(
                datetime.timezone(datetime.timedelta(hours=hours)))
    if isinstance(id, tuple):
        for ids in zip(*[list(alike(part))[-1:] for part in id], strict=True):
            yield ids
            yield type('Tuple', (tuple,), {})(ids)


def float_of(number):
    try:
        return float(number)
    except OverflowError:
        return math.nan


class IdsTests(unittest.TestCase):

    def test_one_form(self):
        for text, *ids in [
                ('"red"', 'red', Word('red'), Colour.RED),
                ('1', 1, True, 1.0, Decimal('1.00'), Decimal('1E+0'),
                 Size.SMALL),
                ('0', 0, False, 0.0, -0.0, Decimal('-0'), Decimal('0E+5000'),
                 Decimal('0E-5000')),
                ('-1000', -1000, -1e3, Decimal('-1E+3')),
                ('0.5', 0.5, Decimal('0.5'), Decimal('0.50')),
                ('9007199254740991', SAFE, float(SAFE), Decimal(SAFE)),
                ('{"$int":"9007199254740992"}', 2 ** 53, 2.0 ** 53,
                 Decimal(2 ** 53)),
                ('{"$int":"100000000000000000000"}', 10 ** 20, 1e20,
                 Decimal('1E+20')),
                ('{"$decimal":"0.1"}', Decimal('0.1'), Decimal('0.1000')),
                ('{"$decimal":"1E-1000000"}', Decimal('10E-1000001')),
                ('{"$decimal":"1.%s"}' % ('123456789' * 9),
                 Decimal('1.' + '123456789' * 9 + '000')),
                ('{"$datetime":"2026-11-21T09:30:00+00:00"}',
                 datetime.datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
                 datetime.datetime(
                     2026, 11, 21, 10, 30,
                     tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')),
                 datetime.datetime(
                     2026, 11, 21, 9, 30, 17, tzinfo=datetime.timezone(
                         datetime.timedelta(seconds=17)))),
                ('{"$tuple":[1,{"$tuple":["red"]}]}', (1, ('red',)),
                 (1.0, (Colour.RED,)), (Decimal(1), ('red',))),
        ]:
            for id in ids:
                with self.subTest(id=id):
                    self.assertEqual(id, ids[0])
                    self.assertEqual(wire.encode_id(id).decode(), text)
                    self.assertEqual(wire.decode_id(text), id)

    def test_no_offset_after_all(self):
        class Zone(datetime.tzinfo):
            def utcoffset(self, time):
                return None

            dst = tzname = utcoffset

        naive = datetime.datetime(2026, 1, 1)
        self.assertEqual(wire.encode_id(naive.replace(tzinfo=Zone())),
                         wire.encode_id(naive))

    def test_equal_in_the_hour_that_comes_twice(self):
        zone = zoneinfo.ZoneInfo('Europe/Berlin')
        first = datetime.datetime(2026, 10, 25, 2, 30, tzinfo=zone)
        second = first.replace(fold=1)
        self.assertEqual(first, second)
        self.assertEqual(wire.encode_id(first), wire.encode_id(second))

    def test_no_ids(self):
        for id in [
                None, math.nan, math.inf, -math.inf, Decimal('nan'),
                Decimal('-inf'), Decimal('1E+4300'), Decimal('1E+99999999'),
                Fraction(1, 3), 1j, object(), frozenset(), [], {},
                bytearray(b'a'), datetime.time(9), datetime.timedelta(1),
                enum.Enum('Plain', 'A').A, int,
                datetime.datetime.min.replace(tzinfo=datetime.timezone(
                    datetime.timedelta(hours=1)))]:
            for within in id, ('a', id), ('a', (id,)):
                with self.subTest(id=id), self.assertRaisesRegex(
                        TypeError, r'expected an id that is a string, .*got '
                        r'.*\(\w+\)'):
                    wire.encode_id(within)
                with self.assertRaises(TypeError):
                    wire.path_segment(within)

    def test_ids_without_a_form(self):
        for id, text in [('\ud800', 'lone surrogates'),
                         ('~\ud800', 'lone surrogates'),
                         (('a', '\udfff'), 'lone surrogates'),
                         (10 ** 4300, 'at most 4,300 digits'),
                         (-10 ** 4300, 'at most 4,300 digits')]:
            for encode in wire.encode_id, wire.path_segment:
                with self.subTest(id=id), self.assertRaisesRegex(
                        ValueError, f'expected .*{text}, got'):
                    encode(id)

    def test_nesting(self):
        id = ()
        for _ in range(49):
            id = (id,)
        self.assertEqual(wire.decode_id(wire.encode_id(id)), id)
        with self.assertRaisesRegex(TypeError, '100 levels'):
            wire.encode_id((id,))

    def test_short_of_infinity(self):
        for id in Decimal('1E+4299'), -10 ** 4299, Decimal(10 ** 4299) + 1:
            self.assertEqual(wire.decode_id(wire.encode_id(id)), id)

    @SETTINGS
    @given(strategies.ids)
    def test_round_trip(self, id):
        text = wire.encode_id(id)
        again = wire.decode_id(text)
        self.assertEqual(again, id)
        self.assertEqual(hash(again), hash(id))
        self.assertEqual(wire.encode_id(again), text)
        self.assertEqual(
            described(wire.id_from_plain(wire.parse(text))), described(again))

    @SETTINGS
    @given(strategies.ids)
    def test_ids_that_are_alike(self, id):
        for other in alike(id):
            self.assertEqual(other, id)
            self.assertEqual(wire.encode_id(other), wire.encode_id(id))
            self.assertEqual(wire.path_segment(other), wire.path_segment(id))

    numbers = st.one_of(
        st.booleans(), st.integers(-3, 3), st.sampled_from(
            [.5, 1., -0., 1e20, 10 ** 20, SAFE, float(SAFE + 1)]),
        st.decimals(-2, 2, places=1), st.just('1'))

    @SETTINGS
    @given(*[numbers | st.lists(numbers, max_size=2).map(tuple)] * 2)
    def test_same_form_means_equal(self, one, other):
        self.assertEqual(
            wire.encode_id(one) == wire.encode_id(other), one == other)


class PathTests(unittest.TestCase):

    def test_paths(self):
        for ids, path in [
                ((), ''),
                (('people', 'ann'), 'people/ann'),
                (('rooms', 42), 'rooms/~42'),
                (('', '..', '~x'), '~%22%22/~%22..%22/~%22~x%22'),
                (('a/b',), 'a%2Fb'),
                ((('a', 1),), '~%7B%22%24tuple%22%3A%5B%22a%22%2C1%5D%7D'),
                ((uuid.UUID(int=1),), '~%7B%22%24uuid%22%3A%2200000000-0000-'
                 '0000-0000-000000000001%22%7D')]:
            self.assertEqual(wire.encode_path(ids), path)
            self.assertEqual(wire.decode_path(path), ids)
            self.assertEqual(wire.decode_path(path.encode()), ids)

    def test_other_paths_of_the_same(self):
        for path, ids in [
                ('%61nn', ('ann',)),
                ('%7e42', (42,)),
                ('~%22ann%22', ('ann',)),
                ('~"ann"', ('ann',)),
                ('é', ('é',)),
                ('a%2fb', ('a/b',)),
                ('~%20[]'.replace('[]', '1%20'), (1,))]:
            self.assertEqual(wire.decode_path(path), ids)

    def test_no_paths(self):
        for path in ['/', 'a/', '/a', 'a//b', '..', 'a/../b', '%2e%2E/a', '.',
                     'a/%', 'a/%4', 'a/%g1', '%FF', b'\xff', '\ud800', '~',
                     '~%', '~{', '~nope', '~1.0', '~1e0', 'a/~true', '~%FF']:
            with self.subTest(path=path), self.assertRaisesRegex(
                    wire.WireError, 'expected .*got'):
                wire.decode_path(path)

    @SETTINGS
    @given(st.lists(strategies.ids, max_size=4))
    def test_round_trip(self, ids):
        path = wire.encode_path(ids)
        self.assertEqual(wire.decode_path(path), tuple(ids))
        self.assertRegex(path, re.compile('([A-Za-z0-9_.~%/-]*)', re.ASCII))
        segments = path.split('/') if ids else []
        self.assertEqual(len(segments), len(ids))
        for segment in segments:
            self.assertRegex(
                segment, r'\A([A-Za-z0-9_.~-]|%[0-9A-F]{2})+\Z')
            self.assertNotIn(segment, ('.', '..'))

    @SETTINGS
    @given(st.binary(max_size=12) | st.text('/~%2eE."{}[]10,:a', max_size=12))
    def test_anything(self, path):
        try:
            ids = wire.decode_path(path)
        except wire.WireError:
            return
        self.assertEqual(wire.decode_path(wire.encode_path(ids)), ids)
