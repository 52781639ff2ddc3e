"""The test vectors of the protocol hold for this package."""

import datetime
import json
import unittest
from decimal import Decimal
from uuid import UUID

from zc.generationalset import wire
from zc.generationalset.tests.support.places import VECTORS

KINDS = {
    'null': type(None),
    'bool': bool,
    'int': int,
    'float': float,
    'string': str,
    'decimal': Decimal,
    'bytes': bytes,
    'datetime': datetime.datetime,
    'date': datetime.date,
    'time': datetime.time,
    'timedelta': datetime.timedelta,
    'uuid': UUID,
    'tuple': tuple,
    'set': frozenset,
    'map': dict,
    'array': list,
    'object': dict,
    'unknown': wire.Extended,
}


def cases(name):
    with open(VECTORS / name, encoding='utf-8') as file:
        return json.load(file)['cases']


def text(case):
    return case['text'] if 'text' in case else json.dumps(case['json'])


def exact(data):
    """Return something that is equal for the same JSON only."""
    return json.dumps(data, sort_keys=True)


class ValuesTests(unittest.TestCase):

    def test_values(self):
        kinds = set()
        for case in cases('values.json'):
            if 'error' in case:
                continue
            with self.subTest(**case):
                kinds.add(case['kind'])
                value = wire.decode_value(text(case))
                self.assertIs(type(value), KINDS[case['kind']])
                again = json.loads(wire.encode_value(value))
                self.assertEqual(exact(again), exact(case['json']))
        self.assertEqual(kinds, set(KINDS))

    def test_servers_refuse_what_they_don_t_know(self):
        for case in cases('values.json'):
            if 'error' in case:
                continue
            with self.subTest(**case):
                try:
                    wire.decode_value(text(case), strict=True)
                except wire.WireError:
                    self.assertEqual(case['kind'], 'unknown')
                else:
                    self.assertNotEqual(case['kind'], 'unknown')

    def test_servers_refuse_malformed_values(self):
        refused = [case for case in cases('values.json') if 'error' in case]
        self.assertGreater(len(refused), 200)
        for case in refused:
            with self.subTest(**case):
                with self.assertRaisesRegex(wire.WireError, '^expected .*got'):
                    wire.decode_value(text(case), strict=True)
                with self.assertRaises(wire.WireError):
                    wire.decode_value(f'[1, {text(case)}]', strict=True)

    def test_clients_keep_malformed_values(self):
        for case in cases('values.json'):
            if 'error' not in case or case.get('lax'):
                continue
            answer = ('{"format": 1, "epoch": "e", "since": 0, "generation": '
                      f'2, "adds": [["x", {text(case)}]]}}')
            with self.subTest(**case):
                if 'text' in case:
                    with self.assertRaises(wire.WireError):
                        wire.decode(answer)
                    continue
                again = json.loads(wire.encode(wire.decode(answer)))
                self.assertEqual(exact(again['adds'][0][1]),
                                 exact(case['json']))


class IdsTests(unittest.TestCase):

    def test_ids(self):
        for case in cases('ids.json'):
            if 'error' in case:
                continue
            with self.subTest(**case):
                id = wire.decode_id(text(case))
                self.assertIs(type(id), KINDS[case['kind']])
                again = json.loads(wire.encode_id(id))
                self.assertEqual(exact(again), exact(case['json']))
                self.assertEqual(wire.path_segment(id), case['segment'])
                for path in case['segment'], case['segment'].encode():
                    self.assertEqual(wire.decode_path(path), (id,))
                    self.assertIs(type(wire.decode_path(path)[0]), type(id))

    def test_different_ids_are_different(self):
        ids = [case for case in cases('ids.json') if 'error' not in case]
        self.assertEqual(len({wire.decode_id(text(case)) for case in ids}),
                         len(ids))
        self.assertEqual(len({case['segment'] for case in ids}), len(ids))

    def test_no_ids(self):
        refused = [case for case in cases('ids.json') if 'error' in case]
        self.assertGreater(len(refused), 90)
        for case in refused:
            with self.subTest(**case), self.assertRaisesRegex(
                    wire.WireError, '^expected .*got'):
                if 'segment' in case:
                    wire.decode_path('a/' + case['segment'])
                else:
                    wire.decode_id(text(case))
