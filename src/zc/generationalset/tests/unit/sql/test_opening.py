"""Databases from URLs, connections and engines."""

import os
import sqlite3
import unittest
from contextlib import closing
from types import SimpleNamespace

from zope.testing import setupstack

from zc.generationalset.sql import DatabaseError, open_database
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Databases


class OpeningTests(unittest.TestCase):

    layer = Databases

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('shop.db', 'CREATE TABLE t (id INTEGER PRIMARY KEY)')

    def opens(self, named):
        with closing(open_database(named)) as database:
            self.assertEqual(list(map(str, database.tables())), ['t'])

    def test_urls(self):
        self.opens('sqlite:///shop.db')
        self.opens(f'sqlite:///{os.path.abspath("shop.db")}')
        self.opens('sqlite+pysqlite:///shop.db')

    def test_connections(self):
        with closing(sqlite3.connect('shop.db')) as connection:
            self.opens(connection)
        made = []

        def make():
            made.append(sqlite3.connect('shop.db'))
            return made[-1]

        self.opens(make)
        with self.assertRaises(sqlite3.ProgrammingError):
            made[0].execute('SELECT 1')  # it is closed

    def test_engines(self):
        """An object like SQLAlchemy's engine."""
        def render(hide_password):
            self.assertFalse(hide_password)
            return 'sqlite+pysqlite:///shop.db'

        self.opens(SimpleNamespace(
            raw_connection=None,
            url=SimpleNamespace(render_as_string=render)))

    def test_what_names_no_database(self):
        with open('text', 'w') as file:
            file.write('no database, though it is long enough for one' * 9)
        for named, error in [
                ('shop.db', 'expected a URL such as sqlite:///shop.db'),
                ('sqlite://shop.db', 'expected a URL'),
                ('sqlite://?data_dir=x', 'expected a URL'),
                ('mysql://u:secret@h/d', 'expected a URL'),
                ('sqlite:///nothing.db', 'can not open .*nothing.db'),
                ('sqlite:///text', 'can not open .*text: file is not a data'),
                (5, 'expected a URL, a connection, .* got int'),
                (lambda: sqlite3.connect(':memory:'), 'in memory')]:
            with self.subTest(named=named), \
                    self.assertRaisesRegex(DatabaseError, error) as caught:
                open_database(named)
            self.assertNotIn('secret', str(caught.exception))
        self.assertFalse(os.path.exists('nothing.db'))
