"""No printed text controls a terminal; progress is one line of it."""

import io
import json
import unittest
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset.commands.terminal import (
    CLEAR,
    cut,
    escape,
    progress,
)
from zc.generationalset.tests.support.properties import tries

SETTINGS = tries(60)


class TerminalTests(unittest.TestCase):

    def test_escape(self):
        for text, escaped in [
                ('Zoë 日本 😀', 'Zoë 日本 😀'), ('\x1b[2J', r'\u001b[2J'),
                ('a\r\n\tb\x7f', r'a\u000d\u000a\u0009b\u007f'),
                ('\x9b1m', r'\u009b1m'),  # as escape and [, in one
                ('\u202eabc\u2066', r'\u202eabc\u2066'),  # right to left
                ('\u2028', r'\u2028'), ('\U000e0041', r'\udb40\udc41'),
                ('\udcff', r'\udcff'), ('', '')]:
            self.assertEqual(escape(text), escaped)

    @SETTINGS
    @given(st.text())
    def test_escape_makes_it_printable(self, text):
        self.assertTrue(escape(text).isprintable())

    @SETTINGS
    @given(st.text())
    def test_json_is_the_same(self, text):
        encoded = json.dumps(text, ensure_ascii=False)
        self.assertEqual(json.loads(escape(encoded)), text)

    def test_cut(self):
        for text, columns, result in [
                ('', 1, ''), ('abc', 3, 'abc'), ('abcd', 3, 'ab…'),
                ('ab', 1, '…'), ('日本', 4, '日本'), ('日本', 3, '日…'),
                ('日本', 2, '…'), ('a日本', 4, 'a日…'),
                ('e\u0301' * 3, 3, 'e\u0301' * 3),
                ('e\u0301' * 4, 3, 'e\u0301e\u0301…'),
                ('😀😀', 3, '😀…')]:
            self.assertEqual(cut(text, columns), result, (text, columns))


class ProgressTests(unittest.TestCase):

    def written(self, texts, is_terminal=True):
        """Return what is written for some texts, one after the other."""
        written = io.StringIO()  # which has no size
        written.isatty = lambda: is_terminal
        with mock.patch('sys.stderr', written), \
                mock.patch(
                    'zc.generationalset.commands.terminal.time',
                    monotonic=lambda: 1.0), \
                progress() as tell:
            for text in texts:
                tell(text)
        return written.getvalue()

    def test_one_line(self):
        self.assertEqual(
            self.written(['1 row\n']), f'{CLEAR}1 row\\u000a{CLEAR}')
        self.assertEqual(
            self.written(['x' * 100]), f'{CLEAR}{"x" * 78}…{CLEAR}')

    def test_few_texts(self):
        self.assertEqual(
            self.written(['1 row', '2 rows']), f'{CLEAR}1 row{CLEAR}')

    def test_an_empty_text_clears_the_line_at_once(self):
        self.assertEqual(
            self.written(['1 row', '', '2 rows']),
            f'{CLEAR}1 row{CLEAR}{CLEAR}2 rows{CLEAR}')

    def test_elsewhere(self):
        self.assertEqual(self.written(['1 row'], is_terminal=False), '')
