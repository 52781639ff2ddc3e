"""What triggers note in SQLite databases, whatever program writes."""

import sqlite3
import unittest

from zope.testing import setupstack

from zc.generationalset.sql.errors import Untrackable
from zc.generationalset.sql.source import SQLSource
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Databases

SCHEMA = """
CREATE TABLE people (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, age INT,
    code TEXT NOT NULL DEFAULT 'none');
"""


class Base(unittest.TestCase):

    layer = Databases
    schema = SCHEMA
    names = 'people',
    add_key = False

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('data.db', self.schema)
        self.connection = self.connect()
        self.database = SQLiteDatabase('data.db')
        self.addCleanup(self.database.close)
        tables.track(self.database, *self.names, add_key=self.add_key)
        self.follow()

    def follow(self):
        self.source = SQLSource(self.database, self.names)
        self.followers = tables.Followers(self.source)
        self.replica = self.followers.join()
        self.followers.sync()

    def connect(self):
        connection = sqlite3.connect('data.db', isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def run_sql(self, *statements):
        for statement in statements:
            self.connection.execute(statement)

    def changes(self, *statements):
        """Execute statements; return the removals and adds of the table."""
        self.run_sql(*statements)
        answer = self.followers.sync()
        self.assertNotIn('reset', answer)
        for updates in answer.get('adds', ()):
            if updates['id'] == self.names[0]:
                self.assertNotIn('contents', updates)
                return (sorted(updates.get('removals', ())),
                        sorted(id for id, _ in updates.get('adds', ())))
        return [], []


class RowsTests(Base):

    def test_rows(self):
        self.assertEqual(self.changes(
            "INSERT INTO people VALUES (1, 'Ann', 42, 'a')"), ([], [1]))
        self.assertEqual(self.replica.items, {'people': {
            1: {'id': 1, 'name': 'Ann', 'age': 42, 'code': 'a'}}})
        self.assertEqual(self.changes(
            'UPDATE people SET age = NULL'), ([], [1]))
        self.assertEqual(self.changes('DELETE FROM people'), ([1], []))
        self.assertEqual(self.changes(), ([], []))

    def test_the_database_numbers_rows(self):
        self.assertEqual(self.changes(
            "INSERT INTO people (name) VALUES ('Ann'), ('Bob')",
            'INSERT INTO people (id) VALUES (NULL)'), ([], [1, 2, 3]))

    def test_what_is_rolled_back(self):
        self.assertEqual(self.changes(
            'BEGIN', "INSERT INTO people (name) VALUES ('Ann')",
            'SAVEPOINT a', "INSERT INTO people (name) VALUES ('Bob')",
            'ROLLBACK TO a', 'COMMIT'), ([], [1]))
        self.assertEqual(self.changes(
            'BEGIN', 'DELETE FROM people', 'ROLLBACK'), ([], []))

    def test_a_transaction_that_began_before_an_answer(self):
        self.run_sql('PRAGMA journal_mode = WAL', 'BEGIN IMMEDIATE',
                     "INSERT INTO people (name) VALUES ('Ann')")
        other = self.followers.join()
        self.followers.sync()
        self.assertEqual(self.changes('COMMIT'), ([], [1]))
        self.assertEqual(other.items, self.replica.items)

    def test_keys_that_change(self):
        self.run_sql("INSERT INTO people (id, name) VALUES (2, 'Ann')")
        self.followers.sync()
        for column, old, new in [
                ('id', 2, 7), ('rowid', 7, 8), ('_rowid_', 8, 9)]:
            self.assertEqual(self.changes(
                f'UPDATE people SET {column} = {new} WHERE id = {old}'),
                ([old], [new]))

    def test_updates_that_are_ignored(self):
        self.run_sql("INSERT INTO people (id, name) VALUES "
                     "(1, 'Ann'), (2, 'Bob'), (3, 'Cid')")
        self.followers.sync()
        self.assertEqual(self.changes(
            "UPDATE OR IGNORE people SET name = 'Ann', age = 5 WHERE id > 1",
            "INSERT OR IGNORE INTO people (name) VALUES ('Ann')"), ([], [1]))
        removed, added = self.changes(
            "UPDATE OR IGNORE people SET age = 5 WHERE id = 2")
        self.assertEqual((removed, added), ([], [2]))

    def test_what_fails_in_the_middle(self):
        self.run_sql("INSERT INTO people (id, name) VALUES "
                     "(1, 'Ann'), (2, 'Bob'), (3, 'Cid')")
        self.followers.sync()
        with self.assertRaises(sqlite3.IntegrityError):
            self.run_sql("UPDATE OR FAIL people SET name = "
                         "CASE id WHEN 1 THEN 'Dan' ELSE 'Cid' END")
        self.changes()
        self.assertEqual(
            self.replica.items['people'][1]['name'], 'Dan')

    def displacements(self):
        self.run_sql("INSERT INTO people (id, name, code) VALUES "
                     "(1, 'Ann', 'a'), (2, 'Bob', 'b'), (3, 'Cid', 'c')")
        self.followers.sync()
        self.assertEqual(self.changes(
            "INSERT OR REPLACE INTO people (id, name) VALUES (4, 'Ann')"),
            ([1], [4]))
        self.assertEqual(self.changes(
            "REPLACE INTO people (id, name) VALUES (2, 'Cid')"), ([3], [2]))
        self.assertEqual(self.changes(
            "UPDATE OR REPLACE people SET name = 'Ann' WHERE id = 2"),
            ([4], [2]))
        self.assertEqual(self.changes(
            "INSERT INTO people (id, name) VALUES (5, 'Ann') "
            "ON CONFLICT (name) DO UPDATE SET age = 6"), ([], [2]))
        self.run_sql('INSERT INTO people (id) VALUES (6)')
        self.assertEqual(self.changes(
            'UPDATE OR REPLACE people SET rowid = 6 WHERE id = 2'), ([2], [6]))

    def test_what_replace_displaces(self):
        self.displacements()

    def test_what_replace_displaces_with_recursive_triggers(self):
        self.run_sql('PRAGMA recursive_triggers = ON')
        self.displacements()


class DefaultsTests(Base):

    schema = """CREATE TABLE people (
        id INTEGER PRIMARY KEY, code TEXT NOT NULL DEFAULT 'none' UNIQUE,
        half INT UNIQUE GENERATED ALWAYS AS (id / 2));"""

    def test_replace_puts_the_default(self):
        self.run_sql('INSERT INTO people (id) VALUES (1)')
        self.followers.sync()
        self.assertEqual(self.changes(
            'REPLACE INTO people (id, code) VALUES (9, NULL)'), ([1], [9]))

    def test_generated_columns(self):
        self.run_sql("INSERT INTO people (id, code) VALUES (2, 'b')")
        self.followers.sync()
        self.assertEqual(self.changes(
            "REPLACE INTO people (id, code) VALUES (3, 'c')"), ([2], [3]))
        self.run_sql("INSERT INTO people (id, code) VALUES (4, 'd')")
        self.followers.sync()
        self.assertEqual(self.changes(
            "UPDATE OR REPLACE people SET id = 5 WHERE id = 3"), ([3, 4], [5]))


class CollationTests(Base):

    schema = """CREATE TABLE people (
        name TEXT COLLATE NOCASE, number INT, age INT,
        PRIMARY KEY (name, number)) WITHOUT ROWID;"""

    def test_keys_that_differ_for_clients_only(self):
        self.run_sql("INSERT INTO people VALUES ('a', 1, 2)")
        self.followers.sync()
        self.assertEqual(self.changes(
            "UPDATE people SET name = 'A'"), ([('a', 1)], [('A', 1)]))
        self.assertEqual(self.changes(
            "REPLACE INTO people VALUES ('a', 1, 2)"),
            ([('A', 1)], [('a', 1)]))
        self.assertEqual(self.changes(
            'UPDATE people SET number = 7'), ([('a', 1)], [('a', 7)]))


class FamilyTests(Base):

    schema = """
        CREATE TABLE parents (id INTEGER PRIMARY KEY);
        CREATE TABLE children (
            id INTEGER PRIMARY KEY, number INT UNIQUE,
            parent REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE);
        INSERT INTO parents VALUES (1);
        INSERT INTO children VALUES (1, 1, 1), (2, 2, 1), (3, 3, NULL);"""
    names = 'children', 'parents'

    def setUp(self):
        super().setUp()
        self.run_sql('PRAGMA foreign_keys = ON')

    def test_cascades(self):
        self.assertEqual(
            self.changes('UPDATE parents SET id = 5'), ([], [1, 2]))
        self.assertEqual(self.changes('DELETE FROM parents'), ([1, 2], []))
        self.assertEqual(self.replica.items['parents'], {})

    def test_two_rows_swap_a_unique_value(self):
        self.assertEqual(self.changes(
            'BEGIN', 'UPDATE children SET number = -1 WHERE id = 1',
            'UPDATE children SET number = 1 WHERE id = 2',
            'UPDATE children SET number = 2 WHERE id = 1', 'COMMIT'),
            ([], [1, 2]))


class KindsTests(Base):
    """Tables of all kinds."""

    schema = """
        CREATE TABLE strict (id TEXT PRIMARY KEY NOT NULL, n INT) STRICT;
        CREATE TABLE bare (a, b UNIQUE);
        CREATE TABLE "odd ""name'" ("odd ""key'" PRIMARY KEY, "select");
        INSERT INTO bare VALUES (1, 2);"""
    names = 'bare', 'strict', "odd \"name'"
    add_key = True

    def test_strict(self):
        self.run_sql("INSERT INTO strict VALUES ('a', 1)")
        self.followers.sync()
        self.assertEqual(
            self.replica.items['strict'], {'a': {'id': 'a', 'n': 1}})

    def test_odd_names(self):
        self.run_sql("""INSERT INTO "odd ""name'" VALUES (1, 2)""",
                     """UPDATE "odd ""name'" SET "odd ""key'" = 3""")
        self.followers.sync()
        self.assertEqual(self.replica.items["odd \"name'"], {
            3: {"odd \"key'": 3, 'select': 2}})

    def test_a_key_that_is_added(self):
        [(key, row)] = self.replica.items['bare'].items()
        self.assertEqual(row, {'a': 1, 'b': 2, 'gset_key': key})
        removed, added = self.changes(
            'INSERT OR REPLACE INTO bare (a, b) VALUES (3, 2)')
        self.assertEqual(removed, [key])
        self.assertEqual(
            self.replica.items['bare'][added[0]]['a'], 3)
        self.assertRegex(
            added[0], '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-'
            '[0-9a-f]{12}$')

    def test_keys_that_become_null(self):
        """They can't be ids, so such a row isn't there for clients."""
        self.names = "odd \"name'",
        self.run_sql("""INSERT INTO "odd ""name'" VALUES (1, 2)""")
        self.followers.sync()
        self.assertEqual(self.changes(
            """UPDATE "odd ""name'" SET "odd ""key'" = NULL"""), ([1], []))
        with self.source.snapshot() as snapshot:
            self.assertEqual(snapshot.length(None, self.names), 0)


class UntrackableTests(unittest.TestCase):

    layer = Databases

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def refused(self, script, text, name='t'):
        tables.make('data.db', f'DROP TABLE IF EXISTS t; {script}')
        database = SQLiteDatabase('data.db')
        self.addCleanup(database.close)
        [table] = [each for each in database.tables() if each.name == name]
        with self.assertRaisesRegex(Untrackable, text):
            database.plan_tracking([table])

    def test_what_can_not_be_tracked(self):
        for script, text in [
                ('CREATE TABLE t (a)', 'table t: expected a primary key'),
                ('CREATE TABLE t (a TEXT PRIMARY KEY);'
                 'INSERT INTO t VALUES (NULL)', 'table t, column a: .* NULL'),
                ('CREATE TABLE t (a REAL PRIMARY KEY);'
                 'INSERT INTO t VALUES (9e999)', 'column a: .* finite'),
                ('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);'
                 'CREATE UNIQUE INDEX i ON t (lower(b))',
                 'table t, unique index i: .* expression'),
                ('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);'
                 'CREATE UNIQUE INDEX i ON t (b COLLATE NOCASE)',
                 'table t, unique index i: .* BINARY of the column b, got '
                 'NOCASE'),
                ('CREATE TABLE t (a TEXT COLLATE NOCASE, '
                 'PRIMARY KEY (a COLLATE BINARY))', 'collation NOCASE'),
                ('CREATE TABLE t (a INTEGER PRIMARY KEY, b);'
                 'CREATE UNIQUE INDEX i ON t (b) WHERE b > 1',
                 'table t, unique index i: .* partial')]:
            with self.subTest(script=script):
                self.refused(script, text)

    def test_virtual_tables(self):
        tables.make('data.db', 'CREATE VIRTUAL TABLE t USING fts5(a)')
        database = SQLiteDatabase('data.db')
        self.addCleanup(database.close)
        self.assertEqual(database.tables(), [])
