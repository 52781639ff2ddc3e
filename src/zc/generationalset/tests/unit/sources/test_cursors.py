"""Cursors are texts of places."""

import unittest
from typing import Any

from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import (
    LENGTH,
    read_cursor,
    span_at,
    write_cursor,
)


class CursorTests(unittest.TestCase):

    def test_each_leads_to_its_place(self):
        for place in [('e',), ('e', 1, 0, 'ann'), ('e', 1, 0, ('ä', 2.5))]:
            self.assertEqual(
                read_cursor(write_cursor('e', [place]), 'e'), {'e': place})

    def test_of_several_servers(self):
        """Each has one place, and the newest is the last one."""
        cursor = ''
        for place in [('a', 1), ('b', 1), ('c', 1), ('a', 2), ('b', 2)]:
            cursor = span_at(cursor, 'e', 9).cursor_of(place)
        self.assertEqual(
            list(read_cursor(cursor, 'e').values()),
            [('c', 1), ('a', 2), ('b', 2)])

    def test_what_is_too_long_forgets_the_oldest(self):
        long = 'x' * (LENGTH // 3)
        places = [(name, long) for name in 'abc']
        self.assertEqual(
            read_cursor(write_cursor('e', places), 'e'),
            {'b': places[1], 'c': places[2]})

    def test_another_set(self):
        cursor = write_cursor('e', [('e', 1)])
        with self.assertRaisesRegex(StaleCursor, 'of another set'):
            read_cursor(cursor, 'f')
        with self.assertRaisesRegex(StaleCursor, 'of another set'):
            span_at(cursor, None, 9)

    def test_places_without_a_cursor(self):
        """An id may have no form in JSON, or be too long for a URL."""
        for id in object(), '\ud800', 10 ** 5000, 'x' * LENGTH:
            self.assertIsNone(
                write_cursor('e', [('a', 1), ('e', 1, 0, id)]))

    def test_what_is_no_cursor(self):
        places: list[Any] = [(), 'a', (1,), (('a',), 1)]
        for text in ['', 'x', 'ä', '%',
                     *[write_cursor('e', [place]) for place in places],
                     str(write_cursor('e', [('a',)])) + '=' * LENGTH]:
            with self.subTest(text=text), self.assertRaises(StaleCursor):
                read_cursor(text, 'e')
