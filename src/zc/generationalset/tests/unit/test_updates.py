"""What updates say of a set."""

import unittest

from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.updates import Updates, held, read


class ReadTests(unittest.TestCase):

    def test_entries_are_read_when_they_are_needed(self):
        def entries():
            yield 'a', 1
            yield SubsetUpdates(id='s', contents=iter([('b', 2)]))
            yield 'not an entry'

        updates = read({'removals': iter(['c']), 'adds': entries()})
        self.assertEqual(updates[:2], (False, ['c']))
        pairs = iter(updates.entries)
        self.assertEqual(next(pairs), ('a', 1))
        id, subset = next(pairs)
        self.assertEqual((id, held(subset)),
                         ('s', Updates(True, [], [('b', 2)], [])))
        with self.assertRaisesRegex(ValueError, "an entry, .*'not an entry'"):
            next(pairs)
