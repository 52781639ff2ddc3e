"""JSON merge patch, RFC 7396, with extended values as a whole."""

import json
import unittest

from zc.generationalset import wire
from zc.generationalset.tests.support.places import VECTORS

CASES = json.loads((VECTORS / 'patches.json').read_bytes())['cases']


def encoded(data):
    return json.dumps(data).encode()


class PatchTests(unittest.TestCase):

    def test_examples(self):
        for case in CASES:
            # What was patched, and is patched again, stays as it is.
            for document in case['document'], case['result']:
                with self.subTest(document=document, patch=case['patch']):
                    self.assertEqual(json.loads(wire.patched(
                        *map(encoded, [document, case['patch']]))),
                        case['result'])

    def test_numbers(self):
        self.assertEqual(
            json.loads(wire.patched(
                b'{"a":0.1,"b":1e-7}', b'{"c":0.10000000000000000001}')),
            {'a': 0.1, 'b': 1e-7, 'c': 0.1})

    def test_what_is_no_json(self):
        for patch in b'', b'{', b'{"a":1,"a":2}', b'1e999', b'[' * 10_000:
            with self.assertRaises(wire.WireError):
                wire.patched(b'{}', patch)
