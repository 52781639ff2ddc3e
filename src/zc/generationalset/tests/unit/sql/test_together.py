"""Processes that begin at the same time with a database that is new."""

import tempfile
import unittest
from argparse import Namespace
from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from zc.generationalset.commands.tables import track
from zc.generationalset.sql import SQLReplica
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.opening import open_database
from zc.generationalset.sql.peers.beginning import begin
from zc.generationalset.sql.postgresql import PostgreSQLDatabase
from zc.generationalset.sql.postgresql.notes import PostgreSQLNotes
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import peers, postgresql_peers
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.postgresql_peers import PostgreSQLPeer


class Tests:
    """A mixin; ``kind`` is that of the database, ``named`` names it."""

    def meanwhile(self, name, act):
        """Let something happen when a method is called for the first time,
        behind what it does."""
        real = getattr(self.kind, name)
        called = []

        def replaced(database, *arguments, **options):
            result = real(database, *arguments, **options)
            if not called:
                called.append(None)
                act()
            return result

        patch = mock.patch.object(self.kind, name, replaced)
        patch.start()
        self.addCleanup(patch.stop)

    def identities(self):
        with closing(open_database(self.named())) as database, \
                database.reading() as reading:
            return reading.own('SELECT id FROM {gset}identity')

    def test_another_begins_meanwhile(self):
        self.meanwhile('plan_tracking', lambda: begin(
            self.named(), ['things']).close())
        begin(self.named(), ['things']).close()
        self.assertEqual(len(self.identities()), 1)

    def test_another_gives_the_identity(self):
        self.meanwhile('plan_own', lambda: begin(
            self.named(), ['things']).close())
        begin(self.named(), ['things']).close()
        self.assertEqual(len(self.identities()), 1)

    def test_a_plan_is_for_what_was_tracked(self):
        with closing(open_database(self.named())) as database:
            plan = database.plan_tracking(database.tables())
            database.execute(plan)
            with self.assertRaises(Conflict):
                database.execute(plan)
            plan = database.plan_untracking()
            database.execute(plan)
            with self.assertRaises(Conflict):
                database.execute(plan)


class SQLiteTests(Tests, unittest.TestCase):

    layer = Databases
    kind = SQLiteDatabase

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, 'shop.db')
        peers.Peer.make(self, peers.SCHEMA)

    def named(self):
        return f'sqlite:///{self.path}'

    def test_another_tracks_while_a_command_does(self):
        self.meanwhile('plan_tracking', lambda: begin(
            self.named(), ['things']).close())
        with redirect_stdout(StringIO()) as told:
            track(Namespace(url=self.named(), tables=['things'],
                            add_key=False, note=[], dry_run=False))
        self.assertIn('tracked already: things of ', told.getvalue())


class PostgreSQLTests(Tests, unittest.TestCase):

    layer = DATABASES
    kind = PostgreSQLDatabase

    def setUp(self):
        self.path = DATABASES.lend(self)
        PostgreSQLPeer.make(self, postgresql_peers.SCHEMA)

    named = PostgreSQLPeer.named

    def test_another_copy_makes_the_notes(self):
        real = PostgreSQLNotes._make

        def make(notes):
            with mock.patch.object(PostgreSQLNotes, '_make', real), \
                    closing(open_database(self.named())) as other:
                SQLReplica(other, 'http://localhost/a')
            real(notes)

        with mock.patch.object(PostgreSQLNotes, '_make', make), \
                closing(open_database(self.named())) as database:
            replica = SQLReplica(database, 'http://localhost/b')
        self.assertEqual(replica.generation, 0)
