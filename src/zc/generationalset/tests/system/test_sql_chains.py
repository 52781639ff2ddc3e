"""Copies of copies: PostgreSQL, SQLite, and PostgreSQL again."""

from contextlib import closing

import psycopg
from zope.testing import setupstack

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.sql import SQLReplica, SQLSource, Verification
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.postgresql import PostgreSQLDatabase
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    ORDERS,
    PostgreSQLTests,
)

#: For each type, texts of SQL that come back as they were.
SAME = {
    'bigint': ['9223372036854775807', '-9223372036854775808'],
    'numeric': ['1.50', '0.1000000000000000000001', 'NaN', '-Infinity'],
    'numeric(9,2)': ['1.50'],
    'double precision': ['0.1', '1e300', '-Infinity'],
    'boolean': ['true', 'false'],
    'text': ['', " it''s \U0001f600 ", '1.50', '{}'],
    'bytea': ['\\x0001ff', ''],
    'date': ['2026-11-29', 'infinity', '0044-03-15 BC'],
    'time': ['12:30:00.000001', '24:00'],
    'timestamp': ['2026-11-29 12:00:00.000001', '-infinity'],
    'timestamptz': ['2026-11-29 12:00:00.5+02', 'infinity'],
    'uuid': ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    'interval': ['1 year 2 days 03:00'],
    'mood': ['good'],
    'jsonb': ['{"a": [1, null, 1.50], "bb": {"$int": "1"}}', '[1]', '{}',
              'null', 'true', '1.0', '1.50', '12345678901234567890',
              '"[1]"', '"a"', '""'],
    'json': ['{"b":1,"a":[2.50,-0.0]}'],
    'integer[]': ['{1,NULL,3}', '{}', '{{1,2},{3,4}}', '[0:1]={1,2}'],
    'numeric[]': ['{1.50,15.0,0.00000001,1000,NaN}'],
    'double precision[]': ['{1,-0,NaN,Infinity,1e+22}'],
    'boolean[]': ['{t,NULL,f}'],
    'text[]': ['{NULL,"",a,"NULL","{\\"a\\": 1}"}'],
    'date[]': ['{2026-11-29,infinity}'],
    'timestamptz[]': ['{"2026-11-29 12:00:00.5+02"}'],
    'uuid[]': ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
    'mood[]': ['{good}'],
}
#: Those that a column of SQLite would store as others.
REFUSED = {
    'double precision': ['NaN'],
    'real': ['-0'],
    'bytea[]': ['{"\\\\x00"}'],
    'jsonb[]': ['{"null",NULL}'],
}


class ChainTests(PostgreSQLTests):

    def setUp(self):
        super().setUp()
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('middle.db', 'PRAGMA journal_mode = WAL')
        self.middle = SQLiteDatabase('middle.db')
        self.addCleanup(self.middle.close)
        self.dsn = DATABASES.lend(self)
        self.end = self.connect(autocommit=True)
        self.last = self.enterContext(closing(PostgreSQLDatabase(self.dsn)))

    def sync(self, database, names, replica):
        """Let a replica ask a database."""
        with SQLSource(database, names).snapshot() as snapshot:
            answer = snapshot.updates(
                None, Position(replica.epoch, replica.generation))
            return replica.apply(wire.decode(wire.encode(answer)))

    def through(self, first, *names):
        """Bring what is new in some tables to the end."""
        self.sync(first, names, SQLReplica(self.middle, 'first'))
        tables.track(self.middle, *names)
        return self.sync(
            self.middle, names, SQLReplica(self.last, 'middle'))

    def test_values(self):
        names = self.values(SAME)
        database = self.track()
        self.through(database, *names)
        for table in names:
            query = f'SELECT id, value::text FROM {table} ORDER BY id'
            self.assertEqual(
                self.end.execute(query).fetchall(),
                self.tell(query).fetchall())
        with Verification(database, self.middle, names) as verification:
            self.assertEqual(list(verification.differences()), [])
            self.assertTrue(verification.is_equal)
        self.assertEqual(self.through(database, *names), [])

    def test_values_that_sqlite_does_not_have(self):
        names = self.values(REFUSED)
        database = self.track()
        for table in names:
            with self.assertRaisesRegex(
                    WrongValue, f'table {table}, column value.*got'):
                self.sync(database, [table], SQLReplica(self.middle, table))

    def values(self, values):
        """Make a table for each type at both ends; return their names."""
        names = [f't{number}' for number, _ in enumerate(values)]
        for tell in self.tell, self.end.execute:
            tell("CREATE TYPE mood AS ENUM ('good')")
            for name, type in zip(names, values, strict=True):
                tell(f'CREATE TABLE {name} (id int PRIMARY KEY, value {type})')
        for name, texts in zip(names, values.values(), strict=True):
            for id, text in enumerate(texts):
                self.tell(f"INSERT INTO {name} VALUES ({id}, '{text}')")
        return names

    def open(self, **options):
        return self.enterContext(closing(PostgreSQLDatabase(
            psycopg.conninfo.make_conninfo(
                host=self.connection.info.host,
                user=self.connection.info.user,
                dbname=self.connection.info.dbname), **options)))

    def test_text_with_nul(self):
        tables.make('middle.db', 'CREATE TABLE notes (id INTEGER PRIMARY KEY, '
                    "text TEXT); INSERT INTO notes VALUES (1, 'a'||char(0))")
        self.end.execute('CREATE TABLE notes (id int PRIMARY KEY, text text)')
        tables.track(self.middle, 'notes')
        with self.assertRaisesRegex(
                WrongValue, r'table public\.notes, column text'):
            self.sync(self.middle, ['notes'], SQLReplica(self.last, 'middle'))

    def test_truncate(self):
        database = self.track(ORDERS, LINES)
        self.tell("INSERT INTO orders VALUES (1, 'a'), (2, 'b'); "
                  "INSERT INTO lines VALUES (1, 'a'), (11, 'b')")
        names = 'orders', 'lines'
        self.assertEqual(len(self.through(database, *names)), 4)
        self.tell('TRUNCATE orders; TRUNCATE low')
        self.assertEqual(
            [(change.kind, change.path)
             for change in self.through(database, *names)],
            [('removed', ('orders', 1)), ('removed', ('orders', 2)),
             ('removed', ('lines', (1, 'a')))])
        self.assertEqual(
            self.end.execute('SELECT * FROM lines').fetchall(), [(11, 'b')])
