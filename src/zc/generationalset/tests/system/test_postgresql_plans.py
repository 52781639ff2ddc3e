"""What is added to a PostgreSQL database, and removed from it."""

import re
import subprocess
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from zc.generationalset.sql.errors import DatabaseError, Untrackable
from zc.generationalset.tests.support.postgresql import DATABASES, programs
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    ORDERS,
    Copy,
    PostgreSQLTests,
)


class PlanTests(PostgreSQLTests):

    def dump(self):
        result = subprocess.run(
            [programs() / 'pg_dump', '-d', self.dsn], capture_output=True,
            text=True, check=True)
        # Each dump has another key.
        return re.sub(r'\\(un)?restrict .*', '', result.stdout)

    def test_nothing_is_left(self):
        for statement in (ORDERS, LINES, 'CREATE TABLE bare (name text)',
                          "INSERT INTO bare VALUES ('a')"):
            self.tell(statement)
        before = self.dump()
        database = self.open()
        self.assertEqual(database.plan_untracking().statements, ())
        database.execute(database.plan_tracking(
            database.tables(), add_key=True))
        self.assertNotEqual(self.dump(), before)
        self.assertEqual(len(database.tracked()), 3)
        database.version()
        database.execute(database.plan_untracking())
        self.assertEqual(self.dump(), before)
        self.assertEqual(database.tracked(), [])
        with self.assertRaises(DatabaseError):
            database.version()

    def test_restored_dump(self):
        database = self.track(ORDERS, LINES)
        self.tell("INSERT INTO orders VALUES (1, 'a')")
        copy = Copy('public.orders', 'public.lines')
        self.check(copy, database)
        self.tell("UPDATE orders SET name = 'b'")  # it isn't numbered
        dump = self.dump()
        self.dsn = DATABASES.new()  # another one
        subprocess.run(
            [programs() / 'psql', '-qd', self.dsn],
            input=dump, text=True, check=True, capture_output=True)
        epoch = copy.position.epoch
        database = self.open()
        self.check(copy, database)
        self.assertNotEqual(copy.position.epoch, epoch)
        with psycopg.connect(self.dsn) as connection:
            connection.execute("INSERT INTO orders VALUES (2, 'c')")
        self.check(copy, database)
        self.assertEqual(copy.keys['public.orders'], {(2,)})

    def test_again(self):
        database = self.track(ORDERS)
        self.assertEqual(
            database.plan_tracking(database.tables()).statements, ())
        copy = Copy('public.orders')
        self.check(copy, database)
        self.tell(LINES)
        database.execute(database.plan_tracking(database.tables()))
        self.assertEqual(set(map(str, database.tracked())),
                         {'public.lines', 'public.orders'})
        copy.rows['public.lines'] = {}
        self.check(copy, database)
        self.assertEqual(copy.renewed, {'public.lines'})

    def test_add_key(self):
        self.tell('CREATE TABLE bare (name text)')
        self.tell("INSERT INTO bare VALUES ('a'), ('a')")
        database = self.open()
        database.execute(database.plan_tracking(
            database.tables(), add_key=True))
        [table] = database.tracked()
        with database.reading() as reading:
            rows = list(reading.scan(table))
        self.assertEqual([row.values[0] for row in rows], ['a', 'a'])
        self.assertTrue(all(type(row.key[0]) is UUID for row in rows))

    def test_owner_who_is_no_superuser(self):
        role = self.role()
        [[name]] = self.tell('SELECT current_database()')
        self.tell(f'GRANT CREATE ON DATABASE {name} TO {role}')
        self.tell(ORDERS)
        self.tell(f'ALTER TABLE orders OWNER TO {role}')
        self.dsn = make_conninfo(self.dsn, user=role)
        database = self.open()
        database.execute(database.plan_tracking(database.tables()))
        copy = Copy('public.orders')
        self.check(copy, database)
        with database.writing() as writing:
            writing.insert(writing.table('public.orders'), (1,), {})
        self.check(copy, database)
        self.assertEqual(copy.keys, {'public.orders': {(1,)}})
        database.execute(database.plan_untracking())

    def test_names_that_need_quotes(self):
        self.addCleanup(self.tell, 'DROP SCHEMA "my ""schema" CASCADE')
        database = self.track(
            'CREATE SCHEMA "my ""schema"', 'CREATE TABLE "my ""schema"."a.b%c"'
            ' ("the $1 ""key" text PRIMARY KEY, "per%cent" text)')
        [table] = database.tracked()
        with database.writing() as writing:
            writing.insert(table, ("it's",), {'per%cent': '%s'})
        copy = Copy(str(table))
        self.check(copy, database)
        self.assertEqual(copy.rows, {str(table): {("it's",): ("it's", '%s')}})

    def test_refused(self):
        self.tell('''
            CREATE TABLE bare (name text);
            CREATE TABLE padded (id char(5) PRIMARY KEY);
            CREATE TABLE floating (id float8 PRIMARY KEY);
            CREATE TABLE timed (id int, at time, PRIMARY KEY (id, at));
            CREATE TABLE arrays (id int[] PRIMARY KEY);
            CREATE UNLOGGED TABLE volatile (id int PRIMARY KEY);
            CREATE TABLE parent (id int PRIMARY KEY);
            CREATE TABLE child () INHERITS (parent);
            CREATE VIEW seen AS SELECT * FROM bare;
            CREATE MATERIALIZED VIEW kept AS SELECT * FROM bare''')
        database = self.open()
        tables = {table.name: table for table in database.tables()}
        for name, text in {
                'bare': 'public.bare: expected a primary key',
                'padded': 'public.padded: column id of the key.*char',
                'floating': 'public.floating: column id .*double',
                'timed': 'public.timed: column at .*time',
                'arrays': 'public.arrays: column id .*integer',
                'volatile': 'public.volatile is unlogged',
                'parent': 'the table public.child inherits',
                'seen': 'public.seen.* a view',
                'kept': 'public.kept.* a materialized view'}.items():
            with self.subTest(name), self.assertRaisesRegex(
                    Untrackable, text):
                database.plan_tracking([tables[name]])
        self.assertEqual(database.tracked(), [])

    def test_collation_in_which_different_texts_are_equal(self):
        try:
            self.tell("CREATE COLLATION loose (provider = icu, "
                      "locale = 'und', deterministic = false)")
        except psycopg.errors.FeatureNotSupported:
            return  # this server has no such collations
        self.tell('CREATE TABLE names (id text COLLATE loose PRIMARY KEY)')
        database = self.open()
        with self.assertRaisesRegex(
                Untrackable, 'public.names: column id .*collation'):
            database.plan_tracking(database.tables())

    def test_nothing_is_tracked(self):
        with self.assertRaisesRegex(DatabaseError, 'tracked'), \
                self.open().reading():
            pass

    def test_no_server(self):
        self.dsn = 'host=/nowhere dbname=none'
        with self.assertRaisesRegex(DatabaseError, 'no connection'):
            self.open()
