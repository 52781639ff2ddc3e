"""Two SQLite databases are compared, and the rows that differ are named."""

import json
import tracemalloc

from zc.generationalset.sql import (
    DatabaseError,
    Digest,
    FormHasher,
    Verification,
    digest,
)
from zc.generationalset.sql.verification.comparing import LOOKS
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.verifying import ORDERS, Verifying


class VerificationTests(Verifying):

    def test_equal(self):
        self.both(ORDERS)
        self.assertEqual(self.verify(), {})
        self.assertTrue(self.is_equal)
        self.assertEqual(vars(self.totals['orders']), {
            'here': 3, 'there': 3, 'changed': 0, 'missing_here': 0,
            'missing_there': 0, 'left_out': 0})

    def test_what_differs(self):
        self.both(ORDERS)
        self.run_sql('there.db', """
            UPDATE orders SET total = 13.0, customer = 'Eve' WHERE id = 1;
            DELETE FROM orders WHERE id = 2;
            INSERT INTO orders VALUES (4, 'Dan', 1);""")
        self.assertEqual(
            self.verify(), {1: ['customer', 'total'], 2: [], 4: []})
        self.assertFalse(self.is_equal)
        by_id = {each.id: each for each in self.found}
        self.assertEqual(
            by_id[1].here, {'id': 1, 'customer': 'Ann', 'total': 12.5})
        self.assertEqual(by_id[1].there['total'], 13.0)
        self.assertIsNone(by_id[2].there)
        self.assertIsNone(by_id[4].here)
        totals = self.totals['orders']
        self.assertEqual((totals.changed, totals.missing_here,
                          totals.missing_there), (1, 1, 1))

    def test_values(self):
        """Values are equal if they are of one type of SQLite, and the same."""
        values = ["1", "1.0", "'1'", "'1.0'", "x'31'", 'NULL', "''", "x''",
                  '9e999', '0', "CAST(x'ff' AS TEXT)", "x'ff'",
                  '9223372036854775807', "'a' || char(0)", "'\u00e9'",
                  "'e\u0301'"]
        rows = ', '.join(f"({number}, 'Ann', {value})"
                         for number, value in enumerate(values))
        self.both(f'INSERT INTO orders VALUES {rows};')
        self.assertEqual(self.verify(), {})
        for one in values:
            self.run_sql('there.db', f'UPDATE orders SET total = {one};')
            expected = {number for number, other in enumerate(values)
                        if other != one}
            self.assertEqual(set(self.verify()), expected, one)

    def test_tables_are_chosen(self):
        self.both("""
            CREATE TABLE items (id INTEGER PRIMARY KEY);
            CREATE TABLE log (text);""")
        self.run_sql('here.db', 'INSERT INTO orders VALUES (1, 2, 3);')
        self.assertEqual(self.verify('items'), {})
        self.assertEqual(list(self.totals), ['items'])
        self.assertEqual(self.verify('items', 'orders'), {1: []})
        with self.assertRaisesRegex(
                DatabaseError, 'one of items, log, orders; got nix'):
            self.verify('nix')

    def test_schemas(self):
        self.both("""
            CREATE TABLE log (text);
            CREATE TABLE pairs (a INT, b INT, c INT, PRIMARY KEY (a, b));""")
        self.run_sql('there.db', """
            DROP TABLE pairs;
            CREATE TABLE pairs (a INT, b INT, c INT, PRIMARY KEY (b, a));
            CREATE TABLE Orders2 (id INTEGER PRIMARY KEY);
            ALTER TABLE orders ADD COLUMN due DATE;
            ALTER TABLE orders RENAME COLUMN total TO sum;""")
        self.verify()
        self.assertEqual(
            [f'{where}: {text}' for where, text, _ in self.misfits], [
                'log: expected a primary key, by which rows can be looked up',
                'orders, column due: not here', 'orders, column sum: not here',
                'orders, column total: not there',
                'pairs: the key is a, b here, b, a there',
                'Orders2: not here'])
        self.assertEqual(self.totals, {})
        self.assertFalse(self.is_equal)
        self.verify('log')
        self.assertTrue(self.is_equal)  # as far as it is known

    def test_columns_in_another_order(self):
        self.both(ORDERS)
        self.run_sql('there.db', """
            DROP TABLE orders;
            CREATE TABLE orders (total, customer TEXT, id INTEGER PRIMARY KEY);
            INSERT INTO orders VALUES (12.5, 'Ann', 1), (1, 'Bob', 2),
                (NULL, 'Cy', 3);""")
        self.assertEqual(self.verify(), {})

    def test_hostile_names_and_keys(self):
        self.both('''
            CREATE TABLE "a ""b"" 'c'; --" (
                "x ""y""" TEXT COLLATE NOCASE, "select" INT, "é" INT,
                PRIMARY KEY ("x ""y""", "select")) WITHOUT ROWID;
            INSERT INTO "a ""b"" 'c'; --" VALUES ('a', 1, 1), ('b', 2, 1);
            CREATE TABLE blobs (key BLOB PRIMARY KEY, n INT);
            INSERT INTO blobs VALUES (x'00', 1), ('x', 1), (1.5, 1),
                (CAST(x'ff' AS TEXT), 1), (x'ff', 1);''')
        self.assertEqual(self.verify(), {})
        self.run_sql('there.db', '''
            UPDATE "a ""b"" 'c'; --" SET "x ""y""" = 'A' WHERE "select" = 1;
            UPDATE "a ""b"" 'c'; --" SET "é" = 2 WHERE "select" = 2;
            UPDATE blobs SET n = 2;''')
        self.assertEqual(self.verify(), {
            ('a', 1): [], ('A', 1): [], ('b', 2): ['é'], b'\0': ['n'],
            'x': ['n'], 1.5: ['n'], '\udcff': ['n'], b'\xff': ['n']})

    def test_tracked_and_not(self):
        self.both(ORDERS)
        tables.track(self.here, 'orders')
        self.assertEqual(self.verify(), {})
        self.assertEqual(list(self.totals), ['orders'])


class MeanwhileTests(Verifying):
    """Others write while tables are compared."""

    def setUp(self):
        super().setUp()
        self.both(ORDERS)
        self.run_sql('there.db', 'UPDATE orders SET total = -1;')
        self.reads = 0

    def after_listing(self, script):
        """Execute a script after the tables were read for the last time."""
        def told(name, count):
            self.reads += 1
            if self.reads == 4:
                self.run_sql('there.db', script)
        return told

    def test_a_change_that_makes_rows_equal(self):
        self.assertEqual(self.verify(told=self.after_listing(
            'UPDATE orders SET total = 12.5 WHERE id = 1;')),
            {2: ['total'], 3: ['total']})
        self.assertEqual(self.totals['orders'].left_out, 0)

    def test_one_change(self):
        """The row is looked at once more."""
        self.assertEqual(self.verify(told=self.after_listing(
            'UPDATE orders SET total = -2 WHERE id = 1;'))[1], ['total'])

    def test_rows_that_always_change_are_left_out(self):
        """Each look is at a new snapshot; something changes before it."""
        begin = self.there.plain_reading

        def changing():
            self.run_sql('there.db', 'UPDATE orders SET total = total - 1 '
                         'WHERE id = 1;')
            return begin()

        self.there.plain_reading = changing
        self.assertEqual(set(self.verify()), {2, 3})
        self.assertEqual(self.totals['orders'].left_out, 1)
        self.assertGreater(LOOKS, 1)


class DigestTests(Verifying):

    def digest(self, database):
        with database.plain_reading() as reading:
            return digest(FormHasher(reading, reading.table('orders')))

    def test_order_does_not_matter(self):
        self.run_sql('here.db', ORDERS)
        self.run_sql('there.db', """
            INSERT INTO orders VALUES (3, 'Cy', NULL), (2, 'Bob', 1);
            INSERT INTO orders VALUES (1, 'Ann', 12.5);""")
        self.assertEqual(*map(self.digest, (self.here, self.there)))

    def test_plain_data(self):
        self.both(ORDERS)
        mine = self.digest(self.here)
        text = json.dumps(mine.plain())
        self.assertLess(len(text), 120_000)
        again = Digest.of_plain(json.loads(text))
        self.assertEqual(again, mine)
        self.assertEqual(again.rows, 3)
        self.run_sql('there.db', 'DELETE FROM orders WHERE id = 2;')
        self.assertEqual(len(mine.differing(self.digest(self.there))), 1)
        for wrong in (None, [], {}, {'counts': 1, 'sums': 2}, {
                **mine.plain(), 'sums': 'AAAA'}, {
                **mine.plain(), 'sums': mine.plain()['counts']}, {
                'counts': '', 'sums': ''}):
            with self.assertRaises(ValueError):
                Digest.of_plain(wrong)

    def test_memory(self):
        """It doesn't grow with the table, even if all rows differ."""
        rows = 1_000_000 if THOROUGH else 1_000
        self.both(f"""
            WITH RECURSIVE n(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
            INSERT INTO orders SELECT n, 'customer ' || n, n FROM n;""")
        self.run_sql('there.db', 'UPDATE orders SET total = -1;')
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with Verification(self.here, self.there) as verification:
            self.assertEqual(
                sum(1 for _ in verification.differences()), rows)
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 6_000_000)
