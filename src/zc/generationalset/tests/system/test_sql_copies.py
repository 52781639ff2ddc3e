"""Copies in SQL databases whose process is killed at any of its writes."""

import os
import signal
import unittest
from contextlib import closing
from unittest import mock

import psycopg

from zc.generationalset.answers import Position
from zc.generationalset.replica import Replica
from zc.generationalset.sql import SQLReplica, open_database
from zc.generationalset.sql.sqlite.connections import Connection
from zc.generationalset.tests.contract.databases import (
    PostgreSQLBase,
    SQLiteBase,
)
from zc.generationalset.tests.contract.followed import NAMES, ReplicaTools
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.properties import THOROUGH

#: How many statements further the next process comes, at least.
STEP = 1 if THOROUGH else 7


@unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
class KilledContract(ReplicaTools):
    """After each kill, there is all of an answer or page, or nothing."""

    #: Classes of the driver, and their methods that write.
    writing: list[tuple[type, str]] = []
    url = ''

    def setUp(self):
        super().setUp()
        self.answers = {}
        self.states = {}
        self.replica = Replica()
        self.fill()
        self.record_pages()
        self.run_sql(
            "UPDATE people SET name = 'x' WHERE id = 1",
            "UPDATE people SET name = 'Ann' WHERE id = 2",
            "UPDATE people SET name = 'Bob' WHERE id = 1",
            'UPDATE people SET id = 9 WHERE id = 3', 'DELETE FROM lines')
        self.record(self.answer())
        self.last = self.place(self.replica)

    def record_pages(self):
        self.page()
        while self.replica.cursor:
            self.page()

    def apply(self, answer):
        self.record(answer)

    def record(self, answer):
        """Note an answer, and what a copy must have after it."""
        self.answers[self.place(self.replica)] = answer
        self.replica.apply(answer)
        self.states[self.place(self.replica)] = {
            name: sorted(map(str, self.replica.items.get(name, {}).values()))
            for name in NAMES}

    def place(self, replica):
        return Position(replica.epoch, replica.generation), replica.cursor

    def test_kill(self):
        count, kills = 1, 0
        self.states[Position(None, 0), ''] = {name: [] for name in NAMES}
        while self.is_killed(count):
            kills += 1
            count += STEP
            self.check_state()
        self.assertGreater(kills, 3)
        self.assertEqual(self.check_state(), self.last)

    def check_state(self):
        """Check what is there against the position; return that."""
        with closing(open_database(self.url)) as database:
            place = self.place(SQLReplica(database, 'source'))
            with database.applying() as applying:
                found = {}
                for name in NAMES:
                    table = applying.find(name)
                    columns = [each.name for each in table.columns]
                    found[name] = sorted(
                        str(dict(zip(columns, row.values, strict=True)))
                        for row in applying.scan(table))
        self.assertEqual(found, self.states[place])
        return place

    def is_killed(self, count):
        """Go on with the copy in a process, killed at its nth statement."""
        pid = os.fork()
        if pid == 0:
            try:
                self.go_on(count)
            finally:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertIn(status, (0, -signal.SIGKILL))
        return status != 0

    def go_on(self, count):
        database = open_database(self.url)
        replica = SQLReplica(database, 'source')

        def counted(method):
            def call(*arguments, **options):
                nonlocal count
                count -= 1
                if not count:
                    os.kill(os.getpid(), signal.SIGKILL)
                return method(*arguments, **options)
            return call

        for kind, name in self.writing:
            mock.patch.object(
                kind, name, counted(getattr(kind, name))).start()
        while self.place(replica) in self.answers:
            replica.apply(self.answers[self.place(replica)])
        os._exit(0)


class SQLiteKilledTests(KilledContract, SQLiteBase, unittest.TestCase):

    layer = Processes
    writing = [(Connection, 'execute'), (Connection, 'executemany')]
    url = 'sqlite:///data.db'


class PostgreSQLKilledTests(KilledContract, PostgreSQLBase):

    writing = [(psycopg.Cursor, 'execute'), (psycopg.Cursor, 'copy'),
               (psycopg.Connection, 'commit')]

    @property
    def url(self):
        info = self.connection.info
        return f'postgresql:///{info.dbname}?host={info.host}&user={info.user}'
