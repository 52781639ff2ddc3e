"""Sets of which only a few are in memory."""

import gc
import sqlite3
import unittest
from unittest import mock

from zc.generationalset.sync import scratch
from zc.generationalset.sync.scratch import Scratch

MOST = 10


class Key(bytes):
    """A key that is counted as long as it is in memory."""

    alive = most = 0

    def __init__(self, *args):
        Key.alive += 1
        Key.most = max(Key.most, Key.alive)

    def __del__(self):
        Key.alive -= 1


class ScratchTests(unittest.TestCase):

    def setUp(self):
        patch = mock.patch.object(scratch, 'MOST', MOST)
        patch.start()
        self.addCleanup(patch.stop)

    def test_few_and_many(self):
        for count in 0, 1, MOST - 1, MOST, 5 * MOST + 3:
            for convert in int, lambda number: f'{number:09}'.encode():
                keys = [convert(number * 7919 % 1009)
                        for number in range(count)]
                kept: Scratch = Scratch()
                for key in keys + keys[::2]:
                    kept.add(key)
                self.assertEqual(len(kept), count)
                self.assertEqual(list(kept), sorted(keys))
                self.assertEqual([key for key in keys if key not in kept], [])
                self.assertNotIn(convert(1010), kept)

    def test_discarding(self):
        kept = Scratch()
        for number in range(5 * MOST + 3):
            kept.add(number)
        for number in (0, MOST, 5 * MOST + 1, 1000):
            kept.discard(number)
            self.assertNotIn(number, kept)
        self.assertEqual(len(kept), 5 * MOST)
        kept.add(0)
        self.assertIn(0, kept)
        self.assertEqual(next(iter(kept)), 0)

    def test_few_are_in_memory(self):
        kept = Scratch()
        for number in range(20 * MOST):
            kept.add(Key(number))
        gc.collect()
        self.assertLessEqual(Key.most, MOST + 1)
        self.assertEqual(len(kept), 20 * MOST)

    def test_a_full_disk(self):
        kept = Scratch()
        for number in range(MOST):
            kept.add(number)
        kept._database.execute('PRAGMA max_page_count = 1')
        with self.assertRaisesRegex(OSError, 'a temporary file: .*full'):
            for number in range(100 * MOST):
                kept.add(number)

    def test_the_file_is_closed(self):
        kept = Scratch()
        for number in range(MOST):
            kept.add(number)
        database = kept._database
        del kept
        gc.collect()
        self.assertRaises(
            sqlite3.ProgrammingError, database.execute, 'SELECT 1')
