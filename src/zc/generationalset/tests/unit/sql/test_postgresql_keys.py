"""Keys of tables of PostgreSQL, as statements get them."""

import unittest

from zc.generationalset.sql.postgresql.keys import Keys
from zc.generationalset.sql.tables import Column, Table

TABLE = Table('public', 'things', ('number', 'name'), (
    Column('name', 'text'), Column('number', 'integer')))


class ArraysTests(unittest.TestCase):

    def test_arrays(self):
        keys = Keys(TABLE)
        for given, expected in [
                ([], []),
                ([(1, 'a'), (2, 'b')], ['{"1","2"}', '{"a","b"}']),
                # No row has a number that is a text.
                ([('x', 'a'), (2, 'b')], ['{"2"}', '{"b"}']),
                ([('x', 'a')], [])]:
            with self.subTest(given=given):
                self.assertEqual(keys.arrays_of(given), expected)

    def test_keys_of_another_table(self):
        keys = Keys(TABLE)
        for wrong in [(1,)], [(1, 'a', 2)], [(1, 'a'), (2,)]:
            with self.subTest(keys=wrong):
                self.assertRaises(ValueError, keys.arrays_of, wrong)
