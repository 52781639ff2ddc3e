"""Answers from JSON."""

import json
import random
import unittest

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import wire
from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.strategies import SAFE, described
from zc.generationalset.tests.support.values import BAD_EPOCHS
from zc.generationalset.wire import Limits, WireError

SETTINGS = tries(40)
LIMITS = Limits()


def updates(**members):
    return {'epoch': 'e', 'since': 3, 'generation': 5, **members}


def answer(**members):
    return {'format': 1, 'epoch': 'e', 'since': 3, 'generation': 5, **members}


class DecodeTests(unittest.TestCase):

    def test_what_is_read(self):
        for members, expected in [
                ({}, {}),
                ({'removals': ['a', 1, {'$tuple': ['b', 2]}]},
                 {'removals': ['a', 1, ('b', 2)]}),
                ({'adds': [['a', {'b': 1}], [2, None]]},
                 {'adds': [('a', {'b': 1}), (2, None)]}),
                ({'adds': [['a', {'$tuple': [1]}], [0.5, 0.25]]},
                 {'adds': [('a', (1,)), (0.5, 0.25)]}),
                ({'contents': []}, {'contents': []}),
                ({'contents': [{'id': 's', 'contents': []}, {'id': 0.5}]},
                 {'contents': [SubsetUpdates(id='s', contents=[]),
                               SubsetUpdates(id=0.5)]}),
                ({'adds': [{'id': {'$tuple': []}, 'removals': [1],
                            'adds': [{'id': 2, 'adds': [['a', {'id': 1}]]}]}]},
                 {'adds': [SubsetUpdates(id=(), removals=[1], adds=[
                     SubsetUpdates(id=2, adds=[('a', {'id': 1})])])]}),
                ({'reset': 'of a kind to come', 'contents': [],
                  'generation': 1, 'since_epoch': None},
                 {'generation': 1, 'since_epoch': None,
                  'reset': 'of a kind to come', 'contents': []}),
                ({'epoch': None, 'since': SAFE, 'generation': SAFE},
                 {'epoch': None, 'since': SAFE, 'generation': SAFE}),
                ({'since': 0}, {'since': 0}),
                ({'removals': [], 'adds': []}, {}),
        ]:
            for text in json.dumps(answer(**members)), \
                    json.dumps(answer(**members), indent=2).encode():
                with self.subTest(text=text):
                    self.assertEqual(described(wire.decode(text)), described(
                        updates(**expected)))

    def test_unknown_members_are_ignored(self):
        text = json.dumps(answer(
            adds=[{'id': 's', 'new': [{'a': 1}], 'since': 'x'}, ['a', 1]],
            new={'$int': 'x', 'reset': 5}, id=7))
        self.assertEqual(wire.decode(text), updates(
            adds=[SubsetUpdates(id='s'), ('a', 1)]))

    def test_unknown_extended_values_are_kept(self):
        text = json.dumps(answer(adds=[['a', {'$colour': 'red'}]]))
        decoded = wire.decode(text)
        self.assertEqual(decoded['adds'], [('a', {'$colour': 'red'})])
        self.assertEqual(json.loads(wire.encode(decoded)), json.loads(text))

    def test_malformed_values_are_kept(self):
        """One bad item must not stop a client."""
        for item, expected in [
                ('{"$int":"5"}', {'$int': '5'}),
                ('[{"$set":[1,1]}]', [{'$set': [1, 1]}]),
                ('{"$tuple":[{"$date":"x"}]}', ({'$date': 'x'},)),
                ('9007199254740993', 2 ** 53 + 1), ('1e16', 1e16)]:
            text = json.dumps(answer(adds=[['a', 7]])).replace('7', item)
            self.assertEqual(wire.decode(text)['adds'], [('a', expected)])

    def test_malformed_values_in_each_other_take_linear_time(self):
        depth = 45  # twice as long for each level, it would never end
        item = '{"$set":[' * depth + '[]' + ']}' * depth
        text = json.dumps(answer(adds=[['a', 7]])).replace('7', item)
        again = json.loads(wire.encode(wire.decode(text)))
        self.assertEqual(again['adds'], [['a', json.loads(item)]])

    def refused(self, text, expected='', limits=LIMITS):
        with self.subTest(text=text), self.assertRaisesRegex(
                WireError, f'^expected .*{expected}'):
            wire.decode(text, limits)

    def test_longest_epoch(self):
        epoch = '!~' * 100
        self.assertEqual(wire.decode(json.dumps(answer(epoch=epoch)))['epoch'],
                         epoch)

    def test_malformed(self):
        for members, expected in [
                ({'format': 2}, 'format 1, got 2'),
                ({'format': True}, 'got `bool`.*format'),
                ({'format': 1.0}, r'got `float` - at `\$.format'),
                ({'format': '1'}, 'format'),
                ({'epoch': 1}, 'epoch'),
                *[({'epoch': epoch}, 'epoch') for epoch in BAD_EPOCHS],
                ({'since': -1}, 'since'),
                ({'since': 3.0}, 'since'),
                ({'since': None}, 'since'),
                ({'since': SAFE + 1, 'generation': SAFE + 2}, 'since'),
                ({'generation': 0}, 'generation'),
                ({'since': 0, 'generation': 0}, 'generation'),
                ({'generation': True}, 'generation'),
                ({'generation': SAFE + 1}, 'generation'),
                ({'generation': 2}, 'at least 3, or a reset, got 2'),
                ({'since_epoch': 1}, 'since_epoch'),
                ({'reset': None, 'contents': []}, 'reset'),
                ({'reset': 'ahead'}, 'contents with a reset'),
                ({'reset': 'ahead', 'adds': []}, 'contents with a reset'),
                ({'contents': [], 'adds': []}, 'got both'),
                ({'contents': [], 'removals': []}, 'got both'),
                ({'contents': None}, 'contents'),
                ({'contents': {}}, 'contents'),
                ({'adds': None}, 'adds'),
                ({'removals': 'a'}, 'removals'),
                ({'removals': [None]}, 'id, got null'),
                ({'removals': [True]}, 'id, got true'),
                ({'removals': [1.0]}, 'id, got 1.0'),
                ({'adds': ['ab']}, r'adds\[0\]'),
                ({'adds': [[]]}, 'length 2'),
                ({'adds': [['a']]}, 'length 2'),
                ({'adds': [['a', 1, 2]]}, 'length 2'),
                ({'adds': [[['a'], 1]]}, 'id, got'),
                ({'adds': [[{'$set': []}, 1]]}, 'id, got'),
                ({'adds': [[{'$int': '5'}, 1]]}, 'outside of'),
                ({'adds': [[2 ** 53, 1]]}, 'id, got'),
                ({'adds': [{}]}, 'id'),
                ({'adds': [{'id': None}]}, 'id, got null'),
                ({'adds': [{'id': 1.0}]}, 'id, got 1.0'),
                ({'adds': [{'id': 1, 'adds': [], 'contents': []}]}, 'both'),
                ({'contents': [{'id': 1, 'contents': [{'id': 2, 'adds': [
                    [None, 1]]}]}]}, 'id, got null')]:
            self.refused(json.dumps(answer(**members)), expected)

    def test_missing_members(self):
        for name in answer():
            members = answer()
            del members[name]
            self.refused(json.dumps(members), name)
        for text in 'null', '[]', '1', '""', '{}', '[[]]':
            self.refused(text)

    def test_ids_are_never_rounded(self):
        for text in '0.10000000000000000001', '1.0', '1e0', '1e999', '1e-999':
            self.refused(json.dumps(answer(removals=['x', 7])).replace(
                '7', text))
            self.refused(json.dumps(answer(adds=[[7, 1], {'id': 1}])).replace(
                '7', text))
        self.assertEqual(
            wire.decode(json.dumps(answer(adds=[['a', 7]])).replace(
                '7', '0.10000000000000000001'))['adds'], [('a', 0.1)])

    def test_members_of_one_name(self):
        text = json.dumps(answer(adds=[['a', {'b': 1}], {'id': 1}]))
        for name in 'since', 'id', 'b', 'generation':
            twice = text.replace(f'"{name}":', f'"{name}": 1, "{name}":')
            self.refused(twice, 'different names')
            self.refused(twice[:-1] + ', "other": {"c": 1}}',
                         'different names')
        self.refused(text[:-1] + ', "x": {"a": 1, "a": 1}}', 'different n')

    def test_limits(self):
        text = json.dumps(answer(adds=[['a', {'b': [1, 2]}]]))
        wire.decode(text, Limits(len(text), 5, 12))
        self.refused(text, 'bytes', Limits(size=len(text) - 1))
        self.refused(text, 'levels', Limits(depth=4))
        self.refused(text, 'members', Limits(count=8))

    def test_cut(self):
        text = wire.encode(updates(
            since_epoch='é', reset='epoch', contents=[
                ('a', {'b': [1.5, (1, 'x')]}), (2, b'3'),
                SubsetUpdates(id='s', adds=[('c', 1)])]))
        wire.decode(text)
        for end in range(len(text)):
            self.refused(text[:end])

    @SETTINGS
    @given(strategies.updates())
    def test_round_trip(self, updates):
        decoded = wire.decode(wire.encode(updates))
        self.assertEqual(wire.encode(decoded), wire.encode(updates))
        self.assertEqual(comparable(decoded), comparable(updates))

    @SETTINGS
    @given(strategies.updates(), st.integers())
    def test_mutated(self, updates, seed):
        text = wire.encode(updates)
        random_ = random.Random(seed)
        for _ in range(10):
            try:
                decoded = wire.decode(mutated(text, random_))
            except WireError:
                continue
            self.assertEqual(
                described(wire.decode(wire.encode(decoded))),
                described(decoded))


TOKENS = [b'', b'"', b'\\', b'[', b']', b'{', b'}', b':', b',', b'0', b'.5',
          b'e99', b'null', b'true', b'"$int"', b'"id"', b'"adds"', b'1.0',
          b'\xff', b'\\ud800', b'[' * 300, b'"contents":[],']


def mutated(text, random_):
    start = random_.randrange(len(text))
    end = min(start + random_.choice([0, 0, 1, 1, 2, 20]), len(text))
    new = random_.choice([*TOKENS, text[start:end] * 2,
                          random_.randbytes(2)])
    return text[:start] + new + text[end:]


def comparable(updates):
    """Return updates in a form that is equal for equal ids and items."""
    result = dict(updates)
    for name in {'adds', 'contents'} & result.keys():
        result[name] = [
            comparable(entry) if isinstance(entry, SubsetUpdates)
            else (entry[0], described(entry[1])) for entry in result[name]]
    return type(updates), result
