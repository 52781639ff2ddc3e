"""Lines for people work as arguments; lines for programs can be parsed."""

import json
import unittest
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import wire
from zc.generationalset.commands import Failure
from zc.generationalset.commands.listing import (
    columns,
    indented,
    json_line,
    line,
    show_path,
)
from zc.generationalset.commands.talking import parse_path
from zc.generationalset.replica import Subset
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries

SETTINGS = tries(60)
PATHS = st.lists(strategies.ids, max_size=3).map(tuple)


class ListingTests(unittest.TestCase):

    def test_show_path(self):
        for path, text in [
                (('people', 'Zoë'), 'people/Zoë'), ((42, '42'), '~42/42'),
                (('a b', 'a/b', '100%'), 'a%20b/a%2Fb/100%25'),
                (('..', '~x'), '~".."/~"~x"'), (('\x1b\u202e',),
                                                '%1B%E2%80%AE')]:
            self.assertEqual(show_path(path), text)

    @SETTINGS
    @given(PATHS)
    def test_path_is_an_argument(self, path):
        text = show_path(path)
        self.assertTrue(text.isprintable())
        self.assertNotIn(' ', text)
        self.assertEqual(parse_path(text), (path, not path))
        self.assertEqual(parse_path(f'/{text}/'), (path, True)
                         if path else ((), True))

    def test_bad_path(self):
        for text in 'a//b', '.', 'a/..', '%', '~', '~{}', '%ff', '//a':
            with self.assertRaises(Failure) as caught:
                parse_path(text)
            self.assertEqual(caught.exception.code, 2)

    def test_line(self):
        self.assertEqual(line('+ ', ('a', 'b'), {'x': 'ä\x1b'}, None),
                         '+ a/b  {"x":"ä\\u001b"}')
        self.assertEqual(line('', ('a',), Subset(b=1), None), 'a/')
        self.assertEqual(line('~ ', ('a',), 'x' * 50, 12), '~ a  "xxxxx…')

    @SETTINGS
    @given(PATHS, strategies.values)
    def test_json_line(self, path, value):
        text = json_line('changed', path, value)
        self.assertTrue(text.isprintable())
        data = json.loads(text)
        self.assertEqual(list(data), ['change', 'path', 'item'])
        self.assertEqual(tuple(map(wire.id_from_plain, data['path'])), path)
        self.assertEqual(text.partition('"item":')[2].encode('utf-8'),
                         json_line(None, path, value).partition(
                             '"item":')[2].encode('utf-8'))

    def test_json_line_of_a_set(self):
        self.assertEqual(json_line(None, ('a', 1), Subset(x=1)),
                         '{"path":["a",1],"set":true}')

    def test_indented(self):
        self.assertEqual(indented({'a': ['\x1b\u2028', 2 ** 60]}), '''\
{
  "a": [
    "\\u001b\\u2028",
    {
      "$int": "1152921504606846976"
    }
  ]
}''')

    def test_columns(self):
        self.assertIsNone(columns())
        with mock.patch('sys.stdout.isatty', lambda: True), \
                mock.patch.dict('os.environ', COLUMNS='33'):
            self.assertEqual(columns(), 33)
