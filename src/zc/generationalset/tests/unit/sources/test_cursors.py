"""Cursors are texts of places."""

import unittest
from typing import Any

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import (
    LENGTH,
    read_cursor,
    span_at,
    write_cursor,
)

HIGHEST = Position('e', 5)


class CursorTests(unittest.TestCase):

    def test_each_leads_to_its_place(self):
        for place in [('e',), ('e', 1, 0, 'ann'), ('e', 1, 0, ('ä', 2.5))]:
            cursor = write_cursor(HIGHEST, [place])
            self.assertEqual(read_cursor(cursor, 'e'), (5, {'e': place}))

    def test_the_highest_generation(self):
        cursor = ''
        for generation, highest in (5, 5), (7, 7), (6, 7):
            span = span_at(cursor, Position('e', generation), 9)
            cursor = span.cursor_of(('e', 1))
            self.assertEqual(read_cursor(cursor, 'e')[0], highest)
        self.assertEqual(span.generation, 7)

    def test_of_several_servers(self):
        """Each has one place, and the newest is the last one."""
        cursor = ''
        for place in [('a', 1), ('b', 1), ('c', 1), ('a', 2), ('b', 2)]:
            cursor = span_at(cursor, HIGHEST, 9).cursor_of(place)
        self.assertEqual(
            list(read_cursor(cursor, 'e')[1].values()),
            [('c', 1), ('a', 2), ('b', 2)])

    def test_what_is_too_long_forgets_the_oldest(self):
        long = 'x' * (LENGTH // 3)
        places = [(name, long) for name in 'abc']
        self.assertEqual(
            read_cursor(write_cursor(HIGHEST, places), 'e'),
            (5, {'b': places[1], 'c': places[2]}))

    def test_another_set(self):
        cursor = write_cursor(HIGHEST, [('e', 1)])
        with self.assertRaisesRegex(StaleCursor, 'of another set'):
            read_cursor(cursor, 'f')
        with self.assertRaisesRegex(StaleCursor, 'of another set'):
            span_at(cursor, NOTHING, 9)

    def test_places_without_a_cursor(self):
        """An id may have no form in JSON, or be too long for a URL."""
        for id in object(), '\ud800', 10 ** 5000, 'x' * LENGTH:
            self.assertIsNone(
                write_cursor(HIGHEST, [('a', 1), ('e', 1, 0, id)]))

    def test_what_is_no_cursor(self):
        places: list[Any] = [(), 'a', (1,), (('a',), 1)]
        for text in ['', 'x', 'ä', '%',
                     *[write_cursor(HIGHEST, [place]) for place in places],
                     write_cursor(Position('e', 'x'), [('a',)]),
                     str(write_cursor(HIGHEST, [('a',)])) + '=' * LENGTH]:
            with self.subTest(text=text), self.assertRaises(StaleCursor):
                read_cursor(text, 'e')
