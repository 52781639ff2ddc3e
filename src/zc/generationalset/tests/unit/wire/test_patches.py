"""JSON merge patch, RFC 7396, with extended values as a whole."""

import json
import unittest

from zc.generationalset import wire

#: The test cases of RFC 7396, appendix A: original, patch, result.
CASES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', '{}'),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', 'null', 'null'),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ('[1,2]', '{"a":"b","c":null}', '{"a":"b"}'),
    ('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]
EXTENDED = [
    ('{"a":{"$int":"1"}}', '{"a":{"$int":"2"}}', '{"a":{"$int":"2"}}'),
    ('{"a":{"b":1}}', '{"a":{"$date":"2026-11-29"}}',
     '{"a":{"$date":"2026-11-29"}}'),
    ('{"a":{"$map":[[1,2]]}}', '{"a":{"b":1}}', '{"a":{"b":1}}'),
    ('{"a":{"$object":{"$x":1}}}', '{"a":{"$object":{"$y":null}}}',
     '{"a":{"$object":{"$y":null}}}'),
    ('{"b":1}', '{"$tuple":[1,null]}', '{"$tuple":[1,null]}'),
    ('{"$tuple":[1]}', '{"b":1}', '{"b":1}'),
    ('{"a":{"$object":{"$x":1}}}', '{"a":{"b":2}}', '{"a":{"$x":1,"b":2}}'),
    # Objects with more members are no extended values.
    ('{"$x":1,"b":2}', '{"$x":null,"c":3}', '{"b":2,"c":3}'),
    # What is left must not become one.
    ('{"a":{"$int":"1","b":2}}', '{"a":{"b":null}}',
     '{"a":{"$object":{"$int":"1"}}}'),
    ('{"b":2}', '{"$int":"1","b":null}', '{"$object":{"$int":"1"}}'),
]


class PatchTests(unittest.TestCase):

    def test_examples(self):
        for document, patch, result in CASES + EXTENDED:
            with self.subTest(document=document, patch=patch):
                self.assertEqual(wire.patched(
                    document.encode(), patch.encode()), result.encode())

    def test_sent_again(self):
        for _, patch, result in CASES + EXTENDED:
            with self.subTest(document=result, patch=patch):
                self.assertEqual(wire.patched(
                    result.encode(), patch.encode()), result.encode())

    def test_numbers(self):
        self.assertEqual(
            json.loads(wire.patched(
                b'{"a":0.1,"b":1e-7}', b'{"c":0.10000000000000000001}')),
            {'a': 0.1, 'b': 1e-7, 'c': 0.1})

    def test_what_is_no_json(self):
        for patch in b'', b'{', b'{"a":1,"a":2}', b'1e999', b'[' * 10_000:
            with self.assertRaises(wire.WireError):
                wire.patched(b'{}', patch)
