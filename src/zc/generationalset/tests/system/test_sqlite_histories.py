"""Random histories of SQLite databases, by several connections.

After each step, some clients ask, and each must have what the tables have at
that generation.
"""

import os
import random
import sqlite3
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from zope.testing import setupstack

from zc.generationalset.sources import Unavailable
from zc.generationalset.sql import SQLSource, View
from zc.generationalset.sql.sqlite import SQLiteDatabase, connections
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.properties import tries

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE parents (
    id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE,
    code NOT NULL DEFAULT 1 UNIQUE);
CREATE TABLE children (
    name TEXT COLLATE NOCASE, number INT, rank INT UNIQUE,
    parent REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE,
    PRIMARY KEY (name, number)) WITHOUT ROWID;
CREATE TABLE bare (a, b UNIQUE);
CREATE TRIGGER own AFTER UPDATE ON parents WHEN NEW.id = 3 BEGIN
    UPDATE OR REPLACE bare SET b = NEW.code; END;
"""
NAMES = 'parents', 'children', 'bare'
INSERTING = 'INSERT', 'INSERT OR REPLACE', 'INSERT OR IGNORE', 'INSERT OR FAIL'
UPDATING = 'UPDATE', 'UPDATE OR REPLACE', 'UPDATE OR IGNORE', 'UPDATE OR FAIL'


class Writer:
    """A connection that does anything."""

    def __init__(self, chance, patience=0):
        self.chance = chance
        self.connection = sqlite3.connect(
            'data.db', isolation_level=None, timeout=patience)
        self.connection.execute('PRAGMA synchronous = OFF')
        for pragma in 'foreign_keys', 'recursive_triggers':
            self.connection.execute(
                f'PRAGMA {pragma} = {chance.randrange(2)}')

    def step(self):
        # Constraints and locks are violated all the time.
        with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):
            self.connection.execute(self.statement())

    def statement(self):
        kind = self.chance.randrange(12)
        if kind == 0:
            return self.chance.choice(
                ['BEGIN', 'BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'])
        if kind == 1:
            return self.chance.choice([
                'SAVEPOINT a', 'ROLLBACK TO a', 'RELEASE a', 'COMMIT'])
        return self.chance.choice([
            self.inserting, self.inserting, self.updating, self.moving,
            self.deleting, self.upserting, self.altering])()

    def number(self):
        return self.chance.choice(['NULL', *range(1, 6)])

    def text(self):
        return self.chance.choice(['NULL', "'a'", "'A'", "'b'", "'c'"])

    def inserting(self):
        inserting = self.chance.choice(INSERTING)
        return self.chance.choice([
            f'{inserting} INTO parents (id, name) '
            f'VALUES ({self.number()}, {self.text()})',
            f'{inserting} INTO parents (name, code) VALUES '
            f'({self.text()}, {self.number()}), (\'d\', {self.number()})',
            f'{inserting} INTO children VALUES ({self.text()}, '
            f'{self.number()}, {self.number()}, {self.number()})',
            f'{inserting} INTO bare (a, b) VALUES '
            f'({self.number()}, {self.number()})'])

    def updating(self):
        updating = self.chance.choice(UPDATING)
        return self.chance.choice([
            f'{updating} parents SET name = {self.text()} '
            f'WHERE id <= {self.number()}',
            f'{updating} parents SET code = code + 1',
            f'{updating} children SET rank = {self.number()} - rank',
            f'{updating} bare SET b = {self.number()} '
            f'WHERE a = {self.number()}'])

    def moving(self):
        updating = self.chance.choice(UPDATING)
        return self.chance.choice([
            f'{updating} parents SET rowid = {self.number()} '
            f'WHERE id = {self.number()}',
            f'{updating} children SET name = {self.text()}',
            f'{updating} children SET number = number + 1 '
            f'WHERE name = {self.text()}'])

    def deleting(self):
        return self.chance.choice([
            f'DELETE FROM {name} WHERE {column} = {self.number()}'
            for name, column in [('parents', 'id'), ('children', 'rank'),
                                 ('bare', 'b'), ('parents', '1')]])

    def upserting(self):
        return (f'INSERT INTO parents (id, name) VALUES ({self.number()}, '
                f'{self.text()}) ON CONFLICT (name) DO UPDATE '
                f'SET code = {self.number()}')

    def altering(self):
        """Change a schema, rarely."""
        if self.chance.random() < .9:
            return self.inserting()
        return self.chance.choice([
            "ALTER TABLE bare ADD COLUMN more DEFAULT 'x'",
            'ALTER TABLE bare DROP COLUMN more',
            'DROP TRIGGER IF EXISTS gset_parents_update'])


def views(user):
    """Return what a user sees: the rows with his number."""
    return {name: View(name, None, f'{column} = :user', {'user': user})
            for name, column in [('parents', 'code'), ('children', 'rank')]}


def play(seed):
    chance = random.Random(seed)
    tables.make('data.db', SCHEMA)
    with closing(SQLiteDatabase('data.db')) as database:
        tables.track(database, *NAMES, add_key=True, noted=['code', 'rank'])
        everybody = [tables.Followers(SQLSource(database, NAMES)), *(
            tables.Followers(SQLSource(database, views), user)
            for user in (1, 2))]
        writers = [Writer(chance) for _ in range(3)]
        for _ in range(150):
            chance.choice(writers).step()
            if chance.random() < .2:
                ask(chance.choice(everybody), chance)
        for writer in writers:
            writer.connection.close()
        for followers in everybody:
            ask(followers, chance)
            followers.sync()


def ask(followers, chance):
    if len(followers.replicas) < 8:
        followers.join()
    size = chance.randrange(1, 1 + len(followers.replicas))
    # After a change of schema, readers need a lock, which a writer may have.
    with suppress(Unavailable):
        followers.sync(*chance.sample(followers.replicas, size))


class HistoriesTests(unittest.TestCase):

    layer = Histories

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    @tries(20)
    @given(st.integers(0, 2 ** 32))
    def test_replicas_have_what_the_tables_have(self, seed):
        for name in os.listdir():
            os.remove(name)
        # Nobody waits: all connections are in one thread.
        with mock.patch.object(connections, 'PATIENCE', 0):
            play(seed)

    def test_threads(self):
        """Writers write, and readers read, all at the same time."""
        for pragma in 'WAL', 'DELETE':
            with self.subTest(pragma=pragma):
                for name in os.listdir():
                    os.remove(name)
                tables.make('data.db', SCHEMA.replace('WAL', pragma))
                with closing(SQLiteDatabase('data.db')) as database:
                    self.write_and_read(database)

    def write_and_read(self, database):
        tables.track(database, *NAMES, add_key=True, noted=['code', 'rank'])
        done = threading.Event()

        def write(seed):
            writer = Writer(random.Random(seed), .2)
            for _ in range(100):
                writer.step()
            writer.connection.close()

        def read(user):
            followers = tables.Followers(
                SQLSource(database, views if user else NAMES), user)
            for _ in range(3):
                followers.join()
            while not done.is_set():
                with suppress(Unavailable):
                    followers.sync()
            followers.sync()
            return followers.replicas[0].generation

        with ThreadPoolExecutor(6) as threads:
            reading = [threads.submit(read, user) for user in (None, 1, 2)]
            list(threads.map(write, range(3)))
            done.set()
            self.assertEqual(len({each.result() for each in reading}), 1)
