"""JSON text: limits, and values that would silently change."""

import random
import unittest
from unittest import mock

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import wire
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.wire import Limits, WireError, jsontext

SETTINGS = tries(60)


class LimitsTests(unittest.TestCase):

    def refused(self, text, expected, **limits):
        with self.assertRaisesRegex(WireError, expected):
            wire.parse(text, Limits(**limits))

    def test_size(self):
        for text in '[1,2]', b'[1,2]', bytearray(b'[1,2]'), '"é"', '"é" ':
            size = len(text.encode() if isinstance(text, str) else text)
            wire.parse(text, Limits(size=size))
            self.refused(text, f'at most {size - 1} bytes, got {size}',
                         size=size - 1)

    def test_size_comes_first(self):
        self.refused(b'\xff' * 2000, 'at most 1,000 bytes, got 2,000',
                     size=1000)
        self.refused('[' * 2000, 'bytes', size=1000, depth=10, count=10)

    def test_depth(self):
        for text, depth in [
                ('1', 0), ('"[[[["', 0), ('[]', 1), ('{}', 1), ('[{}]', 2),
                (' [ 1, { "a" : [ ] } ] ', 3), ('[[],[],[[]],[]]', 3),
                ('{"[": "]", "{\\"": ["\\\\", {"}": 1}]}', 3),
                ('["\\"[\\\\\\"[", [1], "\\\\", [2]]', 2),
                ('{"a":' * 50 + '1' + '}' * 50, 50),
                ('["]",' * 50 + '1' + ',"["]' * 50, 50)]:
            with self.subTest(text=text):
                wire.parse(text, Limits(depth=depth))
                if depth:
                    self.refused(
                        text, f'at most {depth - 1} levels of nesting, got '
                        f'{depth}', depth=depth - 1)

    def test_depth_of_long_texts(self):
        """They are looked at in blocks, which may end anywhere."""
        numbers = random.Random(1)
        for _ in range(300):
            text, open_ones, deepest = b'', 0, 0
            for _ in range(numbers.randrange(100)):
                step = numbers.choice([1, 1, -1]) if open_ones else 1
                text += b'[' if step == 1 else b']'
                open_ones += step
                deepest = max(deepest, open_ones)
            text += b']' * open_ones
            block = numbers.randrange(1, 9)
            with mock.patch.multiple(jsontext, _BLOCK=block, _STEP=block):
                self.assertEqual(jsontext._depth(text), deepest, text)

    def test_depth_is_checked_before_anything_is_made(self):
        calls = []
        reader = jsontext.Reader(int)
        reader._decoder = reader._exact = type('Decoder', (), {
            'decode': calls.append})
        many = 100_000
        for text in ['[' * many, '[' * many + ']' * many, '{"a":' * many,
                     '[{"a":' * many, '{"":[' * many + '1' + ']}' * many]:
            with self.assertRaisesRegex(WireError, 'levels of nesting'):
                reader.read(text, Limits())
        with self.assertRaisesRegex(WireError, 'elements and members'):
            reader.read('[1,1,1]', Limits(count=2))
        self.assertEqual(calls, [])

    def test_what_the_defaults_allow_can_be_read(self):
        for opening, closing, levels in [
                ('[', ']', 1), ('{"a":', '}', 1), ('{"$a":', '}', 1),
                ('{"$tuple":[', ']}', 2), ('{"$object":{"$a":', '}}', 2),
                ('{"$map":[["a",', ']]}', 3)]:
            times = 198 // levels
            text = opening * times + '[{}]' + closing * times
            wire.decode_value(text)
            with self.assertRaisesRegex(WireError, 'levels of nesting'):
                wire.decode_value(f'[{text}]')

    def test_no_room_on_the_stack(self):
        # Limits that nobody should set.
        depth = 200_000
        self.refused('[' * depth + ']' * depth, 'expected JSON',
                     depth=depth)

    def test_count(self):
        for text, count in [
                ('1', 0), ('[1]', 1), ('[1,2,3]', 3), ('{"a":1,"b":2}', 2),
                ('[{"a":1},["b,[{"]]', 4), ('", , , , "', 0),
                ('["\\",", "\\\\", 1]', 3)]:
            with self.subTest(text=text):
                wire.parse(text, Limits(count=count))
                if count:
                    self.refused(text, f'at most {count - 1} .*members, got '
                                 f'{count}', count=count - 1)

    def test_across_blocks(self):
        random_ = random.Random(1)
        block, jsontext._BLOCK = jsontext._BLOCK, 7
        try:
            for _ in range(100):
                strings = [''.join(random_.choices('[{"\\,:é1', k=5))
                           for _ in range(10)]
                text = msgspec.json.encode(strings)
                self.assertEqual(
                    wire.parse(text, Limits(depth=1, count=10)), strings)
                self.refused(text, 'members', count=9)
        finally:
            jsontext._BLOCK = block

    def test_limits_can_not_be_changed(self):
        with self.assertRaises(AttributeError):
            jsontext.LIMITS.size = 1


class TextTests(unittest.TestCase):

    def test_invalid_utf_8(self):
        for data in b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xc3', \
                b'"\xf4\x90\x80\x80"', b'{"\xff":1}', b'\xff', \
                b'\xff\xfe[\0]\0', '[1]'.encode('utf-16'):
            with self.subTest(data=data), self.assertRaisesRegex(
                    WireError, 'expected .*got'):
                wire.parse(data)
        with self.assertRaisesRegex(WireError, 'expected UTF-8, got'):
            wire.parse('"\ud800"')

    def test_invalid_utf_8_in_what_is_ignored(self):
        text = b'{"format":1,"epoch":"e","since":0,"generation":1,%b}'
        for data in b'"\xff":1', b'"a":"\xff"', b'"a":["\xc3"]':
            with self.assertRaisesRegex(WireError, 'expected UTF-8, got'):
                wire.decode(text % data)

    def test_members_of_one_name(self):
        for text in [
                '{"a":1,"a":1}', '[[{"b":{"a":"1","a":":"}}]]',
                '{"a":1,"\\u0061":2}', '{"a":"\\u003a","a":1}',
                '{"a":1,"a":"\\u003a"}', '{"a":1,"a":"\\u003A"}',
                '{"\\u003a":"\\u003a","a":1,"a":2}']:
            with self.subTest(text=text), self.assertRaisesRegex(
                    WireError, 'members of different names'):
                wire.parse(text)
        for text in '{"a":1,"A":2}', '{"a":{"a":1}}', '[{"a":1},{"a":1}]', \
                '{"a":"\\u003a","b:":":"}', '{":":1,"::":2}':
            wire.parse(text)

    def test_numbers(self):
        for text in '4503599627370495.5', '1e15', '0.1', '-0.0', '0e999', \
                '1.5e-300', '0.' + '0' * 300 + '1', '100000e-5', '-0':
            with self.subTest(text=text):
                self.assertEqual(wire.parse(text), float(text))
        self.assertEqual(str(wire.parse('-0.0')), '-0.0')

    def test_inexact(self):
        for text, inexact in [
                ('0.1', False), ('0.10', False), ('1e-1', False),
                ('100e-3', False), ('0.100000000000000000', False),
                ('0.1000000000000000055', True),
                ('0.10000000000000001', True), ('0.3000000000000000444', True),
                ('123456789012345.67', False), ('123456789012345.678', True)]:
            with self.subTest(text=text):
                self.assertEqual(
                    type(wire.parse(text)) is jsontext.Inexact, inexact)

    @SETTINGS
    @given(st.decimals(-1, 1, places=13) | st.decimals(-9999999, 9999999)
           | st.floats(-1, 1))
    def test_short_numbers_are_never_inexact(self, number):
        text = f'{number:.14}' if isinstance(number, float) else str(number)
        if len(text) <= 15:
            self.assertIs(jsontext._number(text).__class__, float)

    @SETTINGS
    @given(strategies.values, st.data())
    def test_nothing_but_wire_errors(self, value, data):
        text = bytearray(wire.encode_value(value))
        place = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(place, min(place + 4, len(text))))
        text[place:end] = data.draw(st.sampled_from(
            [b'', b'"', b'\\', b'[', b']', b'{', b'}', b':', b',', b'0',
             b'e9', b'.', b'\xff', b'$', b'null', b'"$int"']) | st.binary())
        try:
            value = wire.decode_value(bytes(text))
        except WireError:
            return
        again = wire.decode_value(wire.encode_value(value))
        self.assertEqual(strategies.described(again),
                         strategies.described(value))

    @SETTINGS
    @given(strategies.values)
    def test_normal_texts(self, value):
        """They are those of the value, which isn't always made."""
        text = wire.encode_value(value)
        for each in text, text.replace(b',', b' , '):
            try:
                expected = wire.encode_value(
                    wire.decode_value(each, strict=True))
            except WireError:
                with self.assertRaises(WireError):
                    wire.normal(each)
            else:
                self.assertEqual(wire.normal(each), expected)

    @SETTINGS
    @given(st.binary() | st.text('[]{}":,\\0123456789eE.-+ $aint', max_size=20)
           | st.text())
    def test_anything(self, text):
        for decode in wire.parse, wire.decode_value, wire.decode_id, \
                wire.decode:
            try:
                decode(text)
            except WireError as error:
                self.assertRegex(str(error), '^expected ')
