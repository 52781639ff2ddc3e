"""The command ``gset check URL --replica FILE``."""

import contextlib
import itertools
import sqlite3
import tempfile
from pathlib import Path
from unittest import mock

from zc.generationalset.client import Client
from zc.generationalset.commands import Failure, comparing, talking
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.unit.commands.test_command import (
    NOBODY,
    Commands,
    gset,
)


class CompareTests(Commands):
    def setUp(self):
        super().setUp()
        self.path = str(Path(
            self.stack.enter_context(tempfile.TemporaryDirectory()),
            'copy.sqlite'))
        with SQLiteReplica(self.path) as replica, Client(
                self.url, replica=replica) as client:
            client.sync()

    def check(self, *arguments):
        return gset('check', *(arguments or (
            self.url, '--replica', self.path)))

    def spoil(self, statement):
        with contextlib.closing(sqlite3.connect(self.path)) as copy, copy:
            copy.execute(statement)

    def test_the_same(self):
        self.client.put(('people', 'cy'), 1)
        before = Path(self.path).read_bytes()
        code, output, errors = self.check()
        self.assertEqual((code, errors), (0, ''), output)
        self.assertRegex(output, f'^{self.path}: well, the same as the '
                         'server at generation [0-9]+\n$')
        self.assertEqual(Path(self.path).read_bytes(), before)

    def test_a_server_that_moves_on(self):
        """A change between the two requests is no difference."""
        self.move_on(times=1)
        self.assertEqual(comparing.compare(self.url, None, self.path), 0)

    def test_a_server_that_always_moves_on(self):
        self.move_on(times=comparing.ATTEMPTS)
        with self.assertRaisesRegex(Failure, 'moves on too fast'):
            comparing.compare(self.url, None, self.path)

    def move_on(self, times):
        """Let the server have a change before a new replica asks."""
        numbers = iter(range(times))

        def connect(url, token_file, replica):
            if isinstance(replica, Replica):
                for number in itertools.islice(numbers, 1):
                    self.client.put(('people', 'cy'), number)
            return talking.connect(url, token_file, replica)
        self.stack.enter_context(
            mock.patch.object(comparing, 'connect', connect))

    def test_planted_differences(self):
        self.client.put(('people', 'cy'), 1)
        self.client.put(('people', 'dan'), [])
        with SQLiteReplica(self.path) as replica, Client(
                self.url, replica=replica) as client:
            client.sync()
        self.spoil("""UPDATE entry SET item = '{"name":"Anna"}'
                      WHERE item LIKE '%Ann%'""")
        self.spoil("DELETE FROM entry WHERE item = '1'")
        self.spoil("UPDATE entry SET id = '\"eve\"' WHERE item = '[]'")
        code, output, errors = self.check()
        self.assertEqual((code, errors), (1, ''))
        self.assertEqual(sorted(output.splitlines()), [
            'people/ann: expected {"name":"Ann"}, got {"name":"Anna"}',
            'people/cy: expected 1, got nothing',
            'people/dan: expected [], got nothing',
            'people/eve: expected nothing, got []'])

    def test_what_can_not_be_compared(self):
        for arguments, text in [
                ((self.url, '--replica', self.path + 'x'),
                 'expected a replica, but there is no '),
                ((self.url, '--replica', __file__), 'not a database'),
                ((NOBODY, '--replica', self.path), 'Connection refused'),
                (('nonsense', '--replica', self.path), 'expected a URL '),
                ((self.url,), '--replica')]:
            code, output, errors = self.check(*arguments)
            self.assertEqual((code, output), (2, ''), arguments)
            self.assertIn(text, errors)
            self.assertEqual(errors.count('\n'), 1)
