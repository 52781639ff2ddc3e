"""What two databases that are kept equal have in memory at a time."""

import resource
import unittest
from contextlib import contextmanager
from itertools import chain

from zc.generationalset.sql import View
from zc.generationalset.sql.peers.agreements import CHUNK
from zc.generationalset.sql.peers.seen import Seen
from zc.generationalset.sql.peers.serving import Serving
from zc.generationalset.tests.unit.sql.test_peers import Base

#: Many more than there may be in memory.
ROWS = 6 * CHUNK
#: How many keys may be in memory: some that were found, and what is known of
#: them.
MOST = 3 * CHUNK


class Key(str):
    """The text of a key, from a table beside those of users."""

    __slots__ = ()
    count = most = 0

    def __init__(self, text):
        Key.count += 1
        Key.most = max(Key.most, Key.count)

    def __del__(self):
        Key.count -= 1


class Counted:
    """A database, or a transaction, that counts keys.

    ahead
        How many changes have been found whose rows haven't been read.
    """

    ahead = most = 0

    def __init__(self, counted):
        self._counted = counted

    def __getattr__(self, name):
        return getattr(self._counted, name)

    @contextmanager
    def _begun(self, name):
        with getattr(self._counted, name)() as transaction:
            yield Counted(transaction)

    def reading(self):
        return self._begun('reading')

    def writing(self):
        return self._begun('writing')

    def applying(self):
        return self._begun('applying')

    def own(self, statement, *values):
        return [tuple([Key(value) if type(value) is str and not place
                       else value for place, value in enumerate(row)])
                for row in self._counted.own(statement, *values)]

    def changes(self, *arguments):
        for key in self._counted.changes(*arguments):
            self.ahead += 1
            Counted.most = max(Counted.most, self.ahead)
            yield key

    def rows(self, table, keys):
        self.ahead -= len(keys)
        return self._counted.rows(table, keys)


class MemoryTests(Base):

    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, Counted, 'most', 0)
        self.addCleanup(setattr, Key, 'most', 0)
        for peer in self.client, self.server:
            peer.database = Counted(peer.database)
        self.fill(self.client)

    def fill(self, peer):
        peer.run('''
            WITH RECURSIVE n(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
            INSERT INTO things SELECT 'row' || n, n, 1 FROM n''', ROWS)

    def check_few(self):
        """Few keys were in memory at a time; both sides are equal."""
        self.assertLessEqual(Key.most, MOST)
        self.assertLessEqual(Counted.most, MOST)
        self.assertEqual(self.client.things, self.server.things)
        self.assertEqual(self.sync(), (0, 0, 0))

    def test_all_rows(self):
        self.assertEqual(self.sync().sent, ROWS)
        self.check_few()

    def test_changes_on_both_sides(self):
        self.sync()
        self.client.run('UPDATE things SET a = 0')
        self.server.run('UPDATE things SET b = 0')
        self.assertEqual(self.sync(), (ROWS, ROWS, ROWS))
        self.check_few()

    def test_sides_that_forget_their_changes(self):
        """Tables are compared whole; rows are gone on both sides."""
        self.sync()
        self.client.run('DELETE FROM things WHERE a % 2')
        self.server.run('DELETE FROM things WHERE a % 3')
        for peer in self.client, self.server:
            peer.run('ALTER TABLE things ADD COLUMN c INT')
            peer.run('ALTER TABLE things DROP COLUMN c')
        self.sync()
        self.assertEqual(len(self.client.things), ROWS // 6)
        self.check_few()

    def test_push_that_did_not_arrive(self):
        self.client.sync(self.server, budget=ROWS)
        self.client.run('UPDATE things SET a = 0')
        self.assertEqual(self.sync().sent, ROWS)
        self.check_few()

    def test_rows_of_a_view(self):
        """Those that a user makes must be in it."""
        self.server.serving = lambda: Serving(
            self.server.database,
            lambda user: [View('things', ['a', 'b'], "id > ''")],
            'server').steps()
        self.sync()
        self.check_few()


class SeenTests(unittest.TestCase):

    def test_keys(self):
        keys = [f'["{number:04d}"]' for number in range(ROWS)]
        with Seen() as seen:
            self.assertEqual(list(seen.chunks()), [])
            for _ in range(2):
                seen.add(reversed(keys))
            chunks = list(seen.chunks())
            self.assertEqual(seen.lacking(['b', keys[0], 'a']), ['b', 'a'])
        self.assertEqual(list(chain.from_iterable(chunks)), keys)
        self.assertLessEqual(max(map(len, chunks)), CHUNK)

    def test_full_disk(self):
        """It isn't the database that fails."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, before)
        with Seen() as seen:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
            with self.assertRaisesRegex(OSError, 'the keys that were seen: '):
                seen.add(f'{number:01000d}' for number in range(ROWS * 3))
