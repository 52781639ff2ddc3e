"""A ZEO client hears of all earlier commits before it finishes one."""

import contextlib
import unittest
from types import SimpleNamespace
from unittest import mock

import httpx
import transaction
import ZODB
from ZODB.Connection import TransactionMetaData
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.POSException import ReadConflictError
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.server import application
from zc.generationalset.sets import zeo
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import served
from zc.generationalset.tests.support.things import Thing


class FakeClient(MappingStorage):
    """The parts of a ZEO client that the package uses, without a server."""

    heard = None
    #: A transaction that the server takes for its last one, for no reason.
    unfinished = b''
    #: Whether the server tells how far a client is behind.
    is_far_behind = False

    def __init__(self):
        super().__init__()
        self.calls = []

    def _call(self, method, *arguments, wait=True):
        self.calls.append(method)
        result = None
        last = MappingStorage.lastTransaction(self)
        if method == 'lastTransaction':
            result = max(last, self.unfinished)
        elif method == 'getInvalidations':
            result = None if self.is_far_behind else (last, [])
        return result if wait else SimpleNamespace(
            result=lambda: self.answered(method, result))

    def answered(self, method, result):
        self.calls.append(f'{method} answered')
        return result

    def lastTransaction(self):
        return super().lastTransaction() if self.heard is None else self.heard

    def tpc_vote(self, transaction):
        self._call('vote', id(transaction))


class Wrapper:
    """A storage around another one, of which it copies methods."""

    def __init__(self, base):
        self.base = base
        self.tpc_vote = base.tpc_vote

    def __getattr__(self, name):
        return getattr(self.base, name)

    def __len__(self):
        return len(self.base)


#: A vote; the lock isn't held any longer for the second question.
ORDERED = ['vote', 'lastTransaction', 'vote answered',
           'lastTransaction answered']


class OrderTests(unittest.TestCase):
    """Whatever has to do with sets has commits finished in their order."""

    def setUp(self):
        self.client = FakeClient()
        self.db = self.opened(self.client)
        del self.client.calls[:]

    def opened(self, storage):
        db = ZODB.DB(storage)
        self.addCleanup(db.close)
        return db

    def assert_ordered(self, is_ordered=True):
        self.assertEqual(
            isinstance(self.client._call, zeo.Calls), is_ordered)

    def commit(self):
        """Change something; return what was asked, and got, meanwhile."""
        del self.client.calls[:]
        with self.db.transaction() as connection:
            connection.root.number = connection.root().get('number', 0) + 1
        return self.client.calls

    def test_databases_without_sets_are_left_alone(self):
        self.assertEqual(self.commit(), ['vote'])
        self.assert_ordered(False)

    def test_a_set_is_stored(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        self.assert_ordered()
        self.assertEqual(self.commit(), ORDERED)

    def test_a_set_is_loaded(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        self.client._call = self.client._call._call
        db = self.opened(Wrapper(self.client))
        with db.transaction() as connection:
            self.assertEqual(len(connection.root.tree), 0)
        self.assert_ordered()

    def test_a_set_is_changed_by_a_connection_that_has_it(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        connection = self.db.open()
        connection.root.tree._p_activate()
        self.client._call = self.client._call._call
        zeo._known.clear()
        connection.root.tree.add(Thing('a'))
        transaction.commit()
        connection.close()
        self.assert_ordered()

    def test_a_server(self):
        with served(application(self.db, lambda root: None)) as url:
            self.assertEqual(httpx.get(url + '/updates').status_code, 404)
        self.assert_ordered()

    def test_earlier_commits_may_be_ahead_for_two_round_trips(self):
        zeo.order(self.db)
        self.assertEqual(self.client.calls, ['lastTransaction'] * 2)

    def test_once(self):
        for _ in range(2):
            zeo.order(self.db)
        self.assertEqual(len(self.client.calls), 2)
        self.assertEqual(self.commit(), ORDERED)

    def test_wrapped_storages(self):
        db = self.opened(Wrapper(Wrapper(FakeClient())))
        zeo.order(db)
        self.client = db.storage.base.base
        self.assert_ordered()

    def test_storages_without_server(self):
        db = self.opened(MappingStorage())
        zeo.order(db)
        self.assertIsNone(zeo.client_of(db))

    def test_a_commit_that_is_never_told_of(self):
        zeo.order(self.db)
        self.commit()
        self.client.heard = b'\0' * 8
        connection = self.db.open()
        connection.root.number = 5
        with mock.patch.multiple(zeo, PATIENCE=0.01, DOUBT=0), \
                self.assertRaisesRegex(
                    ReadConflictError, 'expected to hear of commit .*, got '):
            transaction.commit()
        transaction.abort()
        connection.close()
        self.client.heard = None
        with self.db.transaction() as connection:
            self.assertEqual(connection.root.number, 1)

    def test_a_last_transaction_that_was_never_finished(self):
        zeo.order(self.db)
        self.commit()
        self.client.unfinished = b'\xff' * 8
        with mock.patch.object(zeo, 'DOUBT', 0):
            self.assertEqual(self.commit(), [*ORDERED, 'getInvalidations'])
            zeo.catch_up(self.client)

    def test_a_client_that_is_far_behind_waits(self):
        zeo.order(self.db)
        self.client.unfinished = b'\xff' * 8
        self.client.is_far_behind = True
        with mock.patch.multiple(zeo, PATIENCE=0.01, DOUBT=0), \
                self.assertRaisesRegex(ReadConflictError, 'commit ff.* got'):
            zeo.catch_up(self.client)

    def test_a_snapshot_that_lacked_a_commit_when_the_set_was_loaded(self):
        with self.db.transaction() as connection:
            connection.root.tree = GSet()
        zeo._known.clear()
        connection = self.db.open()
        connection.cacheMinimize()
        storage = connection._storage
        storage._invalidate(
            (int.from_bytes(storage._start, 'big') - 2).to_bytes(8, 'big'),
            [connection.root()._p_oid])
        with self.assertRaisesRegex(ReadConflictError, 'after a later one'):
            connection.root.tree._p_activate()
        transaction.abort()
        self.assertEqual(len(connection.root.tree), 0)
        connection.close()


class KilledServerTests(unittest.TestCase):
    """A ZEO server that was killed while it wrote a transaction."""

    layer = Processes

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.server = storages.ZEOServer()
        self.addCleanup(self.server.stop)

    def leave_unfinished(self):
        """Write what is in the file of one that is killed after a vote."""
        with contextlib.closing(FileStorage('1.fs')) as storage:
            unfinished = TransactionMetaData()
            storage.tpc_begin(unfinished)
            storage.store(
                storage.new_oid(), b'\0' * 8, b'x', '', unfinished)
            storage.tpc_vote(unfinished)

    def test_writes_go_on(self):
        db = ZODB.DB(storages.zeo_client(self.server.address))
        self.addCleanup(db.close)
        with db.transaction() as connection:
            connection.root.tree = GSet()
        self.server.kill()
        self.leave_unfinished()
        self.server.start()
        zeo.catch_up(zeo.client_of(db))
        with db.transaction() as connection:
            connection.root.tree.add(Thing('a'))
