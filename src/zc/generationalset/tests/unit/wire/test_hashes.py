"""Values that were chosen to make Python's dictionaries slow."""

import json
import time
import unittest
from decimal import Decimal
from uuid import UUID

from zc.generationalset import wire
from zc.generationalset.tests.support.values import (
    MODULUS,
    integers,
    other_integers,
)

MANY = 2000


def decimals(count):
    return [{'$decimal': str(Decimal(number * MODULUS).scaleb(-1))}
            for number in range(1, 10 * count + 10) if number % 10][:count]


def uuids(count):
    return [{'$uuid': str(UUID(int=number * MODULUS))}
            for number in range(1, count + 1)]


def tuples(count):
    return [{'$tuple': ['a', each]} for each in integers(count)]


def sets(count):
    return [{'$set': [each]} for each in integers(count)]


def decoded(decode, text):
    """Return the seconds that it took, and what was wrong."""
    begin = time.process_time()
    try:
        decode(text)
    except wire.WireError as error:
        message = str(error)
    else:
        message = ''
    return time.process_time() - begin, message


def answer(entries):
    return json.dumps({'format': 1, 'epoch': 'e', 'since': 0, 'generation': 9,
                       'contents': entries})


def written(text):
    return wire.decode_value(text, strict=True)


class HashTests(unittest.TestCase):

    def check(self, decode, kind, text, most='100'):
        """Expect that many are refused, and that soon; a few are taken."""
        few = int(most.replace(',', ''))
        self.assertEqual(decoded(decode, text(kind(few)))[1], '')
        took, message = decoded(decode, text(kind(MANY)))
        self.assertRegex(
            message, f'at most {most} ids.* same hash, got {MANY:,}')
        usual, message = decoded(decode, text(other_integers(MANY)))
        self.assertEqual(message, '')
        self.assertLess(took, 10 * usual + 0.3)

    def test_elements(self):
        for kind in integers, decimals, uuids, tuples, sets:
            with self.subTest(kind):
                self.check(written, kind,
                           lambda each: json.dumps({'$set': each}))

    def test_keys(self):
        for kind in integers, decimals, uuids, tuples, sets:
            with self.subTest(kind):
                self.check(written, kind, lambda each: json.dumps(
                    {'$map': [[key, 1] for key in each]}))

    def test_ids(self):
        for kind in integers, decimals, uuids, tuples:
            with self.subTest(kind):
                self.check(wire.decode, kind, lambda each: answer(
                    [[id, 1] for id in each]), '1,000')
                self.check(wire.decode, kind, lambda each: answer(
                    [{'id': id} for id in each]), '1,000')

    def test_others_are_as_many_as_there_may_be(self):
        for each in (other_integers(MANY),
                     [{'$uuid': str(UUID(int=number))}
                      for number in range(MANY)],
                     [{'$tuple': [number, 0]} for number in range(MANY)]):
            found = wire.decode_value(json.dumps({'$set': each}))
            self.assertEqual(len(found), MANY)
            entries = wire.decode(answer([[id, 1] for id in each]))
            self.assertEqual(len(entries['contents']), MANY)
