"""The forms of values in JSON."""

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import json
import math
import pickle
import types
import unittest
import uuid
import zoneinfo
from collections import abc
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from zc.generationalset import wire
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.strategies import SAFE, described
from zc.generationalset.wire.forms import plain_value

SETTINGS = tries(60)


class Colour(enum.Enum):
    RED = 'red'
    MANY = 10 ** 20
    PAIR = 1, 2


class Size(enum.IntEnum):
    SMALL = 1


class Word(str):

    def __str__(self):
        return 'not the text'


@dataclasses.dataclass
class Point:
    x: float
    y: object = None


Pair = collections.namedtuple('Pair', 'left right')


class ByJSON:

    def __init__(self, result):
        self.result = result

    def __json__(self, request):
        if request is not None:
            raise AssertionError(request)
        return self.result


class ByWire(dict):

    def __init__(self, result):
        super().__init__()
        self.result = result

    def __wire__(self):
        return self.result


class Opaque:

    def __repr__(self):
        return '<opaque>'


class ValuesTests(unittest.TestCase):

    def encoded(self, value, default=None):
        return wire.encode_value(value, default).decode()

    def test_ids_that_differ_only_by_fold(self):
        berlin = zoneinfo.ZoneInfo('Europe/Berlin')
        for fold in 0, 1:
            self.assertEqual(
                wire.encode_id(datetime.datetime(
                    2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold)),
                b'{"$datetime":"2026-10-25T00:30:00+00:00"}')

    def test_what_is_written(self):
        for value, text in [
                (None, 'null'),
                (True, 'true'),
                (1.0, '1.0'),
                (SAFE, '9007199254740991'),
                (-SAFE - 1, '{"$int":"-9007199254740992"}'),
                (float(SAFE), '9007199254740991.0'),
                (2.0 ** 53, '{"$float":"9007199254740992.0"}'),
                (1e300, '{"$float":"1e+300"}'),
                (math.nan, '{"$float":"nan"}'),
                (-math.inf, '{"$float":"-inf"}'),
                (Decimal('12.50'), '{"$decimal":"12.50"}'),
                (Decimal('1E+3'), '{"$decimal":"1E+3"}'),
                (b'\0\1\2', '{"$bytes":"AAEC"}'),
                (bytearray(b'\xff'), '{"$bytes":"/w=="}'),
                (memoryview(b'\0\1\2')[::2], '{"$bytes":"AAI="}'),
                (datetime.datetime(2026, 11, 21, 9, 30, 0, 5),
                 '{"$datetime":"2026-11-21T09:30:00.000005"}'),
                (datetime.datetime(1, 2, 3, tzinfo=datetime.timezone.utc),
                 '{"$datetime":"0001-02-03T00:00:00+00:00"}'),
                (datetime.datetime(
                    2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')),
                 '{"$datetime":"2026-07-01T00:00:00+02:00"}'),
                (datetime.date(2026, 11, 21), '{"$date":"2026-11-21"}'),
                (datetime.time(9, 30), '{"$time":"09:30:00"}'),
                (datetime.timedelta(-1, 3600, 7),
                 '{"$timedelta":[-1,3600,7]}'),
                (uuid.UUID(int=0x6f1d2c34 << 96),
                 '{"$uuid":"6f1d2c34-0000-0000-0000-000000000000"}'),
                ((1, 'a'), '{"$tuple":[1,"a"]}'),
                (Pair(1, 'a'), '{"$tuple":[1,"a"]}'),
                ({'b', 'a', 'c'}, '{"$set":["a","b","c"]}'),
                (frozenset([2, 10, 1]), '{"$set":[1,10,2]}'),
                ({}, '{}'),
                ({'a': {'b': []}}, '{"a":{"b":[]}}'),
                ({1: 'a', 'b': ()}, '{"$map":[[1,"a"],["b",{"$tuple":[]}]]}'),
                ({'$int': 5}, '{"$object":{"$int":5}}'),
                ({'$': 5}, '{"$object":{"$":5}}'),
                ({'$object': {'$int': 5}},
                 '{"$object":{"$object":{"$object":{"$int":5}}}}'),
                ({'$int': 5, 'b': 1}, '{"$int":5,"b":1}'),
                ({'int$': 5}, '{"int$":5}'),
                ('\0"\\\x7f\u2028é😀', '"\\u0000\\"\\\\\x7f\u2028é😀"'),
        ]:
            with self.subTest(value=value):
                self.assertEqual(self.encoded(value), text)
                again = wire.decode_value(text)
                self.assertEqual(self.encoded(again), text)

    def test_subclasses_and_what_is_alike(self):
        class Sequence(abc.Sequence):
            def __getitem__(self, index):
                return 'ab'[index]

            def __len__(self):
                return 2

        for value, text in [
                (Word('ab'), '"ab"'),
                ({Word('ab'): Word('c')}, '{"ab":"c"}'),
                (type('Int', (int,), {})(5), '5'),
                (type('Int', (int,), {})(10 ** 20),
                 '{"$int":"100000000000000000000"}'),
                (type('Float', (float,), {})(5.5), '5.5'),
                (type('Day', (datetime.date,), {})(2026, 1, 1),
                 '{"$date":"2026-01-01"}'),
                (PersistentMapping(a=PersistentList([1])), '{"a":[1]}'),
                (collections.OrderedDict(a=1), '{"a":1}'),
                (types.MappingProxyType({'$a': 1}), '{"$object":{"$a":1}}'),
                (collections.deque([1, 2]), '[1,2]'),
                (range(3), '[0,1,2]'),
                (Sequence(), '["a","b"]'),
                ({'a': 1}.keys(), '{"$set":["a"]}'),
                (Colour.RED, '"red"'),
                (Colour.MANY, '{"$int":"100000000000000000000"}'),
                (Colour.PAIR, '{"$tuple":[1,2]}'),
                (Size.SMALL, '1'),
                (Point(1.5), '{"x":1.5,"y":null}'),
                (Point(1.5, Point(2, {3})),
                 '{"x":1.5,"y":{"x":2,"y":{"$set":[3]}}}'),
        ]:
            with self.subTest(value=value):
                self.assertEqual(self.encoded(value), text)

    def test_names_are_plain_strings(self):
        [name] = plain_value({Word('ab'): 1})
        self.assertIs(type(name), str)
        self.assertEqual(name, 'ab')

    def test_objects_of_applications(self):
        self.assertEqual(self.encoded([ByJSON({1: ByJSON('a')})]),
                         '[{"$map":[[1,"a"]]}]')
        self.assertEqual(self.encoded({'a': [ByWire(b'[1, 2]')]}),
                         '{"a":[[1, 2]]}')
        self.assertEqual(self.encoded({(1, ByWire(b'3').__wire__()): 1}),
                         '{"$map":[[{"$tuple":[1,{"$bytes":"Mw=="}]},1]]}')
        self.assertEqual(self.encoded([ByWire(b'{"b": 1}')] * 2),
                         '[{"b": 1},{"b": 1}]')
        self.assertEqual(self.encoded(Opaque(), lambda ob: {'o': (1,)}),
                         '{"o":{"$tuple":[1]}}')
        self.assertEqual(
            self.encoded({'a': [Opaque()]}, lambda ob: ByJSON(repr(ob))),
            '{"a":["<opaque>"]}')

    def test_classes_are_not_their_instances(self):
        for kind in ByJSON, ByWire, Point, Colour:
            with self.assertRaisesRegex(TypeError, r'\(\w+\)$'):
                self.encoded(kind)

    def test_no_form(self):
        for value in [
                Opaque(), [Opaque()], {'a': Opaque()}, {Opaque(): 1}, 1j,
                object, len, iter([]), {'a': {1, Opaque()}}]:
            with self.subTest(value=value), self.assertRaisesRegex(
                    TypeError, 'expected a value that has a form in JSON, or '
                    'a method __wire__ or __json__, or a default that knows '
                    r'it, got .* \(\w+\)'):
                self.encoded(value)

        def default(ob):
            raise TypeError('mine')

        with self.assertRaisesRegex(TypeError, '^mine$'):
            self.encoded(Opaque(), default)

    def test_never_silently_null(self):
        for value, default in [
                (ByJSON(None), None), (Opaque(), lambda ob: None),
                ([ByJSON(ByJSON(None))], None)]:
            with self.assertRaisesRegex(
                    TypeError, 'expected something in the place of .*None'):
                self.encoded(value, default)
        for text in None, 'null', bytearray(b'1'):
            with self.assertRaisesRegex(TypeError, 'expected bytes from __w'):
                self.encoded([ByWire(text)])

    def test_values_without_a_form(self):
        zone = datetime.timezone
        for value, text in [
                (Decimal('nan'), 'finite Decimal, got NaN'),
                (Decimal('-inf'), 'finite Decimal, got -Infinity'),
                (10 ** 4300, 'integer of at most 4,300 digits.*14,285 bits'),
                (-10 ** 4300, 'integer of at most 4,300 digits'),
                (datetime.time(9, tzinfo=zone.utc), 'without time zone, got'),
                (datetime.datetime(2026, 1, 1, tzinfo=zone(
                    datetime.timedelta(seconds=1172))), 'offset of whole min'),
                ('a\ud800', r"without lone surrogates, got 'a\\ud800'"),
                ({'\udfff': 1}, 'without lone surrogates'),
                ({'\udfff': {1}}, 'without lone surrogates'),
        ]:
            for within in value, [value], {'a': value}:
                with self.subTest(value=value), self.assertRaisesRegex(
                        ValueError, f'expected .*{text}'):
                    self.encoded(within)

    def test_longest_integer(self):
        for value in 10 ** 4300 - 1, 1 - 10 ** 4300:
            self.assertEqual(wire.decode_value(self.encoded(value)), value)

    def test_nesting(self):
        ring = []
        ring.append(ring)
        circle = {}
        circle['a'] = {1: circle}
        loop = ByJSON(None)
        loop.result = loop
        point = Point(1)
        point.y = (point,)
        for value in ring, circle, loop, point:
            with self.assertRaisesRegex(
                    ValueError, '100 levels of nesting.* contains itself'):
                self.encoded(value)
        with self.assertRaisesRegex(ValueError, 'nesting'):
            self.encoded(Opaque(), lambda ob: [ob])

    def test_deepest(self):
        for wrap, levels in [
                (lambda value: [value], 1),
                (lambda value: {'a': value}, 1),
                (lambda value: (value,), 2),
                (lambda value: frozenset([value]), 2),
                (lambda value: {1: value}, 3),
                (lambda value: Point(1, value), 1)]:
            value = 1
            for _ in range(100 // levels):
                value = wrap(value)
            text = self.encoded(value)
            self.assertEqual(self.encoded(wire.decode_value(text)), text)
            with self.assertRaisesRegex(ValueError, 'nesting'):
                self.encoded(wrap(value))

    @SETTINGS
    @given(strategies.values)
    def test_round_trip(self, value):
        text = wire.encode_value(value)
        self.assertEqual(
            wire.encode_value(wire.decode_trusted(text)), text)
        again = wire.decode_value(text)
        self.assertEqual(described(again), described(value))
        self.assertEqual(described(wire.decode_value(text, strict=True)),
                         described(value))
        self.assertEqual(wire.encode_value(again), text)
        self.assertEqual(wire.plain(value), json.loads(text))
        self.assertEqual(described(wire.value_from_plain(wire.plain(value))),
                         described(value))

    @SETTINGS
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_doubles_are_exact(self, number):
        again = wire.decode_value(wire.encode_value(number))
        self.assertEqual(described(again), described(number))

    def test_contexts_don_t_matter(self):
        many = Decimal('1.' + '1234567890' * 5)
        with decimal.localcontext(decimal.Context(prec=3, traps=[])):
            text = self.encoded(many)
            self.assertEqual(wire.decode_value(text), many)
            with self.assertRaises(wire.WireError):
                wire.decode_value(
                    '{"$decimal":"1E+9999999999999999999"}', strict=True)


class ReadingTests(unittest.TestCase):

    def test_other_texts_of_the_same(self):
        for text, value in [
                ('{"$datetime":"2026-11-21T09:30:00Z"}', datetime.datetime(
                    2026, 11, 21, 9, 30, tzinfo=datetime.timezone.utc)),
                ('{"$datetime":"2026-11-21T09:30:00.5-01:30"}',
                 datetime.datetime(
                     2026, 11, 21, 9, 30, 0, 500_000, datetime.timezone(
                         -datetime.timedelta(minutes=90)))),
                ('{"$datetime":"2026-11-21T09:30:00.0001"}',
                 datetime.datetime(2026, 11, 21, 9, 30, 0, 100)),
                ('{"$time":"09:30:00.12"}',
                 datetime.time(9, 30, 0, 120_000)),
                ('{"$float":"1E20"}', 1e20),
                ('{"$float":"-9007199254740992"}', -2.0 ** 53),
                ('{"$decimal":"1e3"}', Decimal('1E+3')),
                ('{"$decimal":"-0.0000000"}', Decimal('-0.0000000')),
                ('{"\\u0024int":"9007199254740992"}', 2 ** 53),
                ('{"$object":{"a":1}}', {'a': 1}),
                ('{"$map":[["a",1]]}', {'a': 1}),
                (' [ 1 , 2 ] \n', [1, 2]),
                ('"\\ud83d\\ude00"', '😀'),
        ]:
            with self.subTest(text=text):
                self.assertEqual(described(wire.decode_value(text)),
                                 described(value))

    def test_unknown_extended_values(self):
        text = '{"$colour":{"$tuple":[{"$int":"9007199254740992"},1.0]}}'
        value = wire.decode_value(text)
        self.assertEqual(value, {'$colour': (2 ** 53, 1.0)})
        self.assertIsInstance(value, wire.Extended)
        for same in value, copy.deepcopy(value), pickle.loads(
                pickle.dumps(value)):
            self.assertEqual(wire.encode_value(same).decode(), text)
        self.assertEqual(wire.encode_value([dict(value)]).decode(),
                         '[{"$object":' + text + '}]')
        for within in '%s', '[%s]', '{"a":%s}', '{"$tuple":[%s]}', \
                '{"$set":[%s]}', '{"$map":[[1,%s]]}', '{"$object":{"$a":%s}}':
            with self.subTest(within=within), self.assertRaisesRegex(
                    wire.WireError, 'known extended value, got .*colour'):
                wire.decode_value(within % text, strict=True)

    def test_deep_unknown_extended_value(self):
        value = 1
        for _ in range(101):
            value = wire.Extended({'$a': value})
        with self.assertRaisesRegex(ValueError, 'nesting'):
            wire.encode_value(value)

    def test_plain_data_of_other_parsers(self):
        for data in math.nan, [math.inf], {'a': -math.inf}, 2.0 ** 53, 2 ** 53:
            with self.assertRaisesRegex(wire.WireError, 'expected a number'):
                wire.value_from_plain(data, strict=True)
        number = wire.parse('0.10000000000000000001')
        self.assertEqual(described(wire.value_from_plain([number])),
                         described([0.1]))


