"""Applying rows, for each kind of database, and what only one kind has."""

import unittest
from contextlib import closing, suppress
from datetime import date, datetime, timezone
from decimal import Decimal
from uuid import UUID

from psycopg.conninfo import make_conninfo

from zc.generationalset.sql.errors import DatabaseError, WrongValue
from zc.generationalset.sql.postgresql import PostgreSQLDatabase
from zc.generationalset.sql.postgresql.sure import are_sure
from zc.generationalset.tests.contract.applying import ApplyingContract
from zc.generationalset.tests.contract.databases import (
    PostgreSQLBase,
    SQLiteBase,
)


class SQLiteApplyingTests(SQLiteBase, ApplyingContract, unittest.TestCase):

    def test_triggers_are_as_before(self):
        schema = "SELECT name, sql FROM sqlite_schema ORDER BY name"
        before = self.execute(schema)
        self.apply('people', rows=[self.ann])
        self.assertEqual(self.execute(schema), before)

    def test_foreign_keys_are_enforced_again(self):
        self.apply('people', rows=[self.ann])
        self.track()
        with self.database.writing() as writing:
            [[is_on]] = writing.connection.execute('PRAGMA foreign_keys')
        self.assertEqual(is_on, 1)

    def test_case_of_a_key(self):
        row = {'size': 1.0, 'any': 1}
        self.apply('codes', rows=[{'code': 'a', **row}])
        self.assertEqual(
            self.apply('codes', [('a',)], [{'code': 'A', **row}]),
            [('removed', ('a',)), ('added', ('A',))])
        # It comes again, and is nothing new.
        self.assertEqual(
            self.apply('codes', [('a',)], [{'code': 'A', **row}]), [])
        self.assertEqual(self.rows('codes', 'code, size'), [('A', 1.0)])

    def test_nothing_is_replaced(self):
        self.apply('codes', rows=[{'code': 'a', 'size': 1.0, 'any': 1}])
        for row in [{'code': 'b', 'size': 1.0, 'any': 1},
                    {'code': 'A', 'size': 2.0, 'any': 1},
                    {'code': 'b', 'size': 2.0, 'any': None}]:
            with self.assertRaises(Exception) as caught:
                self.apply('codes', rows=[row])
            self.assertIn('constraint failed', str(caught.exception))

    def test_zeros(self):
        """They are equal, and differ; a column without a type keeps both."""
        self.execute('CREATE TABLE zeros (id INTEGER PRIMARY KEY, zero)')
        for zero in 0.0, -0.0, 0.0:
            self.assertEqual(len(self.apply(
                'zeros', rows=[{'id': 1, 'zero': zero}])), 1)
            self.assertEqual(repr(self.rows('zeros', 'id, zero')),
                             repr([(1, zero)]))

    def test_swap_in_a_partial_index(self):
        self.apply('marks', rows=[{'id': 1, 'hidden': 0, 'mark': 'a'},
                                  {'id': 2, 'hidden': 0, 'mark': 'b'}])
        self.apply('marks', rows=[{'id': 1, 'hidden': 0, 'mark': 'b'},
                                  {'id': 2, 'hidden': 0, 'mark': 'a'}])
        self.assertEqual(self.rows('marks', 'id, mark'), [(1, 'b'), (2, 'a')])

    def test_numbers_as_they_are_read(self):
        self.apply('codes', rows=[{'code': 'a', 'size': 1, 'any': 2}])
        self.assertEqual(
            self.apply('codes', rows=[{'code': 'a', 'size': 1.0}]), [])
        self.assertEqual(
            self.apply('codes', rows=[{'code': 'a', 'any': 2.0}]),
            [('changed', ('a',))])
        with self.assertRaises(WrongValue):
            self.apply('codes', rows=[{'code': 'a', 'size': -0.0}])

    def test_what_is_stored_is_what_is_read(self):
        values = [0, -1, 2 ** 63 - 1, -2 ** 63, 2 ** 63, 0.0, -0.0, 1.0, 1.5,
                  -1e300, float('inf'), float('nan'), '', '1', 'a', b'', True,
                  None, [1.0, None], {'a': 'b'}, ()]
        for type, strict in [
                *((type, '') for type in (
                    'INTEGER', 'NUMERIC', 'REAL', 'TEXT', 'BLOB', 'ANY',
                    'JSON', 'JSON TEXT')), ('ANY', 'STRICT')]:
            self.execute('DROP TABLE IF EXISTS kept')
            self.execute('CREATE TABLE kept (id INT PRIMARY KEY, '
                         f'v {type}) {strict}')
            kept = {}
            for id, value in enumerate(values):
                with suppress(WrongValue), self.database.applying() as writing:
                    table = writing.find('kept')
                    [row] = writing.stored(table, [{'id': id, 'v': value}])
                    writing.insert_all(table, list(row), [list(row.values())])
                    kept[id] = repr(row['v'])
            with self.database.plain_reading() as reading:
                self.assertEqual({row.key[0]: repr(row.values[1])
                                  for row in reading.scan(table)}, kept, type)
            self.assertGreater(len(kept), 4)

    def test_names_that_can_not_be(self):
        for name, columns in [('LINES', ['id']), ('sqlite_a', ['id']),
                              ('letters', ['id', 'a', 'A'])]:
            with self.assertRaisesRegex(DatabaseError, f'table {name}: exp'), \
                    self.database.applying() as applying:
                applying.create(name, ['id'], {each: [1] for each in columns})

    def test_surrogate(self):
        with self.assertRaises(WrongValue):
            self.apply('marks', rows=[{'id': 1, 'mark': '\ud800'}])


class PostgreSQLApplyingTests(ApplyingContract, PostgreSQLBase):

    def test_what_is_sure_to_be_stored(self):
        values = [0, 32767, -32769, 2 ** 31, 2 ** 63, True, 1.5, -0.0,
                  float('inf'), float('nan'), '', 'abc', 'abcd', 'a ', 'a\0',
                  '\ud800', b'\0', UUID(int=1), date.max, datetime.max,
                  datetime(2026, 11, 29, tzinfo=timezone.utc), (), [1],
                  *map(Decimal, ['1', '1.5', '-0.0', '0.0', '-0', '12.34',
                                 '123.4', '1E+1', '0.05', 'NaN'])]
        for number, type in enumerate([
                'smallint', 'integer', 'bigint', 'boolean', 'bytea', 'date',
                'double precision', 'text', 'character varying',
                'character varying(3)', 'numeric(3,1)', 'numeric(3,0)', 'uuid',
                'timestamp with time zone', 'timestamp without time zone']):
            name = f'kept_{number}'
            self.tell(f'CREATE TABLE {name} (id int PRIMARY KEY, v {type})')
            kept = {id: value for id, value in enumerate(values)
                    if are_sure(type, [value])}
            self.assertTrue(kept, type)
            with self.database.applying() as writing:
                table = writing.find(name)
                writing.insert_all(table, ['id', 'v'], list(kept.items()))
                self.assertEqual(
                    {row.key[0]: repr(row.values[1])
                     for row in writing.scan(table)},
                    {id: repr(value) for id, value in kept.items()}, type)
            self.assertFalse(are_sure(type, values))

    def test_partitions(self):
        self.tell('''
            CREATE TABLE parted (id int PRIMARY KEY, what text)
                PARTITION BY RANGE (id);
            CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
            CREATE TABLE high PARTITION OF parted
                FOR VALUES FROM (10) TO (20)''')
        self.apply('parted', rows=[{'id': 1, 'what': 'a'},
                                   {'id': 11, 'what': 'b'}])
        self.assertEqual(
            self.apply('parted', [(1,)], [{'id': 11, 'what': 'c'}]),
            [('removed', (1,)), ('changed', (11,))])
        self.assertEqual(self.rows('parted', 'id, what'), [(11, 'c')])

    def test_identity(self):
        self.tell('CREATE TABLE counted (id int PRIMARY KEY '
                  'GENERATED ALWAYS AS IDENTITY, what text)')
        self.apply('counted', rows=[{'id': 7, 'what': 'a'}])
        self.apply('counted', rows=[{'id': 7, 'what': 'b'}])
        self.assertEqual(self.rows('counted', 'id, what'), [(7, 'b')])

    def test_identity_beside_the_key(self):
        self.tell('CREATE TABLE counted (id int PRIMARY KEY, number int '
                  'GENERATED ALWAYS AS IDENTITY, what text, own text)')
        self.apply('counted', rows=[{'id': 7, 'number': 8, 'what': 'a'}])
        self.tell("UPDATE counted SET own = 'own'")
        self.assertEqual(
            self.apply('counted', rows=[
                {'id': 7, 'number': 9, 'what': 'b'}]), [('changed', (7,))])
        self.assertEqual(self.rows('counted', 'id, number, what, own'),
                         [(7, 9, 'b', 'own')])

    def test_digits_of_a_key(self):
        self.tell('CREATE TABLE sizes (id numeric PRIMARY KEY)')
        for text in '1.5', '1.50', '1.500':
            self.assertEqual(len(self.apply(
                'sizes', rows=[{'id': Decimal(text)}])), 1, text)
            self.assertEqual(self.rows('sizes', 'id::text, 1'), [(text, 1)])

    def test_name_with_a_point(self):
        with self.database.applying() as applying:
            for name, schema in [('a.b', 'public'), ('public.c', 'public')]:
                table = applying.create(name, ['id'], {'id': [1]})
                self.assertEqual(table.schema, schema)
                self.assertEqual(applying.find(name), table)

    def test_key_that_finds_no_rows(self):
        """It is none, so nobody takes such a table."""
        with self.database.applying() as applying:
            for values in [1.5], ['a', 1]:
                name = f'keyed_{len(values)}'
                table = applying.create(name, ['id'], {'id': values})
                self.assertEqual(table.key, ())

    def test_without_the_privilege(self):
        role = self.role()
        self.tell(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}')
        self.database = self.enterContext(closing(PostgreSQLDatabase(
            make_conninfo(self.dsn, user=role))))
        with self.assertRaisesRegex(
                DatabaseError, 'people.*GRANT SET ON PARAMETER'):
            self.apply('people', rows=[self.ann])
        self.assertEqual(self.rows(), [])
        self.apply('lines', rows=[{'place': 1, 'number': 1}])
        self.assertEqual(len(self.rows('lines', 'place, number')), 1)
        self.tell('GRANT SET ON PARAMETER session_replication_role '
                  f'TO {role}')
        self.apply('people', rows=[self.ann])
        self.assertEqual(self.rows('log', 'id, what'), [])

    def test_deferrable_constraint(self):
        self.tell('CREATE TABLE late (id int PRIMARY KEY, size int '
                  'CONSTRAINT sizes UNIQUE DEFERRABLE)')
        with self.assertRaisesRegex(DatabaseError, 'late.*sizes'):
            self.apply('late', rows=[{'id': 1, 'size': 1}])

    def test_names_in_two_schemas(self):
        self.tell('CREATE SCHEMA other; '
                  'CREATE TABLE other.people (id int PRIMARY KEY)')
        self.addCleanup(self.tell, 'DROP SCHEMA other CASCADE')
        with self.database.applying() as applying:
            self.assertIsNone(applying.find('people'))
            self.assertEqual(applying.find('other.people').schema, 'other')
