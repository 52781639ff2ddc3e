"""Cursors are texts of places."""

import unittest

from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import (
    LENGTH,
    read_cursor,
    write_cursor,
)


class CursorTests(unittest.TestCase):

    def test_each_leads_to_its_place(self):
        for place in [('e',), ('e', 1, 0, 'ann'), ('e', 1, 0, ('ä', 2.5))]:
            self.assertEqual(read_cursor(write_cursor(place)), place)

    def test_places_without_a_cursor(self):
        """An id may have no form in JSON, or be too long for a URL."""
        for id in object(), '\ud800', 10 ** 5000, 'x' * LENGTH:
            self.assertIsNone(write_cursor(('e', 1, 0, id)))

    def test_what_is_no_cursor(self):
        for text in ['', 'x', 'ä', '%', write_cursor('a'), write_cursor(()),
                     str(write_cursor(('a',))) + '=' * LENGTH]:
            with self.subTest(text=text), self.assertRaises(StaleCursor):
                read_cursor(text)
