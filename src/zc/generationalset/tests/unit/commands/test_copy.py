"""The command ``gset copy``."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from unittest import mock
from urllib.parse import quote

from zc.generationalset.commands import copying
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait

#: Files with names that URLs quote.
SHOP, COPIED = 'a shop#.db', 'copy?.db'
SOURCE, COPY = 'sqlite:///a shop%23.db', 'sqlite:///copy%3F.db'
#: More than some pages have.
ROWS = 5_000


class CopyTests(Serving):

    name = 'serve'

    def setUp(self):
        super().setUp()
        tables.make(self.path(SHOP), f'''
            PRAGMA journal_mode = WAL;
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, number TEXT UNIQUE, total REAL);
            WITH RECURSIVE n (value) AS (
                SELECT 1 UNION ALL SELECT value + 1 FROM n
                WHERE value < {ROWS})
            INSERT INTO orders SELECT value, 'n' || value, value / 2.0 FROM n
            ''')
        with closing(SQLiteDatabase(self.path(SHOP))) as database:
            tables.track(database, 'orders')

    @contextmanager
    def copying(self, *arguments):
        with subprocess.Popen(
                [sys.executable, '-m', 'zc.generationalset', 'copy', self.url,
                 COPY, *arguments], cwd=self.directory, env=ENVIRONMENT,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) as process:
            try:
                yield process
            finally:
                process.kill()  # or a test that fails would wait for it

    def copied(self, *arguments):
        with self.copying(*arguments) as process:
            out, error = process.communicate(timeout=90)
        self.assertEqual((process.returncode, error), (0, ''))
        return out

    def rows(self, name=COPIED, columns='id, number, total'):
        with closing(sqlite3.connect(self.path(name))) as connection:
            connection.execute('PRAGMA busy_timeout = 10000')
            try:
                return connection.execute(
                    f'SELECT {columns} FROM orders ORDER BY 1').fetchall()
            except sqlite3.OperationalError:
                return []  # there is no such table yet

    def execute(self, statement):
        with closing(sqlite3.connect(self.path(SHOP))) as connection:
            connection.execute(statement)
            connection.commit()

    def check(self):
        self.assertEqual(self.rows(), self.rows(SHOP))

    def test_copy(self):
        with self.serving(SOURCE, '--tables', 'orders'):
            out = self.copied()
            self.assertRegex(
                out, f'^{COPY}: {ROWS:,} rows changed, as at [0-9]+ of http')
            self.check()
            self.execute('DELETE FROM orders WHERE id > 4990')
            self.assertIn(': 10 rows changed', self.copied())
            self.check()
            self.assertIn(': 0 rows changed', self.copied())
            # Another source is another copy.
            self.url = self.url.replace('127.0.0.1', 'localhost')
            with self.copying() as process:
                _, error = process.communicate(timeout=90)
            self.assertEqual(process.returncode, 2)
            self.assertIn('table orders: expected no rows', error)

    def test_killed_and_followed(self):
        with self.serving(SOURCE, '--tables', 'orders'):
            with self.copying() as process:
                wait(self.rows)
                process.send_signal(signal.SIGKILL)
                process.communicate(timeout=90)
            there = len(self.rows())
            with self.copying('--follow') as process:
                try:
                    wait(lambda: len(self.rows()) == ROWS)
                    self.execute("UPDATE orders SET number = 'x' || number")
                    wait(lambda: self.rows() == self.rows(SHOP))
                finally:
                    process.send_signal(signal.SIGINT)
                    _, error = process.communicate(timeout=90)
            self.assertEqual((process.returncode, error), (130, ''))
            self.assertGreaterEqual(there, 1000)
            self.assertEqual(there % 1000, 0)

    def test_what_does_not_fit(self):
        tables.make(self.path(COPIED), '''
            CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT,
                                 total INTEGER)''')
        with self.serving(SOURCE, '--tables', 'orders'):
            self.name = 'copy'
            self.assertEqual(
                self.refused(self.url, COPY),
                f'gset: {COPY}: table orders, column total (INTEGER): '
                'expected an integer, got 0.5')
        self.assertEqual(self.rows(), [])

    def test_another_process_makes_the_file(self):
        """It may be open when this command would make it."""
        path = self.path(COPIED)
        others = []
        real = sqlite3.connect

        def connect(name):
            self.assertFalse(os.path.exists(path))
            others.append(real(path))
            others[0].execute('CREATE TABLE orders (id INTEGER PRIMARY KEY)')
            return real(name)

        with mock.patch.object(copying.sqlite3, 'connect', connect):
            copying._make(f'sqlite:///{quote(path)}')
        with closing(others[0]):
            self.assertEqual(self.rows(columns='count(*)'), [(0,)])
        self.assertFalse(any(
            name.startswith('gset-') for name in os.listdir(self.directory)))

    def test_no_server_and_no_database(self):
        self.name = 'copy'
        self.assertIn('can not make', self.refused(
            'http://127.0.0.1:1', 'sqlite:///no/copy.db'))
        self.assertIn('expected a URL', self.refused(
            'http://127.0.0.1:1', 'mysql://h/d'))
