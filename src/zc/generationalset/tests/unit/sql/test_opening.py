"""Databases from URLs, connections and engines."""

import os
import shutil
import sqlite3
import unittest
from contextlib import closing
from types import SimpleNamespace

from zope.testing import setupstack

from zc.generationalset.sql import DatabaseError, open_database
from zc.generationalset.sql.opening import sqlite_path, sqlite_url
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
        """Objects like SQLAlchemy's engine."""
        os.rename('shop.db', 'a%20b.db')
        self.opens(self.engine('a%20b.db'))
        for options in ['a b.db'], [None], [':memory:'], ['a%20b.db', 'x']:
            with self.assertRaisesRegex(
                    DatabaseError, 'can not open a b.db|engine for a file'):
                open_database(self.engine(*options))

    def engine(self, database, *query):
        return SimpleNamespace(raw_connection=None, url=SimpleNamespace(
            get_backend_name=lambda: 'sqlite', database=database,
            query=query))

    def test_paths(self):
        """What SQLAlchemy 2.1 makes of them."""
        for url, path in [
                ('a b', 'a b'), ('a%20b', 'a b'), ('a#b', 'a#b'),
                ('a%b', 'a%b'), ('a%2520b', 'a%20b'), ('\xe9', '\xe9'),
                ('%C3%A9', '\xe9'), ('a%3Fb', 'a?b'), ('a+b', 'a+b'),
                ('a&b=c@d:e', 'a&b=c@d:e')]:
            with self.subTest(url):
                shutil.copy('shop.db', path)
                self.assertEqual(sqlite_path(f'sqlite:///{url}'), path)
                self.opens(f'sqlite:///{url}')
                self.opens(sqlite_url(path))
                self.opens(sqlite_url(os.path.abspath(path)))
        self.assertIsNone(sqlite_path('postgresql:///a'))

    def test_what_names_no_database(self):
        with open('text', 'w') as file:
            file.write('no database, though it is long enough for one' * 9)
        for named, error in [
                ('shop.db', 'expected a URL such as sqlite:///shop.db'),
                ('sqlite://shop.db', 'expected a URL'),
                ('sqlite://?data_dir=x', 'expected a URL'),
                ('mysql://u:secret@h/d', 'expected a URL'),
                ('sqlite:///a?b.db', 'without options, .*%3F'),
                ('sqlite:///shop.db?mode=ro', 'without options, .*%3F'),
                ('sqlite:///a%00', 'UTF-8'), ('sqlite:///a%ff', 'UTF-8'),
                ('sqlite:///nothing.db', 'can not open .*nothing.db'),
                ('sqlite:///text', 'can not open .*text: file is not a data'),
                (5, 'expected a URL, a connection, .* got int'),
                (lambda: sqlite3.connect(':memory:'), 'in memory')]:
            with self.subTest(named=named), \
                    self.assertRaisesRegex(DatabaseError, error) as caught:
                open_database(named)
            self.assertNotIn('secret', str(caught.exception))
        self.assertFalse(os.path.exists('nothing.db'))
