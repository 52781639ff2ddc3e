"""Tables of PostgreSQL, as stores."""

import datetime
import unittest
from contextlib import closing
from decimal import Decimal
from unittest import mock
from uuid import UUID

import psycopg

from zc.generationalset.sql import open_database
from zc.generationalset.sync import (
    Data,
    Gone,
    Refused,
    Replaced,
    Stale,
)
from zc.generationalset.sync.stores.sql import SQLStore
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.stored import TYPE

TABLE = '''
    CREATE TYPE state AS ENUM ('open', 'done');
    CREATE TABLE issues (
        id uuid PRIMARY KEY, title text UNIQUE, text varchar, number bigint,
        price numeric(12, 2), done boolean, day date, at timestamptz,
        state state, labels text[], more jsonb,
        owner text NOT NULL DEFAULT 'nobody')'''


class InPostgreSQL(StoreTests):
    """A mixin: ``self.tell`` executes a statement."""

    layer = DATABASES
    type = TYPE
    table = TABLE
    is_tracked = True

    def make_store(self):
        self.dsn = DATABASES.lend(self)
        self.tell(self.table)
        if self.is_tracked:
            with closing(open_database(self.connect)) as database:
                database.execute(database.plan_tracking(database.tables()))
        return SQLStore('sql', self.connect, {TYPE: ('issues', {})})

    def connect(self):
        return psycopg.connect(self.dsn)

    def tell(self, statement, *values):
        with closing(self.connect()) as connection, connection:
            found = connection.execute(statement, values or None)
            return found.fetchall() if found.description else None


class TrackedTests(InPostgreSQL, unittest.TestCase):

    def test_what_a_table_has(self):
        data = self.accessor.add(Data('issue', None, {
            'title': 'x', 'price': Decimal('2.5'), 'done': True,
            'day': datetime.date(2026, 1, 2), 'labels': frozenset('ab'),
            'more': {'a': [1, None]}, 'state': 'open'}), 'key')
        self.assertEqual(data.id, str(UUID(data.id)))
        self.assertEqual(self.tell(
            'SELECT id, price, done, day, labels, more, state, number, owner '
            'FROM issues'), [
            (UUID(data.id), Decimal('2.50'), True, datetime.date(2026, 1, 2),
             ['a', 'b'], {'a': [1, None]}, 'open', None, 'nobody')])
        self.assertRaises(Gone, self.accessor.get, 'x')
        self.assertRaises(Gone, self.accessor.get, 1)

    def test_what_a_column_can_not_have(self):
        data = self.add()
        for field, value in [
                ('price', Decimal('1.234')), ('number', 2 ** 70),
                ('text', 'a\0b'), ('at', datetime.datetime(1, 1, 1)),
                ('labels', frozenset([1])), ('more', {'a': '\0'})]:
            with self.subTest(field=field), self.assertRaises(Refused):
                self.accessor.update(data.id, {field: value}, data.token)
        self.assertEqual(self.accessor.get(data.id), data)

    def test_a_unique_value(self):
        data, other = self.add(), self.add(1)
        title = {'title': data.fields['title']}
        with self.assertRaisesRegex(Refused, 'issues_title_key'):
            self.accessor.update(other.id, title, other.token)
        self.accessor.remove(data.id, data.token)
        self.accessor.update(other.id, title, other.token)

    def test_a_row_that_others_refer_to(self):
        data = self.add()
        self.tell('CREATE TABLE notes (issue uuid REFERENCES issues)')
        self.tell('INSERT INTO notes VALUES (%s)', data.id)
        self.assertRaises(Refused, self.accessor.remove, data.id, data.token)
        self.tell('DROP TABLE notes')

    def test_a_trigger_that_rewrites(self):
        self.tell('''
            CREATE FUNCTION short() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.text = left(NEW.text, 3); RETURN NEW; END $$;
            CREATE TRIGGER short BEFORE INSERT OR UPDATE ON issues
            FOR EACH ROW EXECUTE FUNCTION short()''')
        data = self.accessor.add(Data(
            'issue', None, {'title': 'x', 'text': 'abcdef'}), 'key')
        self.assertEqual(data.fields['text'], 'abc')

    def test_a_writer_that_is_faster(self):
        data = self.add()
        expected = self.accessor._expected

        def late(*arguments):
            found = expected(*arguments)
            self.tell('UPDATE issues SET number = 7 WHERE number <> 7')
            return found

        with mock.patch.object(self.accessor, '_expected', late), \
                self.assertRaises(Stale):
            self.accessor.update(data.id, {'number': 8}, data.token)
        self.assertEqual(self.accessor.get(data.id).fields['number'], 7)

    def test_rows_of_others(self):
        cursor = self.find()[0].cursor
        self.tell("INSERT INTO issues (id, title) VALUES "
                  "('6f1d2c34-0000-4000-8000-000000000001', 'x')")
        changes, [data] = self.find(cursor)
        self.assertEqual(dict(data.fields), {'title': 'x'})
        self.assertEqual(data.id, '6f1d2c34-0000-4000-8000-000000000001')
        self.tell('DELETE FROM issues')
        [gone] = self.find(changes.cursor)[1]
        self.assertEqual((type(gone), gone.id), (Gone, data.id))

    def test_a_table_that_is_emptied(self):
        self.add()
        cursor = self.find()[0].cursor
        self.tell('TRUNCATE issues')
        changes, listed = self.find(cursor)
        self.assertEqual((changes.snapshot, listed), (True, []))

    def test_another_epoch(self):
        cursor, identity = self.find()[0].cursor, self.store.identity()
        self.tell("UPDATE gset.state SET epoch = 'other'")
        self.assertNotEqual(self.store.identity(), identity)
        self.assertRaises(Replaced, self.accessor.find, cursor)


class NumberedTests(InPostgreSQL, unittest.TestCase):
    """The database makes the ids, and the table isn't tracked."""

    table = TABLE.replace(
        'id uuid', 'id bigint GENERATED ALWAYS AS IDENTITY')
    is_tracked = False
    # These are as with a table that is tracked.
    test_deltas = test_repeated_additions = test_texts = test_clearing = None
    test_remove = test_tokens = None

    def test_ids(self):
        self.assertFalse(self.accessor.capabilities.repeatable)
        self.assertFalse(self.accessor.capabilities.deltas)
        self.assertEqual([self.add().id for _ in range(2)], [1, 2])


