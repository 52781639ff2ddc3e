"""What triggers can't see of PostgreSQL tables: it is noticed, too."""

import psycopg

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    ORDERS,
    Copy,
    PostgreSQLTests,
)


class UnseenTests(PostgreSQLTests):
    """What triggers can't see raises the floor of the table."""

    def setUp(self):
        super().setUp()
        self.database = self.track(ORDERS, LINES)
        self.tell("INSERT INTO orders VALUES (1, '1'), (2, '2'), (3, '3')")
        self.tell("INSERT INTO lines VALUES (1, 'x'), (2, 'y'), (11, 'z')")
        self.copy = Copy('public.orders', 'public.lines')
        self.check(self.copy, self.database)

    def assertRenews(self, name, *statements):
        version = self.database.version()
        for statement in statements:
            self.tell(statement)
        self.assertNotEqual(self.database.version(), version, statements)
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, {f'public.{name}'}, statements)
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, set(), statements)

    def test_columns(self):
        self.assertRenews('orders', 'ALTER TABLE orders ALTER name TYPE int '
                          'USING name::int')
        self.assertRenews('orders',
                          'ALTER TABLE orders ADD COLUMN size int DEFAULT 5')
        self.assertRenews('orders', 'ALTER TABLE orders DROP COLUMN size')
        self.assertRenews('orders', 'ALTER TABLE orders RENAME name TO title')

    def test_labels_of_enums(self):
        self.tell("CREATE TYPE mood AS ENUM ('good', 'bad')")
        self.assertRenews('orders', 'ALTER TABLE orders ADD mood mood')
        self.tell("UPDATE orders SET mood = 'good'")
        self.check(self.copy, self.database)
        self.assertRenews('orders',
                          "ALTER TYPE mood RENAME VALUE 'good' TO 'best'")

    def test_truncate(self):
        self.assertRenews('orders', 'TRUNCATE orders')
        self.assertRenews('lines', 'TRUNCATE low')
        self.assertEqual(list(self.copy.rows['public.lines']), [(11, 'z')])
        self.assertRenews('lines', "TRUNCATE lines",
                          "INSERT INTO lines VALUES (3, 'again')")

    def test_truncate_of_a_new_partition(self):
        self.tell('CREATE TABLE top PARTITION OF lines '
                  'FOR VALUES FROM (20) TO (30)')
        self.tell("INSERT INTO top VALUES (25, 'new')")
        self.check(self.copy, self.database)
        self.assertRenews('lines', 'TRUNCATE top')

    def test_truncate_while_a_reader_reads(self):
        with self.database.reading() as reading:
            other = self.connect(autocommit=True)
            other.execute("SET lock_timeout = '50ms'")
            with self.assertRaises(psycopg.errors.LockNotAvailable):
                other.execute('TRUNCATE orders')
            table = reading.table('public.orders')
            self.assertEqual(len(list(reading.scan(table))), 3)

    def test_partitions_come_and_go(self):
        self.assertRenews('lines', 'ALTER TABLE lines DETACH PARTITION low')
        self.assertRenews(
            'lines', "UPDATE low SET name = 'away'",
            'ALTER TABLE lines ATTACH PARTITION low '
            'FOR VALUES FROM (0) TO (10)')
        self.assertRenews(
            'lines', 'ALTER TABLE lines DETACH PARTITION low',
            "UPDATE low SET name = 'off' || place",
            'ALTER TABLE lines ATTACH PARTITION low '
            'FOR VALUES FROM (0) TO (10)')
        self.assertRenews('lines', 'DROP TABLE high')

    def test_partition_comes_while_a_reader_reads(self):
        self.tell('ALTER TABLE lines DETACH PARTITION low')
        self.check(self.copy, self.database)
        with self.database.reading() as reading:
            table = reading.table('public.lines')
            self.assertEqual(reading.length(table), 1)
            self.tell('ALTER TABLE lines ATTACH PARTITION low '
                      'FOR VALUES FROM (0) TO (10)')
            self.assertEqual(reading.length(table), 1)
            self.assertEqual([row.key for row in reading.scan(table)],
                             [(11, 'z')])
            self.assertEqual(list(reading.rows(table, [(1, 'x')])), [])
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, {'public.lines'})

    def test_triggers_were_disabled(self):
        self.assertRenews(
            'orders', 'ALTER TABLE orders DISABLE TRIGGER gset_2_write',
            "UPDATE orders SET name = 'unseen' WHERE id = 2",
            'ALTER TABLE orders ENABLE ALWAYS TRIGGER gset_2_write')
        # A partition's trigger alone.
        self.assertRenews(
            'lines', 'ALTER TABLE low DISABLE TRIGGER gset_1_delete',
            'DELETE FROM low WHERE place = 1',
            'ALTER TABLE low ENABLE ALWAYS TRIGGER gset_1_delete')

    def test_triggers_are_disabled(self):
        for change in 'DISABLE', 'ENABLE':  # not ALWAYS
            self.tell(f'ALTER TABLE orders {change} TRIGGER ALL')
            with self.assertRaisesRegex(
                    DatabaseError, 'table public.orders: expected its tri'):
                self.copy.ask(self.database)
        self.tell("UPDATE orders SET name = 'unseen' WHERE id = 2")
        plan = self.database.plan_tracking(self.database.tables())
        self.assertFalse([each for each in plan.statements if 'lines' in each])
        self.database.execute(plan)
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, {'public.orders'})
        self.tell("UPDATE orders SET name = 'seen' WHERE id = 2")
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.keys['public.orders'], {(2,)})

    def test_trigger_of_a_partition_is_disabled(self):
        self.tell('ALTER TABLE low DISABLE TRIGGER gset_1_write')
        with self.assertRaisesRegex(DatabaseError, 'table public.lines'):
            self.copy.ask(self.database)
        self.tell("UPDATE low SET name = 'unseen' || place")
        self.database.execute(self.database.plan_tracking(
            self.database.tables()))
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, {'public.lines'})

    def test_key_column_has_another_name(self):
        self.tell('ALTER TABLE orders RENAME id TO number')
        with self.assertRaises(psycopg.errors.UndefinedColumn):
            self.tell("UPDATE orders SET name = 'fails'")
        self.database.execute(self.database.plan_tracking(
            self.database.tables()))
        self.tell("UPDATE orders SET name = 'works'")
        self.check(self.copy, self.database)

    def test_type_of_key_is_kept(self):
        with self.assertRaises(psycopg.errors.FeatureNotSupported):
            self.tell('ALTER TABLE orders ALTER id TYPE bigint')

    def test_vacuum(self):
        self.tell('VACUUM orders')
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, set())
        self.assertRenews('orders', 'VACUUM FULL orders')

    def test_table_goes(self):
        self.tell('DROP TABLE orders')
        with self.assertRaisesRegex(DatabaseError, 'got public.orders'):
            self.copy.ask(self.database)
        copy = Copy('public.lines')
        self.check(copy, self.database)
        # One of the same name is another table.
        self.tell(ORDERS)
        with self.assertRaisesRegex(DatabaseError, 'got public.orders'):
            self.copy.ask(self.database)

    def test_state_was_restored(self):
        # As a dump restores it, with what isn't numbered.
        self.tell("UPDATE orders SET name = 'd'")
        epoch = self.copy.position.epoch
        self.tell('''
            ALTER TABLE gset.state RENAME TO old;
            CREATE TABLE gset.state (LIKE gset.old);
            INSERT INTO gset.state TABLE gset.old;
            DROP TABLE gset.old''')
        self.check(self.copy, self.database)
        self.assertNotEqual(self.copy.position.epoch, epoch)
        self.tell("UPDATE orders SET name = 'e' WHERE id = 1")
        self.check(self.copy, self.database)
        self.assertEqual(self.copy.renewed, set())
        self.assertEqual(self.copy.keys['public.orders'], {(1,)})

    def test_copied_database(self):
        self.database.close()
        self.connection.close()
        copied = DATABASES.copy(self.dsn)
        self.dsn = copied
        with psycopg.connect(copied) as connection:
            connection.execute("UPDATE orders SET name = 'there'")
        epoch = self.copy.position.epoch
        self.check(self.copy, self.open())
        self.assertNotEqual(self.copy.position.epoch, epoch)
