"""A source that the replica of a test follows."""

import sqlite3
from contextlib import closing

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sql import SQLSource
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.contract.databases import SCHEMA
from zc.generationalset.tests.support import tables

NAMES = 'people', 'pets', 'lines'


class ReplicaTools:
    """A source, an SQLite database, for the replica of a test.

    The database of the test is one of ``databases``.
    """

    #: The most entries of a page.
    size = 2

    def setUp(self):
        super().setUp()
        tables.make('source.db', f'PRAGMA journal_mode = WAL; {SCHEMA}')
        origin = SQLiteDatabase('source.db')
        self.addCleanup(origin.close)
        tables.track(origin, *NAMES)
        self.source = SQLSource(origin, NAMES)

    def run_sql(self, *statements):
        """Execute statements in the source."""
        with closing(sqlite3.connect(
                'source.db', isolation_level=None)) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    def answer(self):
        with self.source.snapshot() as snapshot:
            return self.decoded(snapshot.updates(None, self.asked()))

    def decoded(self, answer):
        return wire.decode(wire.encode(answer))

    def asked(self):
        return Position(self.replica.epoch, self.replica.generation)

    def sync(self):
        return self.apply(self.answer())

    def page(self):
        """Apply a page; return whether pages are missing."""
        with self.source.snapshot() as snapshot:
            try:
                page = snapshot.page(
                    None, self.asked(), self.replica.cursor, self.size)
            except StaleCursor:
                page = snapshot.page(None, self.asked(), '', self.size)
            page = self.decoded(page)
        self.apply(page)
        return bool(self.replica.cursor)

    def apply(self, answer):
        return self.replica.apply(answer)

    def answered(self, *updates, **members):
        """Apply an answer that a test makes."""
        epoch, generation = self.asked()
        return self.apply({
            'epoch': epoch, 'since': generation, 'generation': generation + 1,
            'adds': list(updates), **members})

    def copy(self):
        while self.page():
            pass

    def fill(self):
        self.run_sql(
            "INSERT INTO people VALUES (1, 'Ann', 42), (2, 'Bob', 50), "
            "(3, 'Cid', NULL), (4, NULL, 1)",
            'INSERT INTO pets VALUES (1, 2), (2, 2), (3, 4)',
            "INSERT INTO lines VALUES (1, 1, 'tea'), (1, 2, 'cake')")
