"""The command ``gset verify``."""

import io
import json
import re
import sqlite3
import textwrap
import unittest
from contextlib import closing, redirect_stderr, redirect_stdout
from unittest import mock

from zope.testing import setupstack

from zc.generationalset.__main__ import main
from zc.generationalset.commands.terminal import CLEAR
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.places import CHECKOUT

SCHEMA = """
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total);
    INSERT INTO orders VALUES (16, 'Ann', 1), (17, 'Ann', 12.5),
        (18, 'Bob', NULL);"""
URLS = 'sqlite:///shop.db', 'sqlite:///copy.db'

TEXT = (CHECKOUT / 'docs' / 'sql.txt').read_text(encoding='utf-8')


def gset(*arguments):
    """Run a command; return exit code, output and errors."""
    with redirect_stdout(io.StringIO()) as out, \
            redirect_stderr(io.StringIO()) as errors:
        code = main(list(arguments))
    return code, out.getvalue(), errors.getvalue()


class Base(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        for name in 'shop.db', 'copy.db':
            tables.make(name, SCHEMA)

    def change(self, *statements):
        with closing(sqlite3.connect('copy.db')) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def verify(self, *arguments, urls=URLS):
        code, out, errors = gset('verify', *urls, *arguments)
        self.assertEqual(errors, '')
        return code, out


class VerifyTests(Base):

    def test_the_page(self):
        [shown] = re.findall(
            r'^ {4}\$ gset verify sqlite:///shop.*copy.db\n((?: {4}.+\n)+)',
            TEXT, re.M)
        self.change('UPDATE orders SET total = 13.0 WHERE id = 17',
                    'DELETE FROM orders WHERE id = 18')
        self.assertEqual(self.verify(), (1, textwrap.dedent(shown)))
        [code] = re.findall(
            r'^ {4}from zc.generationalset.sql import Verification(?s:.*?)\n\n'
            r'(?=\S)', TEXT, re.M)
        printed = []
        names = {'print': lambda *parts: printed.append(parts)}
        exec(textwrap.dedent(code), names)
        for database in names['here'], names['there']:
            database.close()
        self.assertEqual(
            printed, [('orders', 17, ['total']), ('orders', 18, [])])

    def test_equal(self):
        self.assertEqual(self.verify(), (0, (
            'here sqlite:///shop.db, there sqlite:///copy.db\n'
            'orders: 3 rows; equal\n')))

    def test_json(self):
        self.change("UPDATE orders SET total = x'00ff' WHERE id = 17",
                    'ALTER TABLE orders ADD COLUMN due')
        code, out = self.verify('--json')
        self.assertEqual((code, json.loads(out)), (1, {
            'where': 'orders, column due', 'problem': 'not here'}))
        self.change('ALTER TABLE orders DROP COLUMN due')
        code, out = self.verify('--json')
        difference, totals = map(json.loads, out.splitlines())
        self.assertEqual((code, difference), (1, {
            'table': 'orders', 'id': 17, 'columns': ['total'],
            'here': {'id': 17, 'customer': 'Ann', 'total': 12.5},
            'there': {'id': 17, 'customer': 'Ann',
                      'total': {'$bytes': 'AP8='}}}))
        self.assertEqual(totals['table'], 'orders')
        self.assertEqual(totals['totals']['changed'], 1)

    def test_values_on_a_terminal(self):
        """What is shown says its type, and moves no cursor."""
        for value, shown in {
                "'13.0'": '"13.0"', "x'1b5b'": "x'1b5b'", 'NULL': 'NULL',
                "char(27) || 'a'": r'"\u001ba"', "CAST(x'ff' AS TEXT)":
                r'"\\xff"', f"'{'a' * 99}'": f'"{"a" * 58}…'}.items():
            self.change(f'UPDATE orders SET total = {value} WHERE id = 17')
            self.assertIn(f'total 12.5 here, {shown} there\n',
                          self.verify()[1])

    def test_progress_on_a_terminal(self):
        """No line of it is left where something else is written."""
        self.change('UPDATE orders SET total = 13 WHERE id = 17')
        both = io.StringIO()
        both.isatty = lambda: True
        with redirect_stdout(both), redirect_stderr(both), mock.patch(
                'zc.generationalset.commands.terminal.time',
                monotonic=lambda: 1.0):
            self.assertEqual(main(['verify', *URLS]), 1)
        self.assertIn(f'{CLEAR}orders: 3 rows read{CLEAR}orders ~17: ',
                      both.getvalue())
        self.assertTrue(both.getvalue().endswith(
            f'{CLEAR}orders: 3 rows; 1 differ\n{CLEAR}'))

    def test_tables(self):
        self.change('CREATE TABLE log (text)',
                    'UPDATE orders SET total = 0')
        tables.make('shop.db', 'CREATE TABLE log (text)')
        code, out = self.verify('--tables', 'log')
        self.assertEqual(code, 2)
        self.assertIn('log: expected a primary key', out)
        self.assertEqual(self.verify('--tables', 'log,orders')[0], 1)

    def test_what_is_refused(self):
        for urls, arguments, error in [
                (URLS, ('--tables', 'nix'),
                 'expected a table, one of orders; got nix'),
                ((URLS[0], 'sqlite:///no.db'), (), 'can not open no.db'),
                ((URLS[0], 'mysql://u:secret@h/d'), (), 'expected a URL')]:
            code, out, errors = gset('verify', *urls, *arguments)
            self.assertEqual((code, out), (2, ''))
            self.assertIn(error, errors)
            self.assertNotIn('secret', errors)


class RepairTests(Base):

    def setUp(self):
        super().setUp()
        self.change("UPDATE orders SET total = 13.0 WHERE id = 17",
                    'DELETE FROM orders WHERE id = 18',
                    "INSERT INTO orders VALUES (19, 'Eve', 1)")

    def test_the_page(self):
        [shown] = re.findall(
            r'( {4}orders: rows to be (?: {4}.+\n|.+\n)+)', TEXT)
        self.assertEqual(self.verify('--repair', '--dry-run')[0], 1)
        code, out = self.verify('--repair')
        self.assertEqual(code, 0)
        self.assertTrue(out.endswith(textwrap.dedent(shown)), out)
        self.assertEqual(self.verify()[0], 0)
        self.assertEqual(self.verify('--repair')[0], 0)

    def test_json(self):
        *_, plan, repaired = map(json.loads, self.verify(
            '--repair', '--json')[1].splitlines())
        self.assertEqual(plan, {'table': 'orders', 'plan': {
            'added': 1, 'changed': 1, 'removed': 1}})
        self.assertEqual(repaired, {'table': 'orders', 'repaired': {
            'added': 1, 'changed': 1, 'removed': 1}})

    def test_many_rows(self):
        self.change(
            'WITH RECURSIVE n(n) AS (SELECT 20 UNION ALL SELECT n + 1 FROM n '
            "WHERE n < 28) INSERT INTO orders SELECT n, 'Cy', 1 FROM n")
        code, _, errors = gset('verify', *URLS, '--repair')
        self.assertEqual((code, errors), (1, (
            'gset: orders: expected --yes, to change or delete 11 of 12 rows; '
            'is the order of the databases right?\n')))
        self.assertEqual(self.verify('--repair', '--dry-run')[0], 1)
        self.assertEqual(self.verify('--repair', '--yes')[0], 0)
        self.assertEqual(self.verify()[0], 0)

    def test_what_does_not_fit_is_not_repaired(self):
        self.change('CREATE TABLE more (id INTEGER PRIMARY KEY)')
        self.assertEqual(self.verify('--repair')[0], 1)
        self.assertEqual(self.verify('--tables', 'orders')[0], 0)

    def test_what_is_refused(self):
        for arguments, code, error in [
                (('--yes',), 2, 'expected --repair with'),
                (('--dry-run',), 2, 'expected --repair with')]:
            got, _, errors = gset('verify', *URLS, *arguments)
            self.assertEqual(got, code)
            self.assertIn(error, errors)
        self.change('DELETE FROM orders WHERE id = 16',
                    'CREATE UNIQUE INDEX once ON orders (customer)')
        code, _, errors = gset('verify', *URLS, '--repair')
        self.assertEqual(code, 2)
        self.assertIn('UNIQUE', errors)
