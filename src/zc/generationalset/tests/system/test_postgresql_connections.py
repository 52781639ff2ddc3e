"""Connections to PostgreSQL that end, and servers that can't be used."""

from unittest import mock

import psycopg
from psycopg.conninfo import make_conninfo

from zc.generationalset.sources import Uncertain
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.postgresql import moment
from zc.generationalset.tests.support.postgresql import Server
from zc.generationalset.tests.support.postgresql_tables import (
    ORDERS,
    Copy,
    PostgreSQLTests,
)

END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'gset' AND datname = current_database()"""


class ConnectionsTests(PostgreSQLTests):

    def test_connections_end_while_nobody_uses_them(self):
        database = self.track(ORDERS)
        copy = Copy('public.orders')
        self.check(copy, database)
        self.tell(END)
        self.tell('INSERT INTO orders VALUES (1)')
        self.check(copy, database)
        self.assertEqual(copy.keys['public.orders'], {(1,)})

    def test_snapshots_of_another_connection_say_nothing(self):
        database = self.track(ORDERS)
        # As by chance on another server.
        with mock.patch.object(moment, 'snapshot', return_value='1:1:'):
            version = database.version()
            self.tell('INSERT INTO orders VALUES (1)')
            self.assertEqual(database.version(), version)
            self.tell(END)
            self.assertNotEqual(database.version(), version)

    def test_connection_ends_before_a_commit(self):
        database = self.track(ORDERS)
        database.version()
        with self.assertRaises(Uncertain), database.writing() as writing:
            writing.insert(writing.table('public.orders'), (1,), {})
            self.tell(END)
        with database.reading() as reading:
            self.assertEqual(reading.length(
                reading.table('public.orders')), 0)

    def test_connection_ends_while_a_reader_reads(self):
        database = self.track(ORDERS)
        with self.assertRaises(psycopg.OperationalError), \
                database.reading() as reading:
            self.tell(END)
            reading.length(reading.table('public.orders'))
        self.assertTrue(issubclass(psycopg.OperationalError,
                                   database.failures))

    def test_rows_that_are_locked_stop_no_reader(self):
        database = self.track(ORDERS)
        self.tell('INSERT INTO orders VALUES (1)')
        other = self.connect()
        other.execute('SELECT FROM orders FOR UPDATE')
        self.check(Copy('public.orders'), database)

    def test_operators_of_users(self):
        """They may come first on the path of a database."""
        [[name]] = self.tell('SELECT current_database()')
        self.tell(f"""
            CREATE FUNCTION never(int, int) RETURNS bool
                LANGUAGE sql AS 'SELECT false';
            CREATE OPERATOR public.= (
                LEFTARG = int, RIGHTARG = int, FUNCTION = never);
            ALTER DATABASE {name} SET search_path = public, pg_catalog""")
        self.addCleanup(
            self.tell, f'ALTER DATABASE {name} RESET search_path')
        database = self.track(ORDERS)
        copy = Copy('public.orders')
        self.check(copy, database)
        self.tell('INSERT INTO orders VALUES (1)')
        self.check(copy, database)
        self.assertEqual(copy.keys['public.orders'], {(1,)})

    def test_rows_that_a_policy_hides(self):
        """Nobody would notice that they come and go."""
        role = self.role()
        self.tell('GRANT CREATE ON DATABASE {} TO {}'.format(
            *self.tell('SELECT current_database()').fetchone(), role))
        self.tell(ORDERS)
        self.tell(f'ALTER TABLE orders OWNER TO {role}')
        self.tell('ALTER TABLE orders ENABLE ROW LEVEL SECURITY')
        self.dsn = make_conninfo(self.dsn, user=role)
        database = self.track()
        self.tell("INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
        copy = Copy('public.orders')
        self.check(copy, database)
        self.assertEqual(len(copy.rows['public.orders']), 2)  # the owner's
        self.tell('ALTER TABLE orders FORCE ROW LEVEL SECURITY')
        self.tell("CREATE POLICY few ON orders USING (name = 'a')")
        with self.assertRaisesRegex(DatabaseError, 'row-level security'):
            copy.ask(database)

    def test_standby(self):
        server = Server()
        self.addCleanup(server.close)
        (server.directory / 'data' / 'standby.signal').touch()
        server.start()
        self.dsn = server.dsn()
        with self.assertRaisesRegex(DatabaseError, 'a standby'):
            self.open()
