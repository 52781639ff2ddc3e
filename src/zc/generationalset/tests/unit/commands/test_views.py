"""``gset serve --views``: which rows and columns of tables each user sees."""

import os
import sqlite3
import unittest
from contextlib import closing, redirect_stdout
from io import StringIO

import httpx
from zope.testing import setupstack

from zc.generationalset.commands import Failure, views
from zc.generationalset.commands import tables as commands
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.unit.commands.test_tables import (
    SCHEMA,
    URL,
    Base,
)

VIEWS = '''
[orders]  # those of each user
columns = ["id", "number"]
where = "seller = :user"

["public"]
'''
TOKENS = 'ann first-token\nbob second-token read\n'


class ServeTests(Base):

    def setUp(self):
        super().setUp()
        self.execute('ALTER TABLE orders ADD COLUMN seller')
        self.execute("UPDATE orders SET seller = 'ann'")
        self.execute('CREATE TABLE public (id TEXT PRIMARY KEY)')
        with closing(SQLiteDatabase(self.path('shop.db'))) as database:
            tables.track(database, 'orders', 'public', noted=['seller'])
        self.write('tokens', TOKENS)
        os.chmod(self.path('tokens'), 0o600)
        self.write('views.toml', VIEWS)
        self.arguments = (
            URL, '--views', 'views.toml', '--token-file', 'tokens')

    def write(self, name, text):
        with open(self.path(name), 'w') as file:
            file.write(text)

    def seen(self, token):
        answer = httpx.get(f'{self.url}/updates', headers={
            'authorization': f'Bearer {token}'}).json()
        return {entry['id']: entry['contents'] for entry in answer['contents']}

    def test_each_user_sees_their_rows(self):
        with self.serving(*self.arguments):
            self.assertEqual(self.seen('first-token'), {
                'orders': [[1, {'id': 1, 'number': 'a'}]], 'public': []})
            self.assertEqual(self.seen('second-token'), {
                'orders': [], 'public': []})
            self.execute("UPDATE orders SET seller = 'bob'")
            wait(lambda: self.seen('second-token')['orders'])
            self.assertEqual(self.seen('first-token')['orders'], [])

    def test_options_that_do_not_fit(self):
        self.assertIn('expected --views alone, got --tables', self.refused(
            *self.arguments, '--tables', 'orders'))


class MistakesTests(unittest.TestCase):
    """Mistakes are named with their lines."""

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def write(self, text):
        with open('views.toml', 'w') as file:
            file.write(text)

    def refused(self, text, error, users=('ann',)):
        self.write(text)
        with self.subTest(text=text), self.assertRaisesRegex(Failure, error), \
                redirect_stdout(StringIO()):
            commands.begin(URL, views.read('views.toml'), users)

    def test_in_the_file(self):
        for text, error in [
                ('', r'expected a table, such as \[orders\]'),
                ('[orders\n\n', 'views.toml: .*line 1'),
                ('orders = 1', 'views.toml: expected a table such as'),
                ('[a]\nwhere = 1\n[b]', 'line 2: expected a condition of SQL'),
                ('[a]\n[b]\n\n columns = "x"', 'line 4: expected a list of'),
                ('[a]\ncolumns = [1]', 'line 2: expected a list of'),
                ('[a]\ncolumn = []', 'line 2: expected columns and where, '),
                ('[a]\nwhere = "b = :me"', 'line 2: expected no parameter bu'),
                ]:
            self.refused(text, error)
        with self.assertRaisesRegex(Failure, 'can not read'):
            views.read('nix.toml')

    def test_beside_the_database(self):
        tables.make('shop.db', SCHEMA)
        for text, error in [
                ('[order]', 'line 1: expected a table, one of log, orders'),
                ('\n[orders]\ncolumns = ["nix"]',
                 'line 3: expected columns of orders, which are id, number; '
                 'got nix'),
                ('[orders]\n\nwhere = \'"nix" = :user\'',
                 'line 3: expected columns of orders'),
                ('[log]', 'table log: expected a primary key')]:
            self.refused(text, error)
        self.assertEqual(set(os.listdir()), {'views.toml', 'shop.db'})
        with closing(sqlite3.connect('shop.db')) as connection:
            self.assertNotIn('gset_', ''.join(connection.iterdump()))

    def test_in_conditions(self):
        tables.make('shop.db', SCHEMA)
        for where in 'nix = :user', 'number = random()', 'number = (':
            self.refused(f'[orders]\nwhere = "{where}"',
                         'views.toml, line 2: table orders: expected a cond')
        self.refused(VIEWS, 'toml, line 4: expected a --token-file', users=())

    def test_names_in_conditions(self):
        part = views.Part('orders', {}, None, (
            "seller = :user AND \"a\"\"b\" <> 'c :d' AND e::text = f"))
        self.assertEqual(part.names, {'seller', 'AND', 'a"b', 'e', 'f'})
        self.assertTrue(part.is_of_user)
        self.assertFalse(views.Part('orders', {}, None, "':x'").is_of_user)
