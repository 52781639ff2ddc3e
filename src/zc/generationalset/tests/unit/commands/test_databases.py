"""Databases that commands open."""

import fcntl
import os
import unittest
from unittest import mock

import transaction
from psycopg2.extensions import parse_dsn
from relstorage.adapters.postgresql.schema import PostgreSQLSchemaInstaller
from relstorage.adapters.sqlite.schema import Sqlite3SchemaInstaller
from ZODB.MappingStorage import MappingStorage
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.commands import Failure, databases
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.postgresql import DATABASES

CONNECTIONS = 5
BYTES = 100_000


class MemoryTests(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def kept(self, data):
        """Read everything in all connections; return the bytes they keep."""
        with mock.patch.object(databases, 'CACHE', BYTES), \
                databases.opened(data, CONNECTIONS) as db:
            self.fill(db)
            managers = [transaction.TransactionManager()
                        for _ in range(CONNECTIONS)]
            connections = [db.open(manager) for manager in managers]
            for manager, connection in zip(
                    managers, connections, strict=True):
                for item in connection.root()['things']:
                    item.value
                manager.abort()
                connection.close()
            return sum(connection._cache.total_estimated_size
                       for connection in connections)

    def fill(self, db):
        with db.transaction() as connection:
            things = connection.root()['things'] = GSet()
            for number in range(200):
                things.add(Document(number, 'x' * 1000))

    def test_the_connections_share_the_bound(self):
        kept = self.kept('Data.fs')
        self.assertGreater(kept, BYTES / 4)
        self.assertLess(kept, BYTES / 2 * 1.1)  # the rest is for large answers

    def test_a_uri_gives_each_connection_its_own(self):
        kept = self.kept('file://Data.fs?connection_cache_size_bytes=50000')
        self.assertGreater(kept, BYTES * 1.1)


class OpeningTests(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def test_tables_of_sqlite_are_made_alone(self):
        """RelStorage makes one after the other."""
        seen = []
        real = Sqlite3SchemaInstaller.create_tables

        def create_tables(*arguments):
            file = os.open('hub', os.O_RDONLY)
            with self.assertRaises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(file)
            seen.append(None)
            return real(*arguments)

        with mock.patch.object(
                Sqlite3SchemaInstaller, 'create_tables', create_tables), \
                databases.opened('sqlite:///?data_dir=hub'):
            self.assertTrue(seen)
            file = os.open('hub', os.O_RDONLY)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(file)

    def test_what_can_not_be_opened_is_closed(self):
        storage = MappingStorage()
        with mock.patch.object(
                databases, '_storage', return_value=(storage, {})), \
                self.assertRaisesRegex(Failure, 'can not open'), \
                databases.opened('zeo://localhost', cache_sise=1):
            pass
        self.assertFalse(storage.opened())


class PostgreSQLTests(unittest.TestCase):

    layer = DATABASES

    def test_another_process_makes_the_tables(self):
        given = parse_dsn(DATABASES.lend(self))
        uri = (f'postgresql://{given["user"]}@/{given["dbname"]}'
               f'?host={given["host"]}')
        real = PostgreSQLSchemaInstaller._create_commit_row_lock
        others = []

        def create(*arguments):
            if not others:
                others.append(None)
                with databases.opened(uri):
                    pass
            return real(*arguments)

        with mock.patch.object(
                PostgreSQLSchemaInstaller, '_create_commit_row_lock',
                create), databases.opened(uri) as db, \
                db.transaction() as connection:
            self.assertEqual(len(connection.root()), 0)
        self.assertTrue(others)
