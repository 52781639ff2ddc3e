"""Columns of SQLite that are declared JSON."""

from decimal import Decimal

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.sources import WrongValue
from zc.generationalset.sql import SQLReplica, Verification, documents
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.unit.sql.test_source import ShopBase


class JsonTests(ShopBase):

    schema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE docs (id INTEGER PRIMARY KEY, doc JSON, text JSON TEXT,
                           plain TEXT);"""
    names = 'docs',

    def values(self, column):
        self.followers.sync()
        return [row[column] for _, row in sorted(
            self.replica.items['docs'].items())]

    def stored(self, column):
        return [value for [value] in self.connection.execute(
            f'SELECT {column} FROM docs ORDER BY id')]

    def test_values(self):
        for number, value in enumerate([
                """'{"a":[1,null,1.50]}'""", "'[]'", "'null'", "'true'",
                "'\"b\"'", 'NULL', "'1.5'", '2']):
            self.run_sql(f'INSERT INTO docs VALUES ({number}, {value}, '
                         f'{value}, {value})')
        expected = [{'a': [1, None, Decimal('1.50')]}, [], (), True, 'b', None,
                    1.5, 2]
        self.assertEqual(self.values('doc'), expected)
        self.assertEqual(self.values('text'), expected)
        self.assertEqual(
            self.values('plain'),
            ['{"a":[1,null,1.50]}', '[]', 'null', 'true', '"b"', None, '1.5',
             '2'])

    def test_what_is_no_json(self):
        """Text is a string, and a blob is bytes."""
        for number, value in enumerate([
                "'{'", "'NaN'", "'[1] 2'", "x'00'"]):
            self.run_sql(f'INSERT INTO docs VALUES ({number}, {value}, '
                         f'{value}, NULL)')
        for column in 'doc', 'text':
            self.assertEqual(
                self.values(column), ['{', 'NaN', '[1] 2', b'\0'])

    def test_what_python_does_not_read(self):
        """It isn't told as a string; nobody gets such a row."""
        deep = '[' * 100000 + ']' * 100000
        self.run_sql(f"INSERT INTO docs (id, doc) VALUES (1, '{deep}'), "
                     f"(2, '[{'1' * 5000}]'), (3, '[4]')")
        with self.database.plain_reading() as reading:
            [*odd, fine] = [row.values[1] for row in reading.scan(
                reading.table('docs'))]
        self.assertEqual(set(map(type, odd)), {documents.Unreadable})
        self.assertEqual(fine, [4])

    def test_writing(self):
        values = [{'b': [1, None], 'a': {}}, [], 'b', 2, 1.5, True, None,
                  '[1]', '', '2']
        for number, value in enumerate(values):
            self.put('docs', number, doc=value, text=1)
            self.put('docs', number, doc=value, text=value)
        self.assertEqual(self.values('doc'), values)
        self.assertEqual(self.values('text'), values)
        self.assertEqual(self.stored('text'), [
            '{"b":[1,null],"a":{}}', '[]', '"b"', '2', '1.5', 'true', None,
            '"[1]"', '""', '"2"'])

    def test_parts_that_equal_others(self):
        """True equals 1 in Python, but it is another value of JSON."""
        for before, after in [
                ([1], [True]), ([False], [0]), ({'a': [1]}, {'a': [True]}),
                ({'a': {'b': True}}, {'a': {'b': 1}})]:
            self.put('docs', 1, text=before)
            self.put('docs', 1, text=after)
            self.assertEqual(self.stored('text'), [documents.dump(after)])

    def test_what_is_refused(self):
        for column, value in [
                ('doc', b'a'), ('text', [b'a']), ('text', float('nan')),
                ('doc', Decimal('1.50')), ('doc', -0.0), ('doc', 2 ** 64),
                ('doc', 1.0),
                ('text', {'a': ('b',)})]:
            with self.subTest(value=value), \
                    self.assertRaisesRegex(WrongValue, f'column {column}'):
                self.put('docs', 1, **{column: value})

    def test_copies(self):
        """A table that is made for JSON has such columns."""
        self.run_sql("""
            INSERT INTO docs VALUES
            (1, '[1]', '{"b":1,"aa":[2.50]}', '[1]'), (2, NULL, '1.0', '2')""")
        tables.make('copy.db', 'PRAGMA journal_mode = WAL')
        copy = SQLiteDatabase('copy.db')
        self.addCleanup(copy.close)
        replica = SQLReplica(copy, 'docs')
        with self.source.snapshot() as snapshot:
            answer = snapshot.updates(None, Position(None, 0))
            replica.apply(wire.decode(wire.encode(answer)))
        self.assertEqual(
            [column.type for column in copy.tables()[0].columns],
            ['INTEGER', 'JSON TEXT', 'JSON TEXT', 'TEXT'])
        with Verification(self.database, copy) as verification:
            self.assertEqual(list(verification.differences()), [])
            self.assertTrue(verification.is_equal)
