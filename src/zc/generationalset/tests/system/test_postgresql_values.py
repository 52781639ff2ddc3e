"""Values of each type: out of PostgreSQL, through JSON, and back."""

import math
from datetime import date, datetime, time, timezone
from decimal import Decimal
from uuid import UUID

from zc.generationalset import wire
from zc.generationalset.sql.errors import Conflict, Refused, WrongValue
from zc.generationalset.tests.support.postgresql_tables import (
    ORDERS,
    PostgreSQLTests,
)

#: For each type, texts of SQL, and the values that are read.
VALUES = {
    'bigint': {'9223372036854775807': 2 ** 63 - 1,
               '-9223372036854775808': -2 ** 63},
    'smallint': {'-7': -7},
    'numeric': {'1.50': Decimal('1.50'), '1e30': Decimal(10 ** 30),
                'NaN': math.nan, '-Infinity': -math.inf,
                '0.1000000000000000000001':
                Decimal('0.1000000000000000000001')},
    'double precision': {'-0': -0.0, 'NaN': math.nan, '0.1': 0.1,
                         'Infinity': math.inf, '1e300': 1e300},
    'real': {'0.1': 0.1, '-Infinity': -math.inf},
    'boolean': {'true': True, 'false': False},
    'text': {'': '', ' it\'\'s "a" \\ 100 % ': ' it\'s "a" \\ 100 % ',
             '\U0001f600': '\U0001f600'},
    'character varying(5)': {'a ': 'a '},
    'character(3)': {'a': 'a  '},
    'bytea': {'\\x0001ff': b'\0\1\xff', '': b''},
    'date': {'2026-11-29': date(2026, 11, 29), 'infinity': 'infinity',
             '0044-03-15 BC': '0044-03-15 BC', '10000-01-01': '10000-01-01'},
    'time without time zone': {'12:30:00.000001': time(12, 30, 0, 1),
                               '24:00': '24:00:00'},
    'time with time zone': {'12:30+02': '12:30:00+02'},
    'timestamp without time zone': {
        '2026-11-29 12:00:00.000001': datetime(2026, 11, 29, 12, 0, 0, 1),
        '-infinity': '-infinity'},
    'timestamp with time zone': {
        '2026-11-29 12:00:00.5+02': datetime(
            2026, 11, 29, 10, 0, 0, 500_000, tzinfo=timezone.utc),
        'infinity': 'infinity'},
    'interval': {'1 year 2 days 03:00': '1 year 2 days 03:00:00'},
    'uuid': {'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11':
             UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')},
    'jsonb': {'{"a": [1, 1.10, null, 12345678901234567890], "b": 0.1}':
              {'a': [1, Decimal('1.10'), None, 12345678901234567890],
               'b': 0.1},
              'null': (), '"text"': 'text', '{"$int": "5"}': {'$int': '5'}},
    'json': {'{"b":1,"a":2.0}': {'b': 1, 'a': 2.0}, 'true': True},
    'integer[]': {'{1,NULL,3}': [1, None, 3], '{}': [],
                  '{{1,2},{3,4}}': [[1, 2], [3, 4]],
                  '[0:1]={1,2}': '[0:1]={1,2}'},
    'text[]': {'{a,NULL,"NULL","it\'\'s \\"\\\\"}':
               ['a', None, 'NULL', 'it\'s "\\']},
    'timestamp with time zone[]': {
        '{2026-11-29 12:00+00,infinity}':
        [datetime(2026, 11, 29, 12, tzinfo=timezone.utc), 'infinity']},
    'jsonb[]': {'{"[1,null]","null"}': [[1, None], ()]},
    'mood': {'it\'\'s "good"': 'it\'s "good"'},
    'mood[]': {'{bad,NULL}': ['bad', None]},
    'percent': {'99': 99},
    'int4range': {'[1,5)': '[1,5)'},
    'int4multirange': {'{[1,2),[4,6)}': '{[1,2),[4,6)}'},
    'inet': {'10.0.0.1/8': '10.0.0.1/8'},
    'bit varying': {'0101': '0101'},
    'point': {'(1,2)': '(1,2)'},
    'tsvector': {"''a'':1": "'a':1"},
    'money': {'$1,234.50': '$1,234.50'},
    'xid8': {'5': '5'},
}

TYPES = '''
    CREATE TYPE mood AS ENUM ('it''s "good"', 'bad');
    CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100)'''


def same(one, other):
    """Tell whether values are the same, as JSON shows them."""
    return type(one) is type(other) \
        and wire.encode_value(one) == wire.encode_value(other)


class ValuesTests(PostgreSQLTests):

    def test_there_and_back(self):
        columns = ', '.join(f'c{number} {type}'
                            for number, type in enumerate(VALUES))
        database = self.track(
            TYPES, f'CREATE TABLE ours (id int PRIMARY KEY, {columns})',
            'CREATE TABLE theirs (LIKE ours INCLUDING ALL)')
        ours, theirs = database.tracked()
        expected = {}
        for number, values in enumerate(VALUES.values()):
            for text, value in values.items():
                id = len(expected)
                self.tell(f'INSERT INTO ours (id, c{number}) '
                          f"VALUES ({id}, '{text}')")
                expected[id] = f'c{number}', value
        names = [column.name for column in ours.columns]
        with database.reading() as reading:
            rows = [dict(zip(names, row.values, strict=True))
                    for row in reading.scan(ours)]
        for row in rows:
            name, value = expected[row['id']]
            self.assertTrue(same(row[name], value), (row[name], value))
        with database.writing() as writing:
            for row in rows:
                row = wire.decode_value(wire.encode_value(row))
                writing.insert(theirs, (row.pop('id'),), row)
        self.assertEqual(
            self.tell('SELECT t::text FROM ours t ORDER BY id').fetchall(),
            self.tell('SELECT t::text FROM theirs t ORDER BY id').fetchall())

    def test_values_that_would_be_others(self):
        database = self.track(TYPES, '''
            CREATE TABLE t (id int PRIMARY KEY, int int, num numeric(4,1),
            float float8, text text, short varchar(3), flag bool, day date,
            at timestamptz, doc jsonb, list int[], mood mood, uuid uuid)''')
        [table] = database.tracked()
        with database.writing() as writing:
            writing.insert(table, (1,), {
                'num': 1.5, 'float': 2, 'doc': {'a': 1.0}, 'list': []})
            for name, value in [
                    ('int', 1.5), ('int', True), ('int', '5'),
                    ('int', 2 ** 31), ('num', Decimal('1.23')),
                    ('num', 10 ** 6), ('float', Decimal('0.1')),
                    ('float', 2 ** 53 + 1), ('text', 5), ('text', 'a\0'),
                    ('text', '\ud800'), ('short', 'four'),
                    ('short', 'abc '), ('flag', 1), ('day', '2026-11-29'),
                    ('day', datetime(2026, 11, 29)), ('day', 'nonsense'),
                    ('at', datetime(2026, 11, 29)), ('doc', {'a': math.nan}),
                    ('doc', [date(2026, 11, 29)]), ('doc', {'a': (1,)}),
                    ('list', [1, 'x']), ('list', '{1,2}'), ('list', 1),
                    ('mood', 'unknown'), ('uuid', 'nonsense'),
                    ('num', [1]), ('text', {'a': 1})]:
                with self.subTest(name=name, value=value), \
                        self.assertRaisesRegex(WrongValue, f'column {name}:'):
                    writing.update(table, (1,), {name: value})
            # The transaction goes on.
            writing.update(table, (1,), {'text': 'right'})
        self.assertEqual(self.tell(
            'SELECT num, float, doc, list, text FROM t').fetchone(),
            (Decimal('1.5'), 2.0, {'a': 1}, [], 'right'))

    def test_keys(self):
        for number, (type, values) in enumerate({
                'text': ['', 'a%', "it's"], 'bytea': [b'\0'],
                'boolean': [True, False], 'numeric': [Decimal('1.5'), 2],
                'uuid': [UUID(int=5)], 'date': [date(1, 1, 1), 'infinity'],
                'timestamptz': [datetime(2026, 1, 1, tzinfo=timezone.utc)],
                'bigint': [-2 ** 63], 'mood': ['bad']}.items()):
            if not number:
                self.tell(TYPES)
            database = self.track(f'CREATE TABLE t{number} '
                                  f'(id {type} PRIMARY KEY, v int)')
            name = f'public.t{number}'
            with database.writing() as writing:
                table = writing.table(name)
                for value in values:
                    writing.insert(table, (value,), {'v': 1})
            with database.reading() as reading:
                since = reading.position.generation - 1
                keys = list(reading.changes(table, since))
                self.assertEqual(len(keys), len(values))
                self.assertEqual(
                    {row.key for row in reading.rows(table, keys)}, set(keys))
                for key in keys:
                    # As a client sends it.
                    sent = wire.decode_id(wire.encode_id(key[0]))
                    [row] = reading.rows(table, [(sent,)])
                    self.assertEqual(row.key, key)
                    self.assertEqual(reading.changed(table, key), since + 1)
                    list(reading.scan(table, key))
                for wrong in 'x\0', 'nonsense', 1.25, 10 ** 30, b'x', (1,), \
                        datetime(2026, 1, 1):
                    self.assertEqual(
                        [row for row in reading.rows(table, [(wrong,)])
                         if row.key != (wrong,)], [])
                    self.assertEqual(reading.changed(table, (wrong,)), 0)

    def test_scan_after_what_is_no_key(self):
        self.tell(TYPES)
        database = self.track(
            'CREATE TABLE moods (id mood PRIMARY KEY, v int)')
        with database.reading() as reading:
            table = reading.table('public.moods')
            for key in ('nonsense',), (1,):
                with self.assertRaisesRegex(ValueError, 'public.moods'):
                    list(reading.scan(table, key))
            self.assertEqual(list(reading.scan(table, ('bad',))), [])


class WritingTests(PostgreSQLTests):

    def setUp(self):
        super().setUp()
        self.database = self.track(
            f'{ORDERS}', '''
            ALTER TABLE orders ADD CHECK (name <> 'bad');
            ALTER TABLE orders ADD CONSTRAINT one UNIQUE (name)
                DEFERRABLE INITIALLY DEFERRED''',
            'CREATE TABLE notes (id int PRIMARY KEY, "order" int '
            'CONSTRAINT parent REFERENCES orders)')
        self.database.version()
        self.tell("INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
        self.tell('INSERT INTO notes VALUES (1, 1)')
        self.notes, self.orders = sorted(self.database.tracked())

    def test_constraints(self):
        for name, write in {
                'orders_name_check': lambda writing: writing.update(
                    self.orders, (1,), {'name': 'bad'}),
                'parent': lambda writing: writing.delete(self.orders, (1,)),
                # The end of the transaction checks it.
                'one': lambda writing: writing.update(
                    self.orders, (1,), {'name': 'b'})}.items():
            with self.assertRaises(Refused) as caught, \
                    self.database.writing() as writing:
                write(writing)
            self.assertEqual(caught.exception.constraint, name)
        self.assertEqual(self.tell('SELECT * FROM orders ORDER BY id')
                         .fetchall(), [(1, 'a'), (2, 'b')])

    def test_a_trigger_refuses(self):
        self.tell('''
            CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER skip BEFORE INSERT ON notes
                FOR EACH ROW EXECUTE FUNCTION skip();
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN RAISE EXCEPTION ''never''; END';
            CREATE TRIGGER fail BEFORE DELETE ON notes
                FOR EACH ROW EXECUTE FUNCTION fail()''')
        with self.assertRaisesRegex(Refused, 'expected 1 row'), \
                self.database.writing() as writing:
            writing.insert(self.notes, (2,), {})
        with self.assertRaisesRegex(Refused, 'never'), \
                self.database.writing() as writing:
            writing.delete(self.notes, (1,))

    def test_two_write_the_same_row(self):
        for write, other in [
                (lambda writing: writing.update(
                    self.orders, (1,), {'name': 'c'}),
                 "UPDATE orders SET name = 'd' WHERE id = 1"),
                (lambda writing: writing.insert(
                    self.orders, (3,), {'name': 'c'}),
                 "INSERT INTO orders VALUES (3, 'f')"),
                (lambda writing: writing.delete(self.orders, (2,)),
                 "UPDATE orders SET name = 'e' WHERE id = 2"),
                (lambda writing: writing.update(
                    self.orders, (2,), {'name': 'c'}),
                 'DELETE FROM orders WHERE id = 2')]:
            with self.assertRaises(Conflict), \
                    self.database.writing() as writing:
                self.tell(other)
                write(writing)

    def test_what_is_not_numbered_has_changed(self):
        with self.database.reading() as reading:
            position = reading.position
            before = reading.changed(self.orders, (1,))
        self.assertLessEqual(before, position.generation)
        self.tell("UPDATE orders SET name = 'c' WHERE id = 1")
        with self.database.writing() as writing:
            self.assertEqual(writing.position, position)
            self.assertGreater(writing.changed(self.orders, (1,)),
                               position.generation)
            self.assertEqual(writing.changed(self.orders, (2,)), before)
            writing.update(self.orders, (2,), {'name': 'd'})
            self.assertGreater(writing.changed(self.orders, (2,)),
                               position.generation)
            self.assertEqual(
                set(writing.changes(self.orders, position.generation)),
                {(1,), (2,)})
        self.tell('TRUNCATE notes')
        with self.database.writing() as writing:
            self.assertGreater(writing.floor(self.notes),
                               position.generation)

    def test_writes_after_what_triggers_cannot_see(self):
        self.tell('ALTER TABLE orders ADD COLUMN size int DEFAULT 5')
        with self.database.writing() as writing:
            self.assertEqual(writing.floor(self.orders),
                             writing.position.generation)
            table = writing.table('public.orders')
            writing.update(table, (1,), {'size': 6})
        self.assertEqual(self.tell('SELECT size FROM orders ORDER BY id')
                         .fetchall(), [(6,), (5,)])
