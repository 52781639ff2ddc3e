"""Items of a set as rows of a copy."""

import unittest
from decimal import Decimal

from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.replica.rows import check_keys, rows_of
from zc.generationalset.sql.tables import Column, Table


class RowsTests(unittest.TestCase):

    table = Table('', 'sizes', ('id',), (
        Column('id', 'numeric'), Column('what', 'text')))

    def rows(self, id, item):
        return [repr(row) for row in rows_of(
            self.table, ('sizes',), [(id, item)])]

    def test_key_keeps_its_digits(self):
        """Equal ids have one form; the item says which one the row has."""
        self.assertEqual(
            self.rows(1, {'id': Decimal('1.00'), 'what': 'a'}),
            ["{'id': Decimal('1.00'), 'what': 'a'}"])

    def test_texts_of_equal_decimals_differ(self):
        """A removal has the id 1.5, which finds neither 1.5 nor 1.50."""
        rows = [{'id': Decimal('1.50')}]
        check_keys(self.table, rows, [(Decimal('1.50'),)])
        check_keys(self.table, [{'id': '1.50'}], [('1.50',)])
        with self.assertRaisesRegex(WrongValue, 'sizes, column id: expected'):
            check_keys(self.table, rows, [('1.50',)])

    def test_item_without_its_key(self):
        self.assertEqual(self.rows(1, {'what': 'a'}),
                         ["{'id': 1, 'what': 'a'}"])
