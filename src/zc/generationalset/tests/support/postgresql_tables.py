"""Tables in SQL databases, and copies of them that follow the changes."""

import re
import unittest
from contextlib import closing

import psycopg

from zc.generationalset.sql.postgresql import PostgreSQLDatabase
from zc.generationalset.tests.support.postgresql import DATABASES

ORDERS = 'CREATE TABLE orders (id int PRIMARY KEY, name text)'
LINES = '''
    CREATE TABLE lines (place int, name text, PRIMARY KEY (place, name))
        PARTITION BY RANGE (place);
    CREATE TABLE low PARTITION OF lines FOR VALUES FROM (0) TO (10);
    CREATE TABLE high PARTITION OF lines FOR VALUES FROM (10) TO (20)'''


class Copy:
    """What a client has of some tables.

    It is told what changed, as clients of a server are: keys, and whole tables
    if the position that it has is too old.

    limit
        How many keys it gets at a time; None for all.
    """

    def __init__(self, *names, conditions=(), limit=None):
        self.position = None
        self.limit = limit
        #: Those of the rows that it has, by the names of tables.
        self.conditions = dict(conditions)
        self.rows = {name: {} for name in names}
        #: The tables whose contents came with the last answer.
        self.renewed = set()
        #: The keys that came with it.
        self.keys = {}

    def ask(self, database):
        """Apply an answer; return what the tables had at that moment."""
        self.renewed, self.keys = set(), {}
        with database.reading() as reading:
            before, self.position = self.position, reading.position
            for name, rows in self.rows.items():
                self._apply(reading, self._table(reading, name), rows, before)
            return {name: dict(reading.scan(self._table(reading, name)))
                    for name in self.rows}

    def _table(self, reading, name):
        table = reading.table(name)
        where = self.conditions.get(name)
        return reading.filtered(table, where, {}) if where else table

    def _apply(self, reading, table, rows, before):
        if before is None or before.epoch != self.position.epoch \
                or before.generation < reading.floor(table):
            self.renewed.add(str(table))
            rows.clear()
            rows.update(reading.scan(table))
            return
        keys = list(self._changes(reading, table, before.generation))
        self.keys[str(table)] = set(keys)
        for key in keys:
            rows.pop(key, None)
        rows.update(reading.rows(table, keys))

    def _changes(self, reading, table, since):
        if self.limit is None:
            yield from reading.changes(table, since)
            return
        keys, place = reading.some_changes(table, since, (), self.limit)
        while place:
            yield from keys
            keys, place = reading.some_changes(
                table, since, place, self.limit)
        yield from keys


class PostgreSQLTests(unittest.TestCase):
    """Tests that have a database of PostgreSQL."""

    layer = DATABASES

    def setUp(self):
        self.dsn = DATABASES.lend(self)
        self.connection = self.connect(autocommit=True)
        self.tell = self.connection.execute

    def connect(self, **options):
        return self.enterContext(closing(psycopg.connect(
            self.dsn, **options)))

    def enterContext(self, context):
        # unittest has this since Python 3.11.
        result = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return result

    def role(self):
        """Make a role that may log in, and no more."""
        name = 'gset_' + re.search('[0-9a-f]{32}', self.dsn).group()
        self.tell(f'CREATE ROLE {name} LOGIN')
        self.addCleanup(self._drop, self.dsn, name)
        return name

    def _drop(self, dsn, role):
        with psycopg.connect(dsn) as connection:
            connection.execute(f'DROP OWNED BY {role}')
            connection.execute(f'DROP ROLE {role}')

    def open(self, **options):
        """Open the database once more, as another process would."""
        return self.enterContext(closing(PostgreSQLDatabase(
            self.dsn, **options)))

    def track(self, *statements, **options):
        """Make tables, and track all."""
        for statement in statements:
            self.tell(statement)
        database = self.open()
        database.execute(database.plan_tracking(
            database.tables(), **options))
        return database

    def check(self, copy, database):
        """Let a copy ask; it must have what the tables have then."""
        truth = copy.ask(database)
        self.assertEqual(copy.rows, truth)


