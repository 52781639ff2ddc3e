"""What is noticed of PostgreSQL tables, whatever program writes."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import psycopg

from zc.generationalset.sql.postgresql import moment
from zc.generationalset.sql.postgresql.reading import ROWS
from zc.generationalset.tests.support.postgresql import wait
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    ORDERS,
    Copy,
    PostgreSQLTests,
)


class NoticeTests(PostgreSQLTests):

    def setUp(self):
        super().setUp()
        self.database = self.track(ORDERS, LINES)
        self.tell("INSERT INTO orders VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        self.tell("INSERT INTO lines VALUES (1, 'x'), (2, 'y'), (11, 'z')")
        self.copy = Copy('public.orders', 'public.lines')
        self.ask()

    def ask(self):
        self.check(self.copy, self.database)

    def keys(self, name='orders'):
        self.ask()
        self.assertEqual(self.copy.renewed, set())
        return self.copy.keys[f'public.{name}']

    def test_one_row(self):
        self.tell("UPDATE orders SET name = 'd' WHERE id = 2")
        self.assertEqual(self.keys(), {(2,)})
        self.assertEqual(self.copy.rows['public.orders'][2,], (2, 'd'))
        self.assertEqual(self.keys(), set())

    def test_tracked_by_an_older_release(self):
        self.tell('ALTER TABLE gset.tables DROP COLUMN waiting')
        tables = self.database.tables()
        self.database.execute(self.database.plan_tracking(tables))
        self.assertEqual(
            self.database.plan_tracking(tables).statements, ())
        self.tell("UPDATE orders SET name = 'd' WHERE id = 2")
        self.assertEqual(self.keys(), {(2,)})

    def test_position_stays_while_nothing_changes(self):
        position = self.copy.position
        self.assertEqual(self.database.version(), position)
        self.ask()
        self.assertEqual(self.copy.position, position)

    def test_changes_are_read_a_part_at_a_time(self):
        with self.database.reading() as reading:
            since = reading.position.generation
        count = 10 * ROWS
        self.tell(f"INSERT INTO orders SELECT n, '' "
                  f'FROM generate_series(11, {10 + count}) n')
        with self.database.reading() as reading:
            changes = reading.changes(reading.table('public.orders'), since)
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            self.assertEqual(sum(1 for _ in changes), count)
            _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 100 * 3 * ROWS)

    def test_each_commit_differs(self):
        seen = {self.database.version()}
        for _ in range(5):
            self.tell("UPDATE orders SET name = name WHERE id = 1")
            seen.add(self.database.version())
        self.assertEqual(len(seen), 6)

    def test_commits_that_come_in_another_order_differ(self):
        early, late = self.connect(), self.connect()
        for number, each in enumerate([early, late], 1):
            each.execute(
                f"UPDATE orders SET name = 'z' WHERE id = {number}")
        seen = {self.database.version()}
        for each in late, early:
            each.commit()
            seen.add(self.database.version())
            self.database.version()  # sees the commit of the numbering
        self.assertEqual(len(seen), 3)

    def test_nothing_is_looked_for_if_nothing_was_committed(self):
        self.database.version()
        with mock.patch.object(moment, 'read', side_effect=AssertionError):
            self.database.version()
            self.connect(autocommit=True).execute('TABLE orders')
            self.database.version()

    def test_transaction_that_began_earlier_commits_later(self):
        early, late = self.connect(), self.connect()
        early.execute("UPDATE orders SET name = 'early' WHERE id = 1")
        late.execute("UPDATE orders SET name = 'late' WHERE id = 2")
        late.commit()
        self.assertEqual(self.keys(), {(2,)})
        early.commit()
        self.assertEqual(self.keys(), {(1,)})

    def test_transaction_that_stays_open_stops_nobody(self):
        idle = self.connect()
        idle.execute("UPDATE orders SET name = 'idle' WHERE id = 1")
        for turn in range(3):
            self.tell(f"UPDATE orders SET name = '{turn}' WHERE id = 2")
            self.assertEqual(self.keys(), {(2,)})
        idle.commit()
        self.assertEqual(self.keys(), {(1,)})

    def test_rollbacks_and_savepoints(self):
        other = self.connect()
        other.execute("UPDATE orders SET name = 'kept' WHERE id = 1")
        other.execute('SAVEPOINT s')
        other.execute('DELETE FROM orders WHERE id = 2')
        other.execute('ROLLBACK TO s')
        other.execute("INSERT INTO orders VALUES (4, 'd')")
        other.commit()
        other.execute('DELETE FROM orders')
        other.rollback()
        self.assertEqual(self.keys(), {(1,), (4,)})

    def test_key_changes(self):
        self.tell('UPDATE orders SET id = 7 WHERE id = 2')
        self.assertEqual(self.keys(), {(2,), (7,)})
        # To another partition, with the trigger of a partition.
        self.tell('UPDATE lines SET place = 12 WHERE place = 1')
        self.assertEqual(self.keys('lines'), {(1, 'x'), (12, 'x')})

    def test_swap(self):
        self.tell('ALTER TABLE orders ADD UNIQUE (name) DEFERRABLE')
        self.ask()
        self.tell("UPDATE orders SET name = CASE name WHEN 'a' THEN 'b' "
                  "ELSE 'a' END WHERE id < 3")
        self.assertEqual(self.keys(), {(1,), (2,)})

    def test_upsert_merge_and_copy(self):
        self.tell("INSERT INTO orders VALUES (3, 'u'), (4, 'v') "
                  'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name')
        self.assertEqual(self.keys(), {(3,), (4,)})
        self.tell("MERGE INTO orders o USING (VALUES (4), (5)) AS v (id) "
                  "ON o.id = v.id WHEN MATCHED THEN DELETE "
                  "WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'm')")
        self.assertEqual(self.keys(), {(4,), (5,)})
        with self.connection.cursor().copy('COPY orders FROM STDIN') as copy:
            copy.write_row((6, 'copied'))
        self.assertEqual(self.keys(), {(6,)})

    def test_cascade(self):
        self.tell('CREATE TABLE notes (id int PRIMARY KEY, "order" int '
                  'REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE)')
        self.database.execute(self.database.plan_tracking(
            self.database.tables()))
        self.tell('INSERT INTO notes VALUES (1, 1), (2, 2), (3, 2)')
        self.copy = Copy('public.orders', 'public.notes')
        self.ask()
        self.tell('DELETE FROM orders WHERE id = 2')
        self.assertEqual(self.keys('notes'), {(2,), (3,)})
        self.tell('UPDATE orders SET id = 10 WHERE id = 1')
        self.assertEqual(self.keys('notes'), {(1,)})

    def test_prepared_transaction(self):
        [[most]] = self.tell('SHOW max_prepared_transactions')
        if most == '0':
            self.skipTest('the server of PostgreSQL allows no prepared '
                          'transactions')
        other = self.connect()
        other.tpc_begin('gset')
        other.execute("UPDATE orders SET name = 'p' WHERE id = 1")
        other.tpc_prepare()
        other.close()
        self.assertEqual(self.keys(), set())
        self.tell("COMMIT PREPARED 'gset'")
        self.assertEqual(self.keys(), {(1,)})

    def test_writes_to_a_partition(self):
        self.tell("INSERT INTO low VALUES (5, 'direct')")
        self.assertEqual(self.keys('lines'), {(5, 'direct')})

    def test_new_partition(self):
        self.tell('CREATE TABLE top PARTITION OF lines '
                  'FOR VALUES FROM (20) TO (30)')
        self.ask()
        self.tell("INSERT INTO top VALUES (25, 'new')")
        self.assertEqual(self.keys('lines'), {(25, 'new')})

    def test_without_triggers_of_users(self):
        # As a subscriber of logical replication, or a restoring program.
        self.tell('SET session_replication_role = replica')
        self.tell('DELETE FROM orders WHERE id = 2')
        self.assertEqual(self.keys(), {(2,)})

    def test_user_without_privileges(self):
        role = self.role()
        self.tell(f'GRANT ALL ON orders TO {role}')
        self.tell(f'SET ROLE {role}')
        # The functions don't use what the user has put in the way.
        self.tell('CREATE TEMP TABLE queue_1 (k1 int)')
        self.tell("UPDATE orders SET name = 'u' WHERE id = 3")
        self.tell('DELETE FROM orders WHERE id = 1')
        with self.assertRaises(psycopg.errors.InsufficientPrivilege):
            self.tell('SELECT FROM gset.state')
        self.tell('RESET ROLE')
        self.assertEqual(self.keys(), {(1,), (3,)})

    def test_bulk(self):
        self.tell("INSERT INTO orders SELECT n, 'n' "
                  'FROM generate_series(100, 5099) n')
        self.assertEqual(len(self.keys()), 5000)

    def test_changes_come_in_their_order(self):
        for id in 3, 1, 2:
            self.tell(f"UPDATE orders SET name = 'n' WHERE id = {id}")
            self.database.version()
        self.tell("UPDATE orders SET name = 'n' WHERE id = 3")
        since = self.copy.position.generation
        with self.database.reading() as reading:
            self.assertEqual(
                list(reading.changes(reading.table('public.orders'), since)),
                [(1,), (2,), (3,)])

    def test_other_process_has_the_same_position(self):
        other = self.open()
        self.tell('DELETE FROM orders WHERE id = 1')
        self.ask()
        self.assertEqual(other.version(), self.copy.position)
        with other.reading() as reading:
            self.assertEqual(reading.position, self.copy.position)

    def test_reader_stops_nobody(self):
        with self.database.reading() as reading:
            self.tell("UPDATE orders SET name = 'w' WHERE id = 1")
            self.ask()
            self.assertGreater(self.copy.position, reading.position)
            table = reading.table('public.orders')
            self.assertEqual(dict(reading.scan(table))[1,], (1, 'a'))

    def test_who_numbers_waits_for_no_lock_of_a_table(self):
        reader = self.connect()
        reader.execute('SELECT FROM orders')
        other = self.connect(autocommit=True)
        self.tell('DELETE FROM orders WHERE id = 1')
        version = self.copy.position
        with ThreadPoolExecutor() as threads:
            altering = threads.submit(
                other.execute, 'ALTER TABLE orders ADD COLUMN size int')
            try:
                wait(lambda: self.tell(
                    'SELECT FROM pg_locks WHERE NOT granted').fetchall())
                self.assertNotEqual(self.database.version(), version)
            finally:
                reader.rollback()
            altering.result()
        self.ask()

    def test_removals_are_forgotten(self):
        database = self.open(removals=5)
        self.tell('INSERT INTO orders SELECT generate_series(10, 29)')
        self.ask()
        for id in range(10, 30):
            self.tell(f'DELETE FROM orders WHERE id = {id}')
            database.version()
        recent = Copy(*self.copy.rows)
        self.check(recent, database)
        self.tell('DELETE FROM orders WHERE id = 1')
        database.version()
        database.tidy()
        self.ask()
        self.assertEqual(self.copy.renewed, {'public.orders'})
        self.check(recent, database)
        self.assertEqual(recent.renewed, set())
        self.assertEqual(recent.keys['public.orders'], {(1,)})

    def test_as_many_removals_as_rows(self):
        """As ANALYZE has counted them, in partitions, too."""
        database = self.open(removals=5)
        self.tell('INSERT INTO orders SELECT generate_series(10, 29)')
        self.tell("INSERT INTO lines SELECT n, 'w' "
                  'FROM generate_series(1, 19) n')
        self.tell('ANALYZE orders, low, high')
        self.ask()
        since = self.copy.position.generation
        for id in range(10, 19):
            self.tell(f'DELETE FROM orders WHERE id = {id}')
            self.tell(f'DELETE FROM lines WHERE place = {id}')
            database.version()
        database.tidy()
        self.assertGreaterEqual(len(self.keys()), 9)
        self.tell('DELETE FROM orders WHERE id > 3')
        self.tell('ANALYZE orders')
        database.version()
        database.tidy()
        with database.reading() as reading:
            self.assertGreater(
                reading.floor(reading.table('public.orders')), since)
            self.assertLess(
                reading.floor(reading.table('public.lines')), since)

    def test_removals_of_one_transaction(self):
        """They are known, however many there are."""
        database = self.open(removals=2)
        self.tell('DELETE FROM orders')
        database.version()
        database.tidy()
        self.assertEqual(self.keys(), {(1,), (2,), (3,)})

    def test_nobody_waits_while_nothing_is_forgotten(self):
        other = self.connect()
        other.execute('LOCK TABLE gset.state IN EXCLUSIVE MODE')
        self.database.tidy()

    def test_how_many_removals_are_known(self):
        """So many may come while a table is copied for the first time."""
        since = self.database.version().generation
        # To delete so many rows would take long.
        [[number]] = self.tell(
            'SELECT number FROM gset.tables '
            "WHERE relation = 'orders'::regclass")
        self.tell(f'INSERT INTO gset.rows_{number} (k1, generation, gone) '
                  f'SELECT n, {since} + n, true '
                  'FROM generate_series(11, 100010) n')
        self.database.tidy()
        with self.database.reading() as reading:
            table = reading.table('public.orders')
            self.assertLessEqual(reading.floor(table), since)

    def test_renew(self):
        epoch, generation = self.copy.position
        self.assertIsNone(self.database.renew(self.copy.position))
        self.assertIsNone(self.database.renew(
            self.copy.position._replace(epoch='other', generation=99)))
        new = self.database.renew(
            self.copy.position._replace(generation=generation + 1))
        self.assertNotIn(new, (None, epoch))
        self.ask()
        self.assertEqual(self.copy.position.epoch, new)
