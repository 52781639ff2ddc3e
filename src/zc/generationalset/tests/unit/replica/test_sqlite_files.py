"""SQLite files: damaged ones, and who may read them."""

import contextlib
import os
import sqlite3
from pathlib import Path

from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.replica import SQLiteReplica
from zc.generationalset.tests.support.replicas import answer, state
from zc.generationalset.tests.support.sqlite import NAME, Base


class DamagedTests(Base):
    """Damage in a file is an error, and never an endless loop."""

    def setUp(self):
        super().setUp()
        with SQLiteReplica(NAME) as replica:
            replica.apply(answer(0, 3, contents=[SubsetUpdates(
                id='s', contents=[SubsetUpdates(
                    id='t', contents=[('y', 2)])])]))

    def execute(self, *statements):
        with contextlib.closing(sqlite3.connect(NAME)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def test_a_subset_in_itself(self):
        number = "(SELECT subset FROM entry WHERE id = '\"s\"')"
        self.execute(f'UPDATE entry SET parent = {number}, subset = {number} '
                     "WHERE id = '\"t\"'")
        replica = self.open()
        for read in (lambda: replica.items['s']['t'],
                     lambda: list(replica.items['s'].values())):
            with self.assertRaisesRegex(
                    sqlite3.DatabaseError, 'a higher number, got 1: the file'):
                read()
        replica.apply(answer(3, 4, removals=['s']))
        self.assertEqual(state(replica), (4, 'e', {}))

    def test_views_and_triggers(self):
        for statements in [
                ['ALTER TABLE replica RENAME TO other',
                 'CREATE VIEW replica AS SELECT 1 AS generation, '
                 '0 AS epoch, 0 AS last'],
                ['CREATE TRIGGER more AFTER DELETE ON entry BEGIN '
                 'DELETE FROM replica; END'],
                ['DROP INDEX entry_order']]:
            with self.subTest(statements[0]):
                self.setUp()
                self.execute(*statements)
                with self.assertRaisesRegex(ValueError, 'the tables of a'):
                    SQLiteReplica(NAME)
                os.remove(NAME)

    def test_generations_that_can_not_be(self):
        for statement in [
                'DELETE FROM replica',
                'INSERT INTO replica VALUES (1, NULL, 1, NULL)',
                "UPDATE replica SET generation = 'x'",
                "UPDATE replica SET epoch = x'00'",
                "UPDATE replica SET parts = x'00'",
                "UPDATE replica SET parts = '[1]'",
                "UPDATE replica SET parts = '[['",
                'UPDATE replica SET parts = \'[[["a"],"b"]]\'']:
            with self.subTest(statement):
                self.execute('DELETE FROM replica',
                             "INSERT INTO replica VALUES (3, 'e', 3, NULL)",
                             statement)
                with SQLiteReplica(NAME) as replica, \
                        self.assertRaisesRegex(
                            sqlite3.DatabaseError, 'the file is damaged'):
                    _ = replica.generation

    def test_statistics_are_sqlites_own(self):
        self.execute('ANALYZE')
        self.assertEqual(self.open().generation, 3)


class OwnerTests(Base):

    def test_others_can_not_read_it(self):
        replica = self.open()
        replica.apply(answer(0, 3, contents=[('a', 1)]))
        self.assertEqual(
            {oct(path.stat().st_mode & 0o777)
             for path in Path().glob(f'{NAME}*')}, {'0o600'})
