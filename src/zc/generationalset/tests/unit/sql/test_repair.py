"""A database is made like another one, in the rows that differ."""

import itertools
import json
import sqlite3
import threading
from contextlib import closing

from zc.generationalset.sql import FormHasher, Verification, digest
from zc.generationalset.sql.errors import Refused
from zc.generationalset.sql.verification.comparing import Totals
from zc.generationalset.sql.verification.digests import listing
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.verifying import (
    ORDERS,
    SCHEMA,
    Verifying,
)


class RepairTests(Verifying):

    schema = SCHEMA + """
        CREATE TABLE lines (
            id INTEGER PRIMARY KEY, "order" REFERENCES orders
            ON DELETE CASCADE, place INT UNIQUE, twice INT AS (place * 2));
        CREATE TRIGGER loud AFTER DELETE ON lines BEGIN
            SELECT raise(ABORT, 'a trigger of the user'); END;
        """

    def setUp(self):
        super().setUp()
        self.both(ORDERS + 'INSERT INTO lines VALUES (1, 1, 1), (2, 1, 2);')

    def repair(self):
        with Verification(self.here, self.there) as verification:
            list(verification.differences())
            counts = verification.repair()
        self.assertEqual(self.verify(), {})
        return counts

    def test_repair(self):
        self.run_sql('there.db', """
            UPDATE orders SET total = 1.0 WHERE id = 2;
            UPDATE orders SET total = 0 WHERE id = 3;
            DELETE FROM orders WHERE id = 1;
            UPDATE lines SET place = -place;
            UPDATE lines SET place = 3 + place;
            INSERT INTO lines VALUES (3, 2, 7);""")
        self.assertEqual(self.repair(), {
            'orders': {'added': 1, 'changed': 2},
            'lines': {'changed': 2, 'removed': 1}})

    def test_only_those_rows_are_written(self):
        tables.track(self.there, 'orders', 'lines')
        with self.there.reading() as reading:
            before = reading.position.generation
        self.run_sql('there.db', 'UPDATE orders SET total = 0 WHERE id = 3;')
        self.repair()
        with self.there.reading() as reading:
            table = reading.table('orders')
            self.assertEqual(list(reading.changes(table, before)), [(3,)])

    def test_rows_that_changed_since(self):
        """They get what is here when they are repaired."""
        self.run_sql('there.db', 'UPDATE orders SET total = 0;')
        with Verification(self.here, self.there) as verification:
            self.assertEqual(len(list(verification.differences())), 3)
            self.run_sql('here.db', """
                UPDATE orders SET total = 99 WHERE id = 3;
                DELETE FROM orders WHERE id = 2;""")
            self.run_sql('there.db', 'DELETE FROM orders WHERE id = 3;')
            self.assertEqual(verification.repair()['orders'], {
                'added': 1, 'changed': 1, 'removed': 1})
        self.assertEqual(self.verify(), {})

    def test_references_must_hold(self):
        self.run_sql('there.db', 'UPDATE orders SET total = 0 WHERE id = 2;')
        self.run_sql('here.db', """
            PRAGMA foreign_keys = OFF;
            UPDATE lines SET "order" = 77;""")
        with Verification(self.here, self.there) as verification:
            found = len(list(verification.differences()))
            with self.assertRaisesRegex(Refused, 'column order: expected'):
                verification.repair()
        self.verify()
        self.assertEqual(len(self.found), found)

    def test_what_is_large(self):
        for missing, there, is_large in [
                (10, 12, False), (11, 12, True), (11, 219, True),
                (11, 220, False)]:
            totals = Totals(there=there, missing_here=missing - 1, changed=1,
                            missing_there=999)
            self.assertEqual(totals.is_large, is_large, (missing, there))


class OneRowTests(Verifying):
    """One value differs among many rows, while programs write."""

    rows = 100_000 if THOROUGH else 5_000

    def test_little_is_sent(self):
        """That is so if the sides are far apart, too."""
        self.both(f"""
            WITH RECURSIVE n(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {self.rows})
            INSERT INTO orders SELECT n, 'customer ' || n, n / 7.0 FROM n;""")
        tables.track(self.here, 'orders')
        self.run_sql('there.db', 'UPDATE orders SET total = 0 WHERE id = 42;')
        ended = threading.Event()
        writer = threading.Thread(target=self.write, args=(ended,))
        writer.start()
        try:
            sent = self.exchange()
            self.assertEqual(self.verify(), {42: ['total']})
            with Verification(self.here, self.there) as verification:
                list(verification.differences())
                self.assertEqual(
                    verification.repair(), {'orders': {'changed': 1}})
        finally:
            ended.set()
            writer.join()
        self.assertLess(sent, 200_000)
        self.assertEqual(self.verify(), {})

    def write(self, ended):
        """Update rows of both sides; the values stay."""
        turns = itertools.cycle(range(1, self.rows, 97))
        with closing(sqlite3.connect('here.db')) as one, \
                closing(sqlite3.connect('there.db')) as other:
            while not ended.wait(0.002):
                row = next(turns)
                for each in one, other:
                    each.execute('UPDATE orders SET total = total '
                                 'WHERE id = ?', (row,))
                    each.commit()

    def exchange(self):
        """Return the bytes of a digest, and of a listing of what differs."""
        found = []
        for database in self.here, self.there:
            with database.plain_reading() as reading:
                found.append(digest(FormHasher(
                    reading, reading.table('orders'))))
        [bucket] = found[0].differing(found[1])
        with self.here.plain_reading() as reading:
            table = reading.table('orders')
            listed = [each for rows in listing(
                FormHasher(reading, table), table, {bucket}) for each in rows]
        self.assertEqual(len(listed), found[0].counts[bucket])
        return len(json.dumps(found[0].plain())) + sum(
            len(each.form) + len(each.hash) for each in listed)
