"""What ``gset watch`` shows on terminals."""

import os
import pty
import re
import signal
import unittest
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset.commands.screen import Screen
from zc.generationalset.commands.terminal import cut
from zc.generationalset.replica import Change, Subset
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.unit.commands.test_command import Commands

SEQUENCE = re.compile('\x1b\\[[0-9]{1,2}m')
ATTACKS = st.sampled_from([
    '\x1b[2J', '\x1b]0;title\x07', '\x9b2J', '\r', '\n', '\x08', '\u202e',
    '\u2028', '\x00', '\x7f', 'a\x1b', 'x\x1b[31m' * 30, '日本' * 60])
VALUES = strategies.values | ATTACKS | st.dictionaries(
    ATTACKS | st.text(max_size=3), ATTACKS | strategies.values, max_size=4)


class ScreenTests(unittest.TestCase):

    def screen(self, items=None, **others):
        variables = {'COLUMNS': '80', 'NO_COLOR': '', 'TERM': 'xterm',
                     **others}
        for patch in (
                mock.patch.dict('os.environ', variables),
                mock.patch('sys.stdout.isatty', lambda: True),
                mock.patch('time.strftime', lambda form: '14:03:05')):
            patch.start()
            self.addCleanup(patch.stop)
        return Screen(items or {})

    def shows(self, old, new, text):
        screen = self.screen({'x': old}, NO_COLOR='1')
        self.assertEqual(screen.line(Change('changed', ('x',), new)),
                         f'14:03:05 ~ x  {text}')

    def test_fields(self):
        card = {'state': 'open', 'title': 'A', 'n': 1, 'none': ()}
        changes: list[tuple[dict[str, object], str]] = [
            ({'state': 'done'}, 'state: open -> done'),
            ({'state': 'done', 'n': 2}, 'state: open -> done, n: 1 -> 2'),
            ({'n': True}, 'n: 1 -> true'), ({'n': '1'}, 'n: 1 -> "1"'),
            ({'title': 'null'}, 'title: A -> "null"'),
            ({'title': 'a, b: c'}, 'title: A -> "a, b: c"'),
            ({'title': 'two words'}, 'title: A -> two words'),
            ({'a b:': 1}, '"a b:": nothing -> 1'),
            ({'title': 'x' * 99}, f'title: A -> {"x" * 29}…')]
        for change, text in changes:
            self.shows(card, {**card, **change}, text)
        self.shows(card, {'state': 'open', 'n': 1, 'none': ()},
                   'title: A -> nothing')
        self.shows({'a': 1, 'b': 2}, {'b': 2, 'a': 1}, '{"b":2,"a":1}')
        self.shows(1, 'one', '1 -> one')
        self.shows({1: 2}, {1: 3}, '{"$map":[[1,2]]} -> {"$map":[[1,3]]}')
        self.shows(Subset(), 1, 'a set -> 1')

    def test_what_changed_is_remembered(self):
        screen = self.screen(
            {'s': Subset({'old': {'n': 0}}), 'x': {'n': 1}}, NO_COLOR='1')
        for kind, path, item, text in [
                ('changed', ('s', 'old'), {'n': 1}, '~ s/old  n: 0 -> 1'),
                ('changed', ('s', 'old'), {'n': 2}, '~ s/old  n: 1 -> 2'),
                ('added', ('new',), {'n': 1}, '+ new  {"n":1}'),
                ('changed', ('new',), {'n': 2}, '~ new  n: 1 -> 2'),
                ('removed', ('s',), Subset(), '- s/'),
                ('added', ('s',), Subset(), '+ s/'),
                ('added', ('s', 'old'), {'n': 5}, '+ s/old  {"n":5}'),
                ('changed', ('s', 'old'), {'n': 6}, '~ s/old  n: 5 -> 6'),
                ('removed', ('x',), {'n': 1}, '- x  {"n":1}'),
                ('changed', ('new',), Subset(), '~ new/')]:
            self.assertEqual(screen.line(Change(kind, path, item)),
                             f'14:03:05 {text}')

    def test_colours(self):
        change = Change('added', ('a b',), 1)
        self.assertEqual(self.screen().line(change), (
            '\x1b[2m14:03:05\x1b[0m\x1b[32m + a%20b\x1b[0m  1'))
        for variables in {'NO_COLOR': '1'}, {'TERM': 'dumb'}:
            self.assertEqual(self.screen(**variables).line(change),
                             '14:03:05 + a%20b  1')

    @tries(200)
    @given(st.lists(strategies.ids | ATTACKS, min_size=1, max_size=2).map(
        tuple), VALUES, VALUES, st.sampled_from(['5', '12', '80']))
    def test_attacks(self, path, old, new, columns):
        """Whatever is written, the terminal gets text, in one line."""
        screen = self.screen(COLUMNS=columns)
        for change in [Change('added', path, old), Change(
                'changed', path, new), Change('removed', path, new)]:
            text = SEQUENCE.sub('', screen.line(change))
            self.assertTrue(text.isprintable(), text)
            self.assertEqual(cut(text, int(columns)), text)
        self.doCleanups()


class TerminalTests(Commands):

    def test_watch(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start('watch', self.url, stdout=theirs)
        os.close(theirs)
        text = ''

        def read_until(end):
            nonlocal text
            while end not in text:
                text += os.read(ours, 10_000).decode()
        read_until('b%2Fc')
        self.client.put(('people', 'ann'), {'name': 'Bob'})
        read_until('Bob\r\n')
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(90), 130)
        self.assertRegex(SEQUENCE.sub('', text), (
            r'^..:..:.. \+ people/\r\n..:..:.. \+ people/ann  {"name":"Ann"}'
            r'\r\n..:..:.. \+ people/b%2Fc  "ä\\u001b\[2J"\r\n'
            r'..:..:.. ~ people/ann  name: Ann -> Bob\r\n$'))
