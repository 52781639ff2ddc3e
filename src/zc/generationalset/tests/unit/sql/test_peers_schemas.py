"""Which tables fit, and which don't."""

import unittest
from contextlib import closing
from datetime import date, datetime, time, timezone
from decimal import Decimal
from uuid import UUID

from zc.generationalset.sql import DatabaseError
from zc.generationalset.sql.peers import Unfit
from zc.generationalset.sql.peers.conversion import conversion
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.sql.texts import as_text
from zc.generationalset.tests.support.tables import make, track
from zc.generationalset.tests.unit.sql.test_peers import Base


class UnfitTests(Base):

    def compare(self, here, there, text, *names):
        """Two schemas don't fit; both sides say so, and nothing is sent."""
        here, there = (self.peer(f'{name}.db', schema=schema,
                                 tables=names or ['things'])
                       for name, schema in [('here', here), ('there', there)])
        seen = []
        with self.assertRaisesRegex(Unfit, text):
            here.sync(there, seen=seen)
        self.assertFalse([each for each in seen if b'"push"' in each[:20]])

    def test_columns(self):
        whole = 'CREATE TABLE things (id TEXT PRIMARY KEY, a INT)'
        part = 'CREATE TABLE things (id TEXT PRIMARY KEY)'
        self.compare(whole, part, 'things: .*columns.* has a$')

    def test_more_columns_there(self):
        whole = 'CREATE TABLE things (id TEXT PRIMARY KEY, a INT)'
        part = 'CREATE TABLE things (id TEXT PRIMARY KEY)'
        self.compare(part, whole, 'things: .*columns.* has a$')

    def test_types(self):
        self.compare(
            'CREATE TABLE things (id TEXT PRIMARY KEY, a INT)',
            'CREATE TABLE things (id TEXT PRIMARY KEY, a TEXT)',
            'table things, column a: .*TEXT and sqlite INTEGER')

    def test_keys(self):
        self.compare(
            'CREATE TABLE things (a INT, b INT, PRIMARY KEY (a, b))',
            'CREATE TABLE things (a INT, b INT, PRIMARY KEY (b, a))',
            'table things: .*same key.*, got ')

    def test_keys_that_are_counted(self):
        schema = 'CREATE TABLE things (id INTEGER PRIMARY KEY, a INT)'
        self.compare(schema, schema, 'things, column id: .*count up')

    def test_columns_that_are_computed(self):
        self.compare(
            'CREATE TABLE things (id INT PRIMARY KEY, a INT AS (id + 1))',
            'CREATE TABLE things (id INT PRIMARY KEY, a INT)',
            'things: .*columns.* has a$')

    def test_tables(self):
        for names in ['other'], ['things', 'things']:
            with self.assertRaisesRegex(DatabaseError, 'one table'):
                self.peer('client.db', schema='', tables=names)


class KeyTests(Base):

    def test_tables_without_keys_get_uuids(self):
        for name in 'here.db', 'there.db':
            make(name, 'CREATE TABLE notes (text TEXT)')
            with closing(SQLiteDatabase(name)) as database:
                track(database, 'notes', add_key=True)
        here, there = (self.peer(name, schema='', tables=['notes'])
                       for name in ('here.db', 'there.db'))
        here.run("INSERT INTO notes (text) VALUES ('one')")
        there.run("INSERT INTO notes (text) VALUES ('two')")
        here.sync(there)
        self.assertEqual(here.rows('notes'), there.rows('notes'))
        self.assertEqual([text for text, _ in here.rows('notes')],
                         ['one', 'two'])

    def test_keys_that_only_the_server_counts(self):
        there = self.peer(
            'there.db', schema='CREATE TABLE things (id INTEGER PRIMARY KEY)')
        here = self.peer(
            'here.db', schema='CREATE TABLE things (id INT PRIMARY KEY)')
        there.run('INSERT INTO things DEFAULT VALUES')
        here.sync(there)
        self.assertEqual(here.rows(), [(1,)])


class ValueTests(unittest.TestCase):
    """Values of SQLite as those of PostgreSQL."""

    def test_what_fits(self):
        for affinity, type in [
                ('INTEGER', 'bigint'), ('NUMERIC', 'boolean'),
                ('REAL', 'real'), ('TEXT', 'numeric'), ('TEXT', 'integer[]'),
                ('TEXT', 'public.mood'), ('BLOB', 'bytea'),
                ('NUMERIC', 'date'), ('TEXT', 'interval'),
                ('JSON', 'jsonb'), ('JSON', 'date[]')]:
            pair = f'sqlite {affinity}', f'postgresql {type}'
            self.assertIsNotNone(conversion(*pair), pair)
            self.assertIsNotNone(conversion(*reversed(pair)), pair)

    def test_what_loses_values(self):
        for affinity, type in [
                ('NUMERIC', 'numeric'), ('REAL', 'numeric'),
                ('INTEGER', 'double precision'), ('INTEGER', 'numeric'),
                ('TEXT', 'integer'), ('TEXT', 'bytea'), ('BLOB', 'text'),
                ('NUMERIC', 'text'), ('REAL', 'bigint'),
                ('NUMERIC', 'double precision'), ('NUMERIC', 'jsonb'),
                ('JSON', 'text'), ('JSON', 'bytea[]'), ('TEXT', 'bytea[]')]:
            pair = f'sqlite {affinity}', f'postgresql {type}'
            self.assertIsNone(conversion(*pair), pair)
            self.assertIsNone(conversion(*reversed(pair)), pair)
        self.assertIsNone(conversion('postgresql text', 'postgresql integer'))
        self.assertIsNone(conversion('sqlite TEXT', 'mysql text'))

    def test_to_and_fro(self):
        for affinity, type, values in [
                ('TEXT', 'numeric', ['1.50', '-0', 'NaN', 'Infinity']),
                ('TEXT', 'double precision', ['1.5', '-0.0', 'NaN', '1e+300']),
                ('TEXT', 'date', ['2026-11-29', 'infinity', '0044-03-15 BC']),
                ('TEXT', 'time without time zone',
                 ['09:30:00.000001', '24:00:00']),
                ('TEXT', 'timestamp without time zone',
                 ['2026-11-29 17:00:00.123456', 'infinity',
                  '12026-11-29 17:00:00']),
                ('TEXT', 'timestamp with time zone',
                 ['2026-11-29 17:00:00+00:00', '0044-03-15 12:00:00+00 BC']),
                ('NUMERIC', 'uuid', ['00000000-0000-0000-0000-0000000000ff']),
                ('TEXT', 'jsonb', ['{"a":[1.50,null,"é"]}', 'null', '[]']),
                ('TEXT', 'integer[]', ['[1,null,[2]]']),
                ('TEXT', 'date[]', ['["2026-11-29"]', '"[0:0]={2026-11-29}"']),
                ('INTEGER', 'boolean', [0, 1]),
                ('INTEGER', 'bigint', [2 ** 63 - 1]),
                ('REAL', 'double precision', [1.5, float('inf')]),
                ('BLOB', 'bytea', [b'\0'])]:
            made = conversion(f'sqlite {affinity}', f'postgresql {type}')
            for value in [*values, None]:
                with self.subTest(type=type, value=value):
                    self.assertEqual(made.received(made.sent(value)), value)

    def test_copies_have_the_same_texts(self):
        """Both may write to one database, and verifications compare it."""
        for type, value in {
                'numeric': Decimal('1.50'), 'date': date(2026, 11, 29),
                'uuid': UUID(int=1), 'time without time zone': time(9, 30),
                'timestamp without time zone': datetime(2026, 11, 29, 9),
                'timestamp with time zone': datetime(
                    2026, 11, 29, 9, tzinfo=timezone.utc)}.items():
            made = conversion('sqlite TEXT', f'postgresql {type}')
            self.assertEqual(made.received(value), as_text(value), type)

    def test_values_that_do_not_fit(self):
        for affinity, type, value in [
                ('TEXT', 'numeric', '1.50 '), ('TEXT', 'numeric', 1),
                ('TEXT', 'uuid', '12' * 16), ('TEXT', 'jsonb', '{'),
                ('TEXT', 'integer[]', '[1,'), ('INTEGER', 'boolean', 2),
                ('INTEGER', 'bigint', 1.5), ('BLOB', 'bytea', 'a'),
                ('TEXT', 'date', '20261129'), ('TEXT', 'date', '2026-W48-7'),
                ('TEXT', 'date', '29.11.2026'),
                ('NUMERIC', 'time without time zone', '0930'),
                ('TEXT', 'timestamp without time zone', '20261129T0930'),
                ('TEXT', 'timestamp without time zone', '2026-11-29 09:30'),
                ('TEXT', 'timestamp with time zone', '2026-11-29 09:30:00Z'),
                ('TEXT', 'date[]', '["20261129"]'),
                ('TEXT', 'text', b'a')]:
            made = conversion(f'sqlite {affinity}', f'postgresql {type}')
            with self.subTest(type=type, value=value), \
                    self.assertRaisesRegex(Exception, 'expected'):
                made.sent(value)
        made = conversion('sqlite REAL', 'postgresql double precision')
        for value in float('nan'), -0.0:
            with self.assertRaisesRegex(Exception, 'only as text'):
                made.received(value)
