"""Clients that have some rows and columns of a server's tables."""

import itertools
import random
import socket
import unittest
from contextlib import closing
from threading import Thread

from starlette.applications import Starlette
from zope.testing import setupstack

from zc.generationalset.sql import (
    DatabaseError,
    SyncClient,
    SyncServer,
    View,
)
from zc.generationalset.sql.peers.conversation import Report
from zc.generationalset.sql.peers.errors import SyncError
from zc.generationalset.tests.support.layers import Databases, Servers
from zc.generationalset.tests.support.part_peers import (
    USERS,
    PartClient,
    PartServer,
)
from zc.generationalset.tests.support.serving import plain, running


class Base(unittest.TestCase):

    layer = Databases

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.server = PartServer('server.db')
        self.ann = PartClient('ann.db', 'ann')
        self.bob = PartClient('bob.db', 'bob')
        self.peers = self.server, self.ann, self.bob
        for peer in self.peers:
            self.addCleanup(peer.close)
        self.server.run('''
            INSERT INTO things VALUES
            ('x', 'ann', 1, 's'), ('y', 'bob', 2, 't'), ('z', 'cid', 3, 'u')
            ''')
        self.sync()

    def sync(self):
        """Sync both; return their reports."""
        return [client.sync(self.server) for client in (self.ann, self.bob)]

    def check(self, *rows):
        """The server has some rows, and clients theirs; nothing is left."""
        self.assertEqual(self.server.rows(), list(rows))
        for client in self.ann, self.bob:
            self.assertEqual(client.rows(), [
                (id, owner, a) for id, owner, a, _ in rows
                if owner == client.user])
        self.assertEqual(self.sync(), [Report(), Report()])
        self.assertEqual(self.server.rows(), list(rows))


class PartsTests(Base):

    def test_rows_and_columns(self):
        self.check(('x', 'ann', 1, 's'), ('y', 'bob', 2, 't'),
                   ('z', 'cid', 3, 'u'))

    def test_other_columns_stay(self):
        self.ann.run('UPDATE things SET a = 4')
        self.ann.run("INSERT INTO things VALUES ('w', 'ann', 5)")
        self.bob.run('DELETE FROM things')
        self.sync()
        self.check(('w', 'ann', 5, None), ('x', 'ann', 4, 's'),
                   ('z', 'cid', 3, 'u'))

    def test_other_columns_stay_when_unique_values_are_swapped(self):
        self.ann.run("INSERT INTO things VALUES ('w', 'ann', 5)")
        self.sync()
        self.ann.run("UPDATE things SET a = 6 - a")
        self.sync()
        self.check(('w', 'ann', 1, None), ('x', 'ann', 5, 's'),
                   ('y', 'bob', 2, 't'), ('z', 'cid', 3, 'u'))

    def test_changes_of_other_columns_are_nobodys_business(self):
        self.server.run("UPDATE things SET secret = 'v'")
        self.assertEqual(sum(self.sync()[0]), 1)  # it changed, as it is here
        self.assertEqual(self.ann.rows(), [('x', 'ann', 1)])

    def test_the_owner_changes(self):
        """That is a removal for the old one, and no deletion."""
        self.server.run("UPDATE things SET owner = 'bob' WHERE id = 'x'")
        self.assertEqual(self.sync(), [Report(0, 1, 0), Report(0, 1, 0)])
        self.check(('x', 'bob', 1, 's'), ('y', 'bob', 2, 't'),
                   ('z', 'cid', 3, 'u'))

    def test_a_row_that_left_is_deleted_by_the_client(self):
        self.server.run("UPDATE things SET owner = 'bob' WHERE id = 'x'")
        self.ann.run('DELETE FROM things')
        self.sync()
        self.check(('x', 'bob', 1, 's'), ('y', 'bob', 2, 't'),
                   ('z', 'cid', 3, 'u'))

    def test_a_row_that_left_is_changed_by_the_client(self):
        """Whatever the policy, it is the server's; what lost is kept."""
        for policy in 'server', 'client', 'columns', \
                lambda conflict: conflict.client:
            self.server.policy = policy
            self.server.run("UPDATE things SET owner = 'bob' WHERE id = 'x'")
            self.ann.run('UPDATE things SET a = 7')
            self.assertEqual(self.sync()[0].conflicts, 1)
            self.check(('x', 'bob', 1, 's'), ('y', 'bob', 2, 't'),
                       ('z', 'cid', 3, 'u'))
            self.server.run("UPDATE things SET owner = 'ann' WHERE id = 'x'")
            self.sync()
        self.assertEqual(
            self.server.conflicts()[0][2:],
            ('[1,"ann"]', None, '[7,"ann"]', None))

    def test_the_key_of_a_hidden_row(self):
        """A client that adds one doesn't get the other, or overwrite it."""
        for policy in 'server', 'client', 'columns':
            self.server.policy = policy
            self.ann.run("INSERT INTO things VALUES ('z', 'ann', 9)")
            self.assertEqual(self.sync()[0].conflicts, 1)
            self.check(('x', 'ann', 1, 's'), ('y', 'bob', 2, 't'),
                       ('z', 'cid', 3, 'u'))

    def test_rows_outside_are_refused(self):
        for statement in (
                "UPDATE things SET owner = 'bob'",
                "INSERT INTO things VALUES ('w', 'bob', 5)",
                "INSERT INTO things VALUES ('w', NULL, 5)"):
            self.ann.run(statement)
            with self.assertRaisesRegex(
                    SyncError, 'things, key .*a row that the client may'):
                self.ann.sync(self.server)
            self.ann.run("UPDATE things SET owner = 'ann'")
            self.ann.run("DELETE FROM things WHERE id = 'w'")
            self.sync()
        self.check(('x', 'ann', 1, 's'), ('y', 'bob', 2, 't'),
                   ('z', 'cid', 3, 'u'))

    def test_another_filter(self):
        """What both have had is known; what the client deleted is deleted."""
        self.server.run("INSERT INTO things VALUES ('w', 'ann', 8, 'v')")
        self.sync()
        self.server.where = 'owner = :user AND id <> \'w\''
        self.ann.run("DELETE FROM things WHERE id = 'x'")
        self.assertEqual(self.ann.sync(self.server), Report(1, 0, 0))
        self.assertEqual(self.ann.rows(), [])
        self.assertEqual([id for id, *_ in self.server.rows()],
                         ['w', 'y', 'z'])
        self.server.where = 'owner = :user'
        self.sync()
        self.check(('w', 'ann', 8, 'v'), ('y', 'bob', 2, 't'),
                   ('z', 'cid', 3, 'u'))
        self.assertEqual(self.server.conflicts(), [])

    def test_tokens(self):
        for user in 'cid', '':
            self.ann.user = user
            with self.assertRaisesRegex(SyncError, 'another token'):
                self.ann.sync(self.server)

    def test_conditions_that_cannot_be_followed(self):
        self.server.where = "secret = 's'"
        with self.assertRaisesRegex(DatabaseError, 'that are noted'):
            self.ann.sync(self.server)


class HistoryTests(Base):

    def test_random(self):
        """Cuts anywhere; owners change on all sides."""
        random_ = random.Random(3)
        values = itertools.count(100)
        self.server.policy = 'columns'
        for _ in range(40):
            peer = random_.choice(self.peers)
            id = random_.choice('uvwxyz')
            owner = getattr(peer, 'user', random_.choice(['ann', 'bob']))
            if random_.random() < 0.3:
                peer.run('DELETE FROM things WHERE id = ?', id)
            else:
                peer.run('''
                    INSERT INTO things (id, owner, a) VALUES (?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET
                    owner = excluded.owner, a = excluded.a''',
                         id, owner, next(values))
            random_.choice([self.ann, self.bob]).sync(
                self.server, budget=random_.choice(
                    [None, random_.randrange(1500)]))
        self.sync()
        self.check(*self.server.rows())


class ObjectsTests(Base):
    """The objects of users."""

    layer = Servers

    def views(self, user):
        return [View('things', ('owner', 'a'), 'owner = :user',
                     {'user': user})]

    def setUp(self):
        super().setUp()
        self.synchronizer = SyncServer(
            'sqlite:///server.db', self.views, tokens=USERS)
        self.addCleanup(self.synchronizer.close)

    def check_sync(self, *servers):
        """Ann has changes of a server after a sync with each of some."""
        with closing(SyncClient(
                'sqlite:///ann.db', ['things'],
                token='secret-of-ann')) as client:
            for value, server in enumerate(servers, 10):
                self.server.run(
                    "UPDATE things SET a = ? WHERE owner = 'ann'", value)
                self.assertEqual(client.sync(server), Report(0, 1, 0))
                self.assertEqual(self.ann.rows(), [('x', 'ann', value)])

    def test_sockets(self):
        listening = socket.create_server(('127.0.0.1', 0))
        thread = Thread(target=self.synchronizer.listen, args=[listening])
        thread.start()
        try:
            self.check_sync(socket.create_connection(listening.getsockname()))
        finally:
            self.synchronizer.close()
            thread.join()

    def test_route(self):
        app = Starlette(routes=[self.synchronizer.route('/sync')])
        with running(plain(app)) as url:
            self.check_sync(f'{url}/sync', f'{url}/sync')
            with closing(SyncClient(
                    'sqlite:///bob.db', ['things'], token='guess')) as other, \
                    self.assertRaisesRegex(SyncError, 'another token'):
                other.sync(f'{url}/sync')

    def test_tokens_that_do_not_go_together(self):
        for text, tables, options in [
                ('expected tokens=', self.views, {}),
                ('expected tokens=', self.views, {'token': 'x'}),
                ('expected either', self.views, {'tokens': {}}),
                ('expected either', ['things'], {'tokens': {'': 'ann'}}),
                ('expected either', ['things'],
                 {'tokens': USERS, 'token': 'x'})]:
            with self.assertRaisesRegex(ValueError, text):
                SyncServer('sqlite:///server.db', tables, **options)
