"""PostgreSQL is compared with PostgreSQL, and with SQLite."""

from contextlib import closing

from zope.testing import setupstack

from zc.generationalset.sql import Verification, open_database
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    PostgreSQLTests,
)

KEY = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
#: Types, and values that SQLite has as the texts beside them.
ITEMS = f"""
    CREATE TABLE items (
        id uuid PRIMARY KEY, size bigint, price numeric, made timestamp,
        seen timestamptz, due date, at time, is_new boolean, data bytea,
        ratio double precision, name text, more jsonb);
    INSERT INTO items VALUES (
        '{KEY}', 9223372036854775807, 1.50, '2026-11-29 09:30:00.5',
        '2026-11-29 09:30:00+02', '2026-11-29', '09:30', true, '\\x00ff', 0.1,
        'Ann', '{{"a": [1, null]}}')"""
SQLITE_ITEMS = f"""
    CREATE TABLE items (
        id TEXT PRIMARY KEY, size INT, price TEXT, made TEXT, seen TEXT,
        due TEXT, at TEXT, is_new BOOLEAN, data BLOB, ratio REAL, name TEXT,
        more TEXT);
    INSERT INTO items VALUES (
        '{KEY}', 9223372036854775807, '1.50', '2026-11-29 09:30:00.500000',
        '2026-11-29 07:30:00+00:00', '2026-11-29', '09:30:00', 1, x'00ff',
        0.1, 'Ann', '{{"a":[1,null]}}')"""


class Base(PostgreSQLTests):

    def verify(self, here, there):
        """Return the columns that differ, by id."""
        with Verification(here, there) as verification:
            self.found = list(verification.differences())
            self.assertEqual(verification.misfits, [])
            return {each.id: each.columns for each in self.found}


class VerificationTests(Base):

    def setUp(self):
        super().setUp()
        self.here = self.open()
        self.tell_there = self.tell
        super().setUp()
        self.there = self.open()
        self.tell_here, self.tell_there = self.tell_there, self.tell

    def both(self, statements):
        self.tell_here(statements)
        self.tell_there(statements)

    def test_types(self):
        self.both(ITEMS)
        self.assertEqual(self.verify(self.here, self.there), {})
        for column, value in {
                'size': '1', 'price': '1.5', 'made': "'infinity'",
                'seen': "'2026-11-29 09:30:00+03'", 'due': 'NULL',
                'at': "'24:00'", 'is_new': 'false', 'data': "''",
                'ratio': "'-0'", 'name': "''", 'more': "'null'"}.items():
            self.tell_there(f'UPDATE items SET {column} = {value}')
            [columns] = self.verify(self.here, self.there).values()
            self.assertIn(column, columns)
        self.assertEqual(len(columns), 11)
        self.tell_here("UPDATE items SET ratio = '0'")
        [columns] = self.verify(self.here, self.there).values()
        self.assertIn('ratio', columns)  # 0.0 isn't -0.0

    def test_hashes_of_the_database(self):
        """Rows that swap values have other hashes, and other sums of these."""
        self.tell(LINES)
        self.tell("INSERT INTO lines VALUES (1, 'tea'), (11, 'cake')")
        before = self.hashes(self.there)
        self.tell("UPDATE lines SET name = CASE name WHEN 'tea' THEN 'cake' "
                  "ELSE 'tea' END")
        after = self.hashes(self.there)
        self.assertEqual(sum(each.rows for each in after), 2)
        self.assertNotEqual(*[sum(each.sum for each in found) % 2 ** 128
                              for found in (before, after)])

    def hashes(self, database):
        with database.plain_reading() as reading:
            hasher = reading.hasher(reading.table('public.lines'))
            return list(hasher.buckets(64))

    def test_keys_that_find_no_rows(self):
        """They aren't equal: nobody knows."""
        for type in 'double precision', 'character(3)', 'int[]', 'inet':
            self.both(f'CREATE TABLE keys (id {type} PRIMARY KEY)')
            with Verification(self.here, self.there) as verification:
                self.assertEqual(list(verification.differences()), [])
                [misfit] = verification.misfits
            self.assertFalse(misfit.is_different)
            self.both('DROP TABLE keys')

    def test_other_types(self):
        """Then forms are compared, which don't depend on the types."""
        self.both('CREATE TABLE lines (id int PRIMARY KEY, n numeric(4,1))')
        self.both('INSERT INTO lines VALUES (1, 2.5), (2, 2.5)')
        self.tell_there('ALTER TABLE lines ALTER n TYPE numeric(5,1), '
                        'ALTER id TYPE bigint')
        self.assertEqual(self.verify(self.here, self.there), {})
        self.tell_there('UPDATE lines SET n = 2 WHERE id = 1')
        self.assertEqual(self.verify(self.here, self.there), {1: ['n']})

    def test_partitions(self):
        self.both(LINES)
        self.both("INSERT INTO lines VALUES (1, 'tea'), (11, 'cake')")
        self.both('CREATE VIEW seen AS SELECT * FROM lines')
        self.assertEqual(self.verify(self.here, self.there), {})
        self.tell_there('DELETE FROM lines WHERE place = 11')
        self.assertEqual(self.verify(self.here, self.there), {
            (11, 'cake'): []})

    def test_many_rows(self):
        self.both('''
            CREATE TABLE "Many ""x""" (id int PRIMARY KEY, n int);
            INSERT INTO "Many ""x""" SELECT n, n FROM generate_series(1, 5000)
                AS n''')
        self.tell_there('UPDATE "Many ""x""" SET n = 0 WHERE id = 4321')
        self.assertEqual(self.verify(self.here, self.there), {4321: ['n']})


class KindsTests(Base):

    def setUp(self):
        super().setUp()
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.tell(ITEMS)
        tables.make('there.db', SQLITE_ITEMS)
        self.here = self.open()
        self.there = self.enterContext(closing(
            open_database('sqlite:///there.db')))

    def test_types(self):
        self.assertEqual(self.verify(self.here, self.there), {})
        self.assertEqual(self.verify(self.there, self.here), {})

    def test_rows_of_one_side(self):
        """The other side is asked for the key in its own type."""
        self.tell('DELETE FROM items')
        self.assertEqual(self.verify(self.here, self.there), {KEY: []})
        self.assertEqual(self.verify(self.there, self.here), {KEY: []})
        with self.there.plain_reading() as reading:
            table = reading.table('items')
            [[row]] = reading.batches(table)
        self.assertEqual(row[0], KEY)

    def test_looks_of_one_side(self):
        """A row that comes meanwhile is found by the other side's key."""
        self.tell('DELETE FROM items')
        insert = ITEMS.partition(';')[2]
        reads = []

        def told(name, count):
            reads.append(count)
            if len(reads) == 2:  # all were listed
                self.tell(insert)

        with Verification(self.here, self.there, told=told) as verification:
            self.assertEqual(list(verification.differences()), [])
            self.assertEqual(verification.totals['public.items'].left_out, 0)

    def test_repair(self):
        """Each kind is made like the other one."""
        tables.make('there.db', """
            ALTER TABLE items DROP COLUMN more;
            ALTER TABLE items ADD COLUMN more JSON;
            UPDATE items SET more = '{"a": [1, null]}'""")
        for here, there in [(self.here, self.there), (self.there, self.here)]:
            tables.make('there.db', "UPDATE items SET price = '7', "
                        "size = 0, more = '[2]'")
            self.tell("UPDATE items SET name = 'Bob', seen = NULL")
            self.repair(here, there)
            tables.make('there.db', 'DELETE FROM items')
            self.repair(here, there)

    def repair(self, here, there):
        with Verification(here, there) as verification:
            self.assertEqual(len(list(verification.differences())), 1)
            verification.repair()
        self.assertEqual(self.verify(here, there), {})
