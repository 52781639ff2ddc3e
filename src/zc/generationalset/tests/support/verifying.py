"""Two SQLite databases that are compared."""

import sqlite3
import unittest
from contextlib import closing

from zope.testing import setupstack

from zc.generationalset.sql import Verification, open_database
from zc.generationalset.tests.support import tables

SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total);
"""
ORDERS = """
    INSERT INTO orders VALUES (1, 'Ann', 12.5), (2, 'Bob', 1), (3, 'Cy', NULL);
"""


class Verifying(unittest.TestCase):

    schema = SCHEMA

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        for name in 'here.db', 'there.db':
            tables.make(name, self.schema)
        self.here, self.there = map(self.open, ('here.db', 'there.db'))

    def open(self, name):
        database = open_database(f'sqlite:///{name}')
        self.addCleanup(database.close)
        return database

    def run_sql(self, name, script):
        with closing(sqlite3.connect(name)) as connection:
            connection.executescript(script)

    def both(self, script):
        self.run_sql('here.db', script)
        self.run_sql('there.db', script)

    def verify(self, *names, told=None):
        """Return ids of rows with the columns that differ; keep the rest."""
        with Verification(
                self.here, self.there, names, told) as verification:
            self.found = list(verification.differences())
        self.misfits = verification.misfits
        self.totals = verification.totals
        self.is_equal = verification.is_equal
        return {each.id: each.columns for each in self.found}
