"""Many writers at once, and replicas that follow them."""

import threading
import time
import unittest

import ZODB
from zope.testing import setupstack

from zc.generationalset import check
from zc.generationalset.tests.support import storages, writers
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.things import (
    Client,
    ResolverErrors,
    state,
)

SEED = 4


class Base(unittest.TestCase):

    layer = Processes

    def setUp(self):
        setupstack.setUpDirectory(self)

    def tearDown(self):
        # Writers, servers and databases go before their directory.
        self.doCleanups()
        setupstack.tearDown(self)

    def follow(self, db, is_going_on):
        """Sync a replica while ``is_going_on``; return it."""
        client = Client()
        with writers.Session(db) as session:
            while is_going_on():
                session.begin()
                client.sync(session.tree)
        return client

    def verify(self, db, start, done, clients):
        with writers.Session(db) as session:
            tree = session.tree
            self.assertEqual(check(tree), [])
            self.assertEqual(state(tree), writers.expected_state(done))
            self.assertEqual(
                tree.generation - start,
                sum(writer.changes for writer in done))
            for client in [Client(), *clients]:
                client.sync(tree)


class TestThreads(Base):

    transactions = 40

    def test_file_storage(self):
        db = ZODB.DB('data.fs', pool_size=20)
        self.addCleanup(db.close)
        start = writers.create(db)
        with ResolverErrors(), writers.small_journal():
            threads = [WriterThread(db, number, self.transactions)
                       for number in range(8)]
            for thread in threads:
                thread.start()
            try:
                client = self.follow(db, lambda: any(
                    thread.is_alive() for thread in threads))
            finally:
                for thread in threads:
                    thread.join()
        self.assertEqual([thread.error for thread in threads], [None] * 8)
        self.verify(
            db, start, [thread.writer for thread in threads], [client])


class WriterThread(threading.Thread):

    error = None

    def __init__(self, db, number, transactions):
        super().__init__()
        self.writer = writers.Writer(number, SEED)
        self._arguments = db, transactions

    def run(self):
        try:
            self.writer.run(*self._arguments)
        except BaseException as error:
            self.error = error


class WriterProcesses(Base):

    transactions = 40

    def check_processes(self, kind, address):
        db = storages.open_db(kind, address)
        self.addCleanup(db.close)
        start = writers.create(db)
        processes = writers.start_writers(
            self, 4, kind=kind, address=address, seed=SEED,
            transactions=self.transactions)
        deadline = time.monotonic() + 300 + self.transactions

        def are_running():
            self.assertLess(time.monotonic(), deadline)
            return any(process.poll() is None for process in processes)

        client = self.follow(db, are_running)
        done = [writers.finished(process) for process in processes]
        self.verify(db, start, done, [client])


class TestProcesses(WriterProcesses):

    def test_zeo(self):
        server = storages.ZEOServer()
        self.addCleanup(server.stop)
        self.check_processes('zeo', server.address)
        self.assertEqual(server.resolver_errors(), [])

    def test_relstorage(self):
        self.check_processes('relstorage', 'data')


class TestPostgreSQL(WriterProcesses):

    layer = DATABASES

    def test_postgresql(self):
        self.check_processes('postgresql', DATABASES.new())


class TestThreadsForLong(TestThreads):

    level = 2
    transactions = 400


class TestProcessesForLong(TestProcesses):

    level = 2
    transactions = 1000


class TestPostgreSQLForLong(TestPostgreSQL):

    level = 2
    transactions = 1000
