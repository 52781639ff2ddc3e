"""Tables of SQLite, as stores."""

import datetime
import sqlite3
import unittest
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock
from uuid import UUID

from zc.generationalset.merging import ABSENT
from zc.generationalset.sql import open_database
from zc.generationalset.sql.sqlite import queue
from zc.generationalset.sync import (
    Data,
    Gone,
    Refused,
    Replaced,
    Type,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.configuration import Configuration, Mistake
from zc.generationalset.sync.stores.sql import SQLStore
from zc.generationalset.sync.testing import StoreTests, sample
from zc.generationalset.tests.support.stored import TYPE

TABLE = '''
    CREATE TABLE issues (
        id TEXT PRIMARY KEY, title TEXT UNIQUE, text VARCHAR, number INTEGER,
        price NUMERIC, done BOOLEAN, day DATE, at TIMESTAMP, state TEXT,
        labels JSON, more TEXT, owner TEXT DEFAULT 'nobody')'''


class InSQLite(StoreTests):
    """A mixin: ``self.tell`` executes a statement."""

    type = TYPE
    table = TABLE
    is_tracked = False

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, 'issues.db')
        super().setUp()

    def make_store(self):
        self.tell(self.table)
        if self.is_tracked:
            self.track()
        return SQLStore('sql', f'sqlite:///{self.file}', {
            self.type: ('issues', {})})

    def tell(self, statement, *values):
        with closing(sqlite3.connect(self.file)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def track(self):
        with closing(open_database(f'sqlite:///{self.file}')) as database:
            database.execute(database.plan_tracking(database.tables()))


class UntrackedTests(InSQLite, unittest.TestCase):

    test_deltas = None  # it lists none

    def test_it_is_tracked_later(self):
        self.add()
        identity = self.store.identity()
        self.assertFalse(self.accessor.capabilities.deltas)
        self.store.close()
        self.track()
        store = SQLStore('sql', f'sqlite:///{self.file}', {
            self.type: ('issues', {})})
        self.addCleanup(store.close)
        self.assertTrue(store.accessors['issue'].capabilities.deltas)
        self.assertNotEqual(store.identity(), identity)

    def test_undeclared_columns_stay(self):
        data = self.add()
        self.assertEqual(self.tell('SELECT owner FROM issues'), [('nobody',)])
        self.tell("UPDATE issues SET owner = 'ann'")
        self.accessor.update(data.id, {'number': 8}, data.token)
        self.assertEqual(self.tell('SELECT owner, number FROM issues'),
                         [('ann', 8)])

    def test_what_a_table_has(self):
        self.accessor.add(Data('issue', None, {
            'title': 'x', 'price': Decimal('2.50'), 'done': True,
            'day': datetime.date(2026, 1, 2), 'labels': frozenset('ab'),
            'more': {'a': 1}, 'at': datetime.datetime(
                2026, 1, 2, tzinfo=datetime.timezone.utc)}), 'key')
        self.assertEqual(self.tell(
            'SELECT id, price, done, day, at, labels, more, number '
            'FROM issues'), [
            ('key', 2.5, 1, '2026-01-02', '2026-01-02T00:00:00+00:00',
             '["a","b"]', '{"a": 1}', None)])
        self.tell("UPDATE issues SET price = 3, at = '2026-01-02 03:04:05'")
        fields = self.accessor.get('key').fields
        self.assertEqual((fields['price'], fields['at']), (
            3, datetime.datetime(2026, 1, 2, 3, 4, 5)))
        self.assertNotIn('number', fields)

    def test_what_a_column_can_not_have(self):
        data = self.add()
        for field, value in ('price', Decimal('0.1234567890123456789')), (
                'number', 2 ** 70), ('text', '\ud800'):
            with self.assertRaises(Refused):
                self.accessor.update(data.id, {field: value}, data.token)
        self.assertEqual(self.accessor.get(data.id), data)

    def test_bytes(self):
        self.tell('CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT, '
                  'content BLOB, copy TEXT)')
        store = SQLStore('sql', f'sqlite:///{self.file}', {Type('file', {
            'name': 'str', 'content': 'bytes', 'copy': 'bytes'}, [
                'name']): ('files', {})})
        self.addCleanup(store.close)
        fields = {'name': 'x', 'content': b'\0', 'copy': b'\0'}
        data = store.accessors['file'].add(Data('file', None, fields), '')
        self.assertEqual(dict(data.fields), fields)
        self.assertEqual(self.tell('SELECT content, copy FROM files'),
                         [(b'\0', 'AA==')])

    def test_a_unique_value(self):
        data, other = self.add(), self.add(1)
        title = {'title': data.fields['title']}
        with self.assertRaisesRegex(Refused, 'issues.title'):
            self.accessor.update(other.id, title, other.token)
        with self.assertRaisesRegex(Refused, 'issues.title'):
            self.accessor.add(Data('issue', None, title), 'new')
        self.accessor.remove(data.id, data.token)
        self.accessor.update(other.id, title, other.token)

    def test_a_row_that_others_refer_to(self):
        data = self.add()
        self.tell('CREATE TABLE notes (id PRIMARY KEY, '
                  'issue TEXT REFERENCES issues (id))')
        self.tell('INSERT INTO notes VALUES (1, ?)', data.id)
        self.assertRaises(Refused, self.accessor.remove, data.id, data.token)
        self.tell('DELETE FROM notes')
        self.accessor.remove(data.id, data.token)

    def test_a_trigger_that_rewrites(self):
        self.tell('CREATE TRIGGER short AFTER UPDATE ON issues '
                  'WHEN length(NEW.text) > 3 BEGIN UPDATE issues '
                  'SET text = substr(NEW.text, 1, 3) WHERE id = NEW.id; END')
        data = self.add()
        answer = self.accessor.update(data.id, {'text': 'abcdef'}, data.token)
        self.assertEqual(answer.fields['text'], 'abc')

    def test_rows_that_can_not_be_read(self):
        self.tell("INSERT INTO issues (id, title) VALUES (x'00', 'blob')")
        self.tell('INSERT INTO issues (id, title) '
                  "VALUES ('x', CAST(x'ff' AS TEXT))")
        found = {each.id: type(each) for each in self.find()[1]}
        self.assertEqual(found, {"b'\\x00'": Unreadable, 'x': Unreadable})

    def test_tables_that_can_not_be(self):
        for table, message in [
                ('CREATE TABLE issues (title TEXT)', 'got 0'),
                ('CREATE TABLE issues (a, b, title, PRIMARY KEY (a, b))',
                 'got 2'),
                ('CREATE TABLE issues (id PRIMARY KEY, name)',
                 'expected a column title'),
                ('CREATE TABLE issues (title TEXT PRIMARY KEY)',
                 'expected a column title beside'),
                ('CREATE TABLE other (id PRIMARY KEY)', 'there are other')]:
            self.tell('DROP TABLE IF EXISTS issues')
            self.tell(table)
            for call in (self.accessor.count, lambda: self.accessor.get('1'),
                         lambda: list(self.accessor.find())):
                with self.assertRaisesRegex(Unavailable, message):
                    call()

    def test_a_file_that_is_not_there(self):
        self.store.close()
        self.file.rename(self.file.with_suffix('.away'))
        for call in self.store.identity, self.accessor.count:
            self.assertRaises(Unavailable, call)
        self.file.with_suffix('.away').rename(self.file)

    def test_a_lock(self):
        data = self.add()
        with closing(sqlite3.connect(self.file)) as connection, \
                mock.patch('zc.generationalset.sql.sqlite'
                                    '.connections.PATIENCE', 0.01):
            self.store.close()
            connection.execute('BEGIN IMMEDIATE')
            self.assertRaises(Unavailable, self.accessor.update,
                              data.id, {'number': 7}, data.token)
            connection.rollback()
        self.accessor.update(data.id, {'number': 7}, data.token)


class TrackedTests(InSQLite, unittest.TestCase):

    is_tracked = True

    def test_another_epoch(self):
        cursor, identity = self.find()[0].cursor, self.store.identity()
        self.tell("UPDATE gset_state SET epoch = 'other'")
        self.assertNotEqual(self.store.identity(), identity)
        self.assertRaises(Replaced, self.accessor.find, cursor)

    def test_a_generation_that_fell(self):
        epoch, _, generation = self.find()[0].cursor.rpartition(':')
        self.assertRaises(Replaced, self.accessor.find,
                          f'{epoch}:{int(generation) + 1}')

    def test_changes_that_are_forgotten(self):
        data = self.add()
        cursor = self.find()[0].cursor
        self.tell('UPDATE gset_tables SET floor = '
                  '(SELECT max(seq) + 1 FROM gset_queue)')
        self.accessor.update(data.id, {'number': 7}, None)
        changes, listed = self.find(cursor)
        self.assertEqual((changes.snapshot, len(listed)), (True, 1))

    def test_notes_are_tidied_up(self):
        with mock.patch.object(queue, 'PACE', 10), \
                mock.patch.object(queue, 'MOST', 1):
            data = self.add()
            for number in range(20):
                data = self.accessor.update(
                    data.id, {'number': number}, data.token)
            self.find()
        [[notes]] = self.tell('SELECT count(*) FROM gset_queue')
        self.assertLess(notes, 10)

    def test_rows_of_others(self):
        cursor = self.find()[0].cursor
        self.tell("INSERT INTO issues (id, title) VALUES ('1', 'x')")
        changes, [data] = self.find(cursor)
        self.assertEqual(dict(data.fields), {'title': 'x'})
        self.tell('DELETE FROM issues')
        [gone] = self.find(changes.cursor)[1]
        self.assertEqual((type(gone), gone.id), (Gone, '1'))


class NumberedTests(InSQLite, unittest.TestCase):
    """The database makes the ids."""

    is_tracked = True
    table = TABLE.replace('id TEXT', 'id INTEGER')
    test_repeated_additions = None  # they aren't

    def test_ids(self):
        self.assertFalse(self.accessor.capabilities.repeatable)
        self.assertEqual([self.add().id for _ in range(2)], [1, 2])
        self.assertRaises(Gone, self.accessor.get, '1')
        self.assertRaises(Gone, self.accessor.get, 2 ** 70)

    def test_a_key_that_nobody_makes(self):
        self.tell('CREATE TABLE other (id INT PRIMARY KEY, title TEXT)')
        store = SQLStore('sql', f'sqlite:///{self.file}', {
            Type('issue', {'title': 'str'}, ['title']): ('other', {})})
        self.addCleanup(store.close)
        with self.assertRaisesRegex(Refused, 'expected a value'):
            store.accessors['issue'].add(
                Data('issue', None, {'title': 'x'}), 'key')
        self.assertEqual(self.tell('SELECT * FROM other'), [])


class UUIDTests(InSQLite, unittest.TestCase):
    """SQLite has UUIDs as text, which the database makes here."""

    table = TABLE.replace('id TEXT', 'id uuid')
    test_deltas = test_repeated_additions = test_texts = test_clearing = None

    def test_ids(self):
        id = self.add().id
        self.assertEqual(str(UUID(id)), id)
        self.assertEqual(self.accessor.get(id).id, id)


class TextTests(InSQLite, unittest.TestCase):
    """All columns are text, and one has another name."""

    is_tracked = True
    table = 'CREATE TABLE issues (id TEXT PRIMARY KEY, {})'.format(', '.join(
        f'{field} TEXT' for field in TYPE.fields).replace('state', 'status'))

    def make_store(self):
        super().make_store().close()
        return SQLStore('sql', f'sqlite:///{self.file}', {
            self.type: ('issues', {'state': 'status'})})

    def test_texts_in_the_table(self):
        self.accessor.add(Data('issue', None, sample(TYPE, 0)), 'key')
        self.assertEqual(self.tell(
            'SELECT price, done, number, at, status FROM issues'), [
            ('1.5', 'true', '1', '2026-01-02T03:04:05+00:00', 'open')])
        self.accessor.update('key', {'state': ABSENT}, None)
        self.assertEqual(self.tell('SELECT status FROM issues'), [(None,)])


CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {title = "str", state = "str"}
[stores.table]
kind = "sql"
url = "sqlite:///issues.db"
[stores.table.issue]
table = "issues"
map = {state = "status"}
'''


class ConfigurationTests(unittest.TestCase):

    def test_a_file(self):
        folder = TemporaryDirectory(prefix='a?%20#')
        self.addCleanup(folder.cleanup)
        with closing(sqlite3.connect(
                Path(folder.name, 'issues.db'))) as connection, connection:
            connection.execute('CREATE TABLE issues (id INTEGER PRIMARY KEY, '
                               'title TEXT, status TEXT)')
            connection.execute("INSERT INTO issues VALUES (1, 'x', 'open')")
        file = Path(folder.name, 'sync.toml')
        file.write_text(CONFIGURATION)
        [store] = Configuration(file).stores()
        with closing(store):
            self.assertEqual(dict(store.accessors['issue'].get(1).fields),
                             {'title': 'x', 'state': 'open'})
            self.assertIn('issues.db', store.identity())
            self.assertIn('#', store.identity())
        for old, new, message in [
                ('sqlite:', 'oracle:', ':7: stores.table: url: expected sql'),
                ('issues.db', 'a?b', ':7: stores.table: url: .*%3F'),
                ('table = "issues"\n', '', ':8: .*: issue.table: expected'),
                ('state = "status"', 'status = "state"', ':10: .*issue.map')]:
            file.write_text(CONFIGURATION.replace(old, new))
            with self.assertRaisesRegex(Mistake, message):
                Configuration(file)

    def test_passwords_stay_secret(self):
        store = SQLStore(
            'sql', 'postgresql://ann:hush@127.0.0.1:1/x?password=hush',
            {TYPE: ('issues', {})})
        with self.assertRaises(Unavailable) as caught:
            store.identity()
        self.assertNotIn('hush', str(caught.exception))
