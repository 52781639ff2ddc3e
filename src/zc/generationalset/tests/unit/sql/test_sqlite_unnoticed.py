"""What triggers can't see is found out, and clients are told."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
import unittest
from contextlib import closing
from unittest import mock

from zope.testing import setupstack

from zc.generationalset.sources import Unavailable
from zc.generationalset.sql.source import SQLSource
from zc.generationalset.sql.sqlite import SQLiteDatabase, history
from zc.generationalset.sql.sqlite.connections import Identity
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.unit.sql.test_sqlite_tracking import Base

ROWS = "INSERT INTO people (id, name) VALUES (1, 'Ann'), (2, 'Bob')"


class SchemaTests(Base):

    names = 'people', 'others'
    schema = Base.schema + """
        CREATE TABLE others (id INTEGER PRIMARY KEY);
        INSERT INTO others VALUES (1);"""

    def setUp(self):
        super().setUp()
        self.run_sql(ROWS)
        self.followers.sync()

    def starts_over(self, *statements):
        """Expect the contents of the table, and of no other."""
        self.run_sql(*statements)
        generation = self.replica.generation
        [updates] = self.followers.sync()['adds']
        self.assertEqual(updates['id'], 'people')
        self.assertIn('contents', updates)
        self.assertGreater(self.replica.generation, generation)
        # From now on, everything is noted again.
        self.assertEqual(
            self.changes('DELETE FROM people WHERE id = 1'), ([1], []))

    def test_columns_that_are_added(self):
        self.starts_over("ALTER TABLE people ADD COLUMN more DEFAULT 'x'")
        self.assertEqual(self.replica.items['people'][2]['more'], 'x')

    def test_columns_that_are_renamed(self):
        self.starts_over('ALTER TABLE people RENAME COLUMN name TO called')
        self.assertEqual(self.replica.items['people'][2]['called'], 'Bob')

    def test_columns_that_are_dropped(self):
        self.starts_over('ALTER TABLE people DROP COLUMN age')
        self.assertNotIn('age', self.replica.items['people'][2])

    def test_a_trigger_that_is_dropped(self):
        self.starts_over('DROP TRIGGER gset_people_update',
                         'UPDATE people SET age = 5')

    def test_a_trigger_that_is_dropped_and_made_again(self):
        for name in 'update', 'delete', 'insert':
            with self.subTest(name=name):
                self.run_sql(ROWS.replace('INSERT', 'REPLACE'))
                self.followers.sync()
                [(statement,)] = self.connection.execute(
                    'SELECT sql FROM sqlite_schema WHERE name = ?',
                    (f'gset_people_{name}',))
                self.starts_over(
                    f'DROP TRIGGER gset_people_{name}',
                    'UPDATE people SET age = 5', statement)

    def test_all_triggers_that_are_dropped_and_made_again(self):
        made = [statement for statement, in self.connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name LIKE 'gset_people%'")]
        dropped = [f'DROP TRIGGER {name}' for name, in self.connection.execute(
            "SELECT name FROM sqlite_schema WHERE name LIKE 'gset_people%'")]
        self.starts_over(*dropped, 'UPDATE people SET age = 5', *made)

    def test_the_procedure_for_other_changes_of_tables(self):
        """Triggers are made anew, as SQLite's manual says."""
        for keeps_triggers in False, True:
            with self.subTest(keeps_triggers=keeps_triggers):
                self.run_sql(ROWS.replace('INSERT', 'REPLACE'))
                self.followers.sync()
                made = [statement for statement, in self.connection.execute(
                    'SELECT sql FROM sqlite_schema WHERE type = \'trigger\' '
                    "AND tbl_name = 'people'")] if keeps_triggers else []
                [(table,)] = self.connection.execute(
                    "SELECT sql FROM sqlite_schema WHERE name = 'people'")
                self.starts_over(
                    'BEGIN', table.replace('people', 'fresh', 1),
                    "INSERT INTO fresh SELECT id, name || '!', age, code "
                    'FROM people', 'DROP TABLE people',
                    'ALTER TABLE fresh RENAME TO people', *made, 'COMMIT')

    def test_a_unique_index_that_is_made(self):
        self.run_sql('CREATE UNIQUE INDEX ages ON people (age)',
                     'INSERT INTO people (id, age) VALUES (3, 5)',
                     'REPLACE INTO people (id, age) VALUES (4, 5)')
        self.starts_over()
        self.assertEqual(self.changes(
            'REPLACE INTO people (id, age) VALUES (5, 5)'), ([4], [5]))

    def test_what_is_no_change_of_a_table(self):
        for statement in [
                'CREATE TABLE more (id INTEGER PRIMARY KEY)',
                'CREATE INDEX names ON people (name, age)', 'ANALYZE',
                'CREATE TRIGGER own AFTER INSERT ON people BEGIN SELECT 1; '
                'END']:
            self.assertEqual(self.changes(statement), ([], []))

    def test_vacuum(self):
        self.run_sql('DROP TABLE others', 'VACUUM')
        self.run_sql('CREATE TABLE others (id INTEGER PRIMARY KEY)')
        self.followers.sync()
        self.assertEqual(
            self.changes('DELETE FROM people WHERE id = 1'), ([1], []))

    def test_a_table_that_is_dropped(self):
        self.run_sql('ALTER TABLE people RENAME TO former')
        with self.assertRaisesRegex(Unavailable, 'table people, .* nothing'):
            self.followers.sync()
        self.starts_over('ALTER TABLE former RENAME TO people')

    def test_a_table_that_loses_its_key(self):
        self.run_sql('DROP TABLE people', 'CREATE TABLE people (id, name)')
        with self.assertRaisesRegex(Unavailable, 'a primary key'):
            self.followers.sync()

    def test_changes_while_nothing_of_ours_runs(self):
        self.run_sql('UPDATE people SET age = 1')
        self.database = SQLiteDatabase('data.db')
        self.addCleanup(self.database.close)
        self.followers._source = SQLSource(self.database, self.names)
        self.assertEqual(self.changes(), ([], [1, 2]))
        self.run_sql('DROP TRIGGER gset_people_update',
                     'UPDATE people SET age = 2')
        self.database = SQLiteDatabase('data.db')
        self.addCleanup(self.database.close)
        self.followers._source = SQLSource(self.database, self.names)
        self.starts_over()


class FilesTests(Base):
    """Copies and backups."""

    def setUp(self):
        super().setUp()
        self.run_sql(ROWS)
        self.followers.sync()

    def reopen(self):
        self.connection.close()
        self.database.close()
        self.database = SQLiteDatabase('data.db')
        self.addCleanup(self.database.close)
        self.followers._source = SQLSource(self.database, self.names)
        self.connection = self.connect()

    def resets(self):
        epoch = self.replica.epoch
        self.assertEqual(self.followers.sync()['reset'], 'epoch')
        self.assertNotEqual(self.replica.epoch, epoch)
        self.assertNotIn('reset', self.followers.sync())

    def test_a_process_that_starts_again(self):
        self.reopen()
        self.assertEqual(self.changes(), ([], []))

    def restore(self):
        """Put a backup into the same file, which keeps its number."""
        shutil.copyfile('backup.db', 'data.db')

    def test_a_backup(self):
        shutil.copyfile('data.db', 'backup.db')
        self.run_sql('UPDATE people SET age = 5')
        self.followers.sync()
        self.restore()
        self.reopen()
        self.resets()

    def test_a_backup_that_has_overtaken(self):
        shutil.copyfile('data.db', 'backup.db')
        self.run_sql('UPDATE people SET age = 5')
        self.followers.sync()
        self.restore()
        self.connection = self.connect()
        self.run_sql(*['UPDATE people SET age = 6'] * 5)
        self.reopen()
        self.resets()

    def test_a_backup_that_lacks_nothing_that_clients_have(self):
        self.run_sql('UPDATE people SET age = 5')
        self.followers.sync()
        shutil.copyfile('data.db', 'backup.db')
        self.run_sql('UPDATE people SET age = 6')
        self.restore()
        self.reopen()
        self.assertEqual(self.changes(), ([], []))

    def test_a_file_that_takes_the_place(self):
        shutil.copyfile('data.db', 'other.db')
        with closing(sqlite3.connect('other.db')) as other:
            other.execute('UPDATE people SET age = 7')
            other.commit()
        os.replace('other.db', 'data.db')
        self.resets()

    def test_a_copy_with_all_its_files(self):
        os.mkdir('copy')
        for name in os.listdir():
            if name.startswith('data.db'):
                shutil.copyfile(name, f'copy/{name}')
        database = SQLiteDatabase('copy/data.db')
        self.addCleanup(database.close)
        self.followers._source = SQLSource(database, self.names)
        self.resets()

    def test_a_dump(self):
        lines = list(self.connection.iterdump())
        self.run_sql('UPDATE people SET age = 5')
        self.followers.sync()
        self.connection.close()
        os.remove('data.db')
        tables.make('data.db', '\n'.join(lines))
        self.reopen()
        self.resets()

    def test_a_file_beside_it_that_can_not_be_written(self):
        os.remove('data.db-gset')
        os.mkdir('data.db-gset')
        with self.assertRaisesRegex(
                Unavailable, '^can not write data.db-gset: '):
            self.followers.sync()

    def test_a_file_beside_it_that_is_lost(self):
        os.remove('data.db-gset')
        self.resets()
        with open('data.db-gset', 'w') as file:
            file.write('something else')
        self.resets()

    def test_a_queue_that_is_emptied(self):
        self.run_sql('DELETE FROM gset_queue')
        self.resets()
        self.run_sql('DELETE FROM gset_queue',
                     ROWS.replace('INSERT', 'REPLACE'))
        self.resets()
        self.assertEqual(
            self.changes('DELETE FROM people WHERE id = 1'), ([1], []))

    def test_tracking_that_ends(self):
        self.database.execute(self.database.plan_untracking())
        with self.assertRaisesRegex(Unavailable, 'gset track'):
            self.followers.sync()
        tables.track(self.database, *self.names)
        self.resets()


class ProcessesTests(unittest.TestCase):

    def test_a_moment_is_handed_out_by_one_process_at_a_time(self):
        """Else an older one could take the place of a newer one."""
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        first, second = [history.Moment(Identity(1, 2), number, number)
                         for number in (5, 6)]
        ours, write = history.History('data.db'), history._write

        def other_process():
            with open('data.db-gset', 'rb') as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

        def written(file, moment):
            self.assertRaises(BlockingIOError, other_process)
            write(file, moment)
            inherited = os.dup(file.fileno())  # as by a child of a fork
            self.addCleanup(os.close, inherited)

        with mock.patch.object(history, '_write', written):
            ours.begin(first)
            ours.hand_out(second)
        other_process()
        ours.hand_out(first)
        self.assertEqual(ours.last(), second)


class UntrackingTests(unittest.TestCase):

    layer = Databases

    def test_nothing_is_left(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, 'data.db')
            tables.make(path, Base.schema + ROWS + """;
                CREATE TABLE bare (a, b UNIQUE);
                INSERT INTO bare VALUES (1, 2);
                CREATE TABLE pairs (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
                CREATE TRIGGER own AFTER INSERT ON people
                    BEGIN SELECT 1; END;""")
            before = self.dump(path)
            database = SQLiteDatabase(path)
            plan = database.plan_tracking(database.tables(), add_key=True)
            database.execute(plan)
            self.assertEqual(
                database.plan_tracking(database.tables()).statements, ())
            with database.reading():
                pass
            self.assertNotEqual(self.dump(path), before)
            database.execute(database.plan_untracking())
            self.assertEqual(self.dump(path), before)
            self.assertEqual(database.plan_untracking().statements, ())
            database.close()
            self.assertEqual(os.listdir(directory), ['data.db'])

    def dump(self, path):
        with closing(sqlite3.connect(path)) as connection:
            return list(connection.iterdump())
