"""The contract of sources, for each source."""

import unittest

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from zope.testing import setupstack

from zc.generationalset import GSet, check, wire
from zc.generationalset.answers import Position
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.sources.zodb import ZODBSource
from zc.generationalset.sql import SQLSource, View
from zc.generationalset.sql.postgresql import PostgreSQLDatabase
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.contract.sources import (
    CopyContract,
    ItemsContract,
    SourceContract,
)
from zc.generationalset.tests.contract.sources.base import NAME
from zc.generationalset.tests.support import storages, tables
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.memory import MemorySource
from zc.generationalset.tests.support.postgresql import DATABASES, tell

URL = 'http://source.example'


class MemoryTests(SourceContract, unittest.TestCase):

    def setUp(self):
        self.source = MemorySource(NAME)


def zodb_source(db):
    return ZODBSource(db, lambda root, name: root.get(name))


class ZODBBase:
    """A source on one client of a storage, and another source on a second."""

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.dbs = self.open_dbs()
        for db in set(self.dbs):
            self.addCleanup(db.close)
        with self.dbs[0].transaction() as connection:
            connection.root()[NAME] = GSet()
        self.source, self.elsewhere = map(zodb_source, self.dbs)

    def open_dbs(self):
        db = ZODB.DB(self.open_storage())
        return db, db

    def write_elsewhere(self, change):
        self.elsewhere.write(NAME, change)

    def tearDown(self):
        with self.dbs[0].transaction() as connection:
            self.assertEqual(check(connection.root()[NAME]), [])


class DemoStorageTests(ZODBBase, SourceContract, unittest.TestCase):

    def open_storage(self):
        return DemoStorage()


class FileStorageTests(ZODBBase, SourceContract, unittest.TestCase):

    def open_storage(self):
        return FileStorage('data.fs')


class ZEOTests(ZODBBase, SourceContract, unittest.TestCase):

    layer = Databases

    def open_dbs(self):
        server = storages.ZEOServer()
        self.addCleanup(server.kill)  # a stop takes 30 s at times
        return [ZODB.DB(storages.zeo_client(server.address, server_sync=False))
                for _ in range(2)]


class RelStorageTests(ZODBBase, SourceContract, unittest.TestCase):

    layer = Databases

    def open_dbs(self):
        return [storages.open_db('relstorage', 'data') for _ in range(2)]


class PostgreSQLTests(ZODBBase, SourceContract, unittest.TestCase):

    layer = DATABASES

    def open_dbs(self):
        dsn = DATABASES.new()
        return [storages.open_db('postgresql', dsn) for _ in range(2)]


class SQLiteTests(ItemsContract, unittest.TestCase):
    """A column of an SQLite table, and another process's connection."""

    layer = Databases
    pragma = 'PRAGMA journal_mode = WAL;'

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('things.db', f'{self.pragma} CREATE TABLE things '
                    '(id TEXT PRIMARY KEY, value);')
        self.source, self.elsewhere = self.open(), self.open()

    def open(self):
        database = SQLiteDatabase('things.db')
        self.addCleanup(database.close)
        tables.track(database, 'things')
        return tables.Column(
            SQLSource(database, {NAME: {'things': View('things')}}.get),
            'things', 'value')

    def write_elsewhere(self, change):
        self.elsewhere.write(NAME, change)


class SQLiteJournalTests(SQLiteTests):
    """Without WAL."""

    pragma = ''

    #: Without WAL, a writer waits until nobody reads.
    test_a_snapshot_does_not_change = None


class PostgreSQLTablesTests(ItemsContract, unittest.TestCase):
    """A column of a PostgreSQL table, and another process's connections."""

    layer = DATABASES
    numbers_writes = False

    def setUp(self):
        self.dsn = DATABASES.lend(self)
        tell(self.dsn, 'CREATE TABLE things '
             '(id text PRIMARY KEY, value double precision)')
        self.source, self.elsewhere = self.open(), self.open()

    def open(self):
        database = PostgreSQLDatabase(self.dsn)
        self.addCleanup(database.close)
        tables.track(database, 'public.things')
        return tables.Column(
            SQLSource(database, {
                NAME: {'things': View('public.things')}}.get),
            'things', 'value')

    def write_elsewhere(self, change):
        self.elsewhere.write(NAME, change)


class MirrorTests(CopyContract, unittest.TestCase):
    """A mirror, of a source in memory."""

    original = URL

    def setUp(self):
        self.copied = MemorySource(NAME)
        db = ZODB.DB(DemoStorage())
        self.addCleanup(db.close)
        self.source = zodb_source(db)
        self.mirror = StoredMirror(db, NAME, URL)
        self.pull()

    def write(self, *changes):
        for change in changes:
            self.copied.write(NAME, change)
            self.pull()

    def pull(self):
        with self.copied.snapshot() as snapshot:
            self.mirror.apply(wire.decode(wire.encode(snapshot.updates(
                NAME, Position(self.mirror.epoch, self.mirror.generation)))))
