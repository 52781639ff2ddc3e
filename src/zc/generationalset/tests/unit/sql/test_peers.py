"""Two databases that are kept equal: situations and outcomes."""

import os
import unittest

from zope.testing import setupstack

from zc.generationalset.sql.peers import SyncError
from zc.generationalset.sql.peers.conversation import Report
from zc.generationalset.sql.peers.outcomes import check
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.peers import Peer


class Base(unittest.TestCase):

    layer = Databases
    policy = 'server'

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.server = self.peer('server.db', self.policy)
        self.client = self.peer('client.db')

    def peer(self, path, *arguments, **options):
        peer = Peer(path, *arguments, **options)
        self.addCleanup(peer.close)
        return peer

    def sync(self, client=None, **options):
        report = (client or self.client).sync(self.server, **options)
        self.assertIsNotNone(report)
        return report

    def begin(self, *values):
        """Let both sides have a row."""
        self.client.run('INSERT INTO things VALUES (?, ?, ?)', *values)
        self.sync()

    def check(self, expected):
        """Both sides have some things, and nothing is left to do."""
        self.assertEqual(self.client.things, expected)
        self.assertEqual(self.server.things, expected)
        before = self.client.generation, self.server.generation
        self.assertEqual(self.sync(), Report())
        self.assertEqual(
            (self.client.generation, self.server.generation), before)


class SyncTests(Base):

    def test_rows_go_both_ways(self):
        self.client.run("INSERT INTO things VALUES ('x', 1, NULL)")
        self.server.run("INSERT INTO things VALUES ('y', 2, 3)")
        self.assertEqual(self.sync(), Report(1, 2, 0))
        self.check({'x': [1, None], 'y': [2, 3]})

    def test_updates_and_deletes(self):
        self.begin('x', 1, 1)
        self.begin('y', 1, 1)
        self.begin('z', 1, 1)
        self.client.run("UPDATE things SET a = 2 WHERE id = 'x'")
        self.client.run("DELETE FROM things WHERE id = 'y'")
        self.server.run("UPDATE things SET id = 'q' WHERE id = 'z'")
        self.assertEqual(self.sync(), Report(2, 2, 0))
        self.check({'x': [2, 1], 'q': [1, 1]})

    def test_what_came_is_not_sent_back(self):
        self.server.run("INSERT INTO things VALUES ('x', 1, 1)")
        self.sync()
        self.client.run("UPDATE things SET a = 2")
        self.assertEqual(self.sync(), Report(1, 0, 0))
        self.check({'x': [2, 1]})

    def test_equal_changes_are_no_conflict(self):
        self.client.run("INSERT INTO things VALUES ('x', 1, 1)")
        self.server.run("INSERT INTO things VALUES ('x', 1, 1)")
        self.assertEqual(self.sync().conflicts, 0)
        self.client.run("UPDATE things SET a = 2")
        self.server.run("UPDATE things SET a = 2")
        self.assertEqual(self.sync().conflicts, 0)
        self.check({'x': [2, 1]})

    def test_several_clients(self):
        other = self.peer('other.db')
        self.begin('x', 1, 1)
        self.sync(other)
        other.run("UPDATE things SET a = 2")
        other.run("INSERT INTO things VALUES ('y', 1, 1)")
        self.sync(other)
        self.sync()
        self.check({'x': [2, 1], 'y': [1, 1]})

    def test_chain(self):
        end = self.peer('end.db')
        self.begin('x', 1, 1)
        end.sync(self.client)
        end.run("UPDATE things SET a = 2")
        end.sync(self.client)
        self.assertEqual(self.sync(), Report(1, 0, 0))
        self.server.run("UPDATE things SET b = 3")
        self.sync()
        self.assertEqual(end.sync(self.client), Report(0, 1, 0))
        self.assertEqual(end.things, {'x': [2, 3]})
        self.assertEqual(end.sync(self.client), Report())
        self.check({'x': [2, 3]})

    def test_untracking(self):
        """Nothing is left, but what a copy has noted."""
        self.begin('x', 1, 1)
        database = self.client.database
        with database.applying() as applying:
            applying.notes.put('copy', [('a', 'b')])
        database.execute(database.plan_untracking())
        self.assertEqual(self.client.run(
            'SELECT name FROM sqlite_schema WHERE sql IS NOT NULL '
            'ORDER BY name'), [('gset_notes',), ('things',)])
        self.assertEqual(self.client.things, {'x': [1, 1]})

    def test_program_changes_a_row_meanwhile(self):
        """It is pushed by the next sync, and then the server decides."""
        self.begin('x', 1, 1)
        self.server.run("UPDATE things SET a = 2")
        seen = []
        steps = self.client.asking()
        self.client.asking = lambda: self._meanwhile(steps)
        self.sync(seen=seen)
        del self.client.asking
        self.assertEqual(self.client.things, {'x': [5, 1]})
        self.assertEqual(self.sync(), Report(1, 1, 1))
        self.check({'x': [2, 1]})
        self.assertEqual(self.server.conflicts(), [
            ('things', '["x"]', '[1,1]', '[2,1]', '[5,1]', '[2,1]')])

    def _meanwhile(self, steps):
        """Change a row when the client has asked what is new."""
        came = None
        while True:
            try:
                frame = steps.send(came)
            except StopIteration as done:
                return done.value
            if frame is not None and b'"pull"' in frame:
                self.client.run('UPDATE things SET a = 5')
            came = yield frame

    def test_push_that_was_applied_is_known(self):
        """What others do after it is no conflict."""
        self.begin('x', 1, 1)
        self.client.run("UPDATE things SET a = 2")
        self._cut_after_push()
        self.assertEqual(self.server.things, {'x': [2, 1]})
        self.server.run("UPDATE things SET a = 3")
        self.client.run("INSERT INTO things VALUES ('y', 1, 1)")
        self.assertEqual(self.sync().conflicts, 0)
        self.check({'x': [3, 1], 'y': [1, 1]})

    def test_conflict_of_a_push_whose_answer_was_cut(self):
        self.begin('x', 1, 1)
        self.client.run("UPDATE things SET a = 2")
        self.server.run("UPDATE things SET a = 3")
        self.sync(self.peer('other.db'))  # the server's row is older now
        self._cut_after_push()
        self.assertEqual(self.sync().conflicts, 1)
        self.check({'x': [3, 1]})
        self.assertEqual(len(self.server.conflicts()), 1)

    def _cut_after_push(self):
        """Sync; the server applies the push, and the rest is cut."""
        for budget in range(0, 10_000, 50):
            seen = []
            self.assertIsNone(self.client.sync(
                self.server, budget=budget, seen=seen))
            if b'"pull"' in seen[-1]:
                return


class TablesTests(Base):
    """A client syncs other tables than before, after a cut."""

    schema = '''
        CREATE TABLE things (id TEXT PRIMARY KEY, a INT, b INT);
        CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)'''

    def setUp(self):
        super().setUp()
        self.peers = [self.peer(name, schema=self.schema,
                                tables=['notes', 'things'])
                      for name in ('one.db', 'two.db')]

    def only(self, *tables):
        for peer in self.peers:
            peer.tables = tables

    def cut(self, word):
        """Sync; cut it when a frame has a word."""
        client, server = self.peers
        for budget in range(0, 10_000, 50):
            seen = []
            self.assertIsNone(client.sync(server, budget=budget, seen=seen))
            if word in seen[-1]:
                return

    def check_notes(self):
        self.only('notes', 'things')
        client, server = self.peers
        client.sync(server)
        for table in 'notes', 'things':
            self.assertEqual(client.rows(table), server.rows(table))
        self.assertEqual(len(server.rows('notes')), 1)
        self.assertEqual(client.sync(server), Report())

    def test_fewer_after_a_push_that_did_not_arrive(self):
        client, server = self.peers
        client.run("INSERT INTO notes VALUES ('x', 'y')")
        client.run("INSERT INTO things VALUES ('x', 1, 1)")
        self.cut(b'"rows"')
        self.only('things')
        client.sync(server)
        self.assertEqual(server.rows('notes'), [])
        self.check_notes()

    def test_more_after_a_push_that_arrived(self):
        client, server = self.peers
        self.only('things')
        client.run("INSERT INTO things VALUES ('x', 1, 1)")
        client.run("INSERT INTO notes VALUES ('x', 'y')")
        self.cut(b'"pull"')
        self.assertEqual(server.rows(), [('x', 1, 1)])
        self.check_notes()


class ForgottenTests(Base):
    """One side doesn't know all its changes any more."""

    def test_server(self):
        self.begin('x', 1, 1)
        self.begin('y', 1, 1)
        self.client.run("UPDATE things SET a = 2 WHERE id = 'x'")
        self.server.run("DELETE FROM things WHERE id = 'y'")
        self.server.run('ALTER TABLE things ADD COLUMN c INT')
        self.server.run('ALTER TABLE things DROP COLUMN c')
        self.sync()
        self.check({'x': [2, 1]})

    def test_client(self):
        self.begin('x', 1, 1)
        self.begin('y', 1, 1)
        self.client.run("DELETE FROM things WHERE id = 'y'")
        self.server.run("UPDATE things SET a = 2 WHERE id = 'x'")
        self.client.run('ALTER TABLE things ADD COLUMN c INT')
        self.client.run('ALTER TABLE things DROP COLUMN c')
        self.sync()
        self.check({'x': [2, 1]})

    def test_columns_are_added(self):
        """That both sides had a row is forgotten then."""
        self.begin('x', 1, 1)
        for peer in self.client, self.server:
            peer.run('ALTER TABLE things ADD COLUMN c INT')
        self.client.run('UPDATE things SET c = 5')
        self.assertEqual(self.sync().conflicts, 1)
        self.check({'x': [1, 1, None]})
        self.client.run('UPDATE things SET c = 5')
        self.sync()
        self.check({'x': [1, 1, 5]})

    def test_server_is_restored(self):
        """Nothing of a client is deleted since a backup doesn't have it."""
        self.begin('x', 1, 1)
        self.server.run("VACUUM INTO 'backup.db'")
        self.begin('y', 1, 1)
        self.server.close()
        os.replace('backup.db', 'server.db')
        self.server.open()
        self.sync()
        self.check({'x': [1, 1], 'y': [1, 1]})


class PolicyTests(Base):

    def cross(self, client, server):
        """Let both sides change a row, and keep them equal."""
        self.begin('x', 1, 1)
        self.client.run(client)
        self.server.run(server)
        self.assertEqual(self.sync().conflicts, len(self.server.conflicts()))
        return [outcome for *_, outcome in self.server.conflicts()]

    UPDATE_A = 'UPDATE things SET a = 2'
    UPDATE_B = 'UPDATE things SET b = 3'
    DELETE = 'DELETE FROM things'

    def decide(self, policy, client, server, expected, outcomes):
        self.server.policy = policy
        self.assertEqual(self.cross(client, server), outcomes)
        self.check({'x': expected} if expected else {})

    def test_server_wins(self):
        self.decide('server', self.UPDATE_A, self.UPDATE_B,
                    [1, 3], ['[1,3]'])

    def test_server_deletes(self):
        self.decide('server', self.UPDATE_A, self.DELETE, None, [None])
        [(*_, server, client, _)] = self.server.conflicts()
        self.assertEqual((server, client), (None, '[2,1]'))

    def test_client_deletes_in_vain(self):
        self.decide('server', self.DELETE, self.UPDATE_B, [1, 3], ['[1,3]'])

    def test_client_wins(self):
        self.decide('client', self.UPDATE_A, self.UPDATE_B,
                    [2, 1], ['[2,1]'])

    def test_client_deletes(self):
        self.decide('client', self.DELETE, self.UPDATE_B, None, [None])

    def test_client_undeletes(self):
        self.decide('client', self.UPDATE_A, self.DELETE, [2, 1], ['[2,1]'])

    def test_columns(self):
        self.decide('columns', self.UPDATE_A, self.UPDATE_B, [2, 3], [])

    def test_same_column(self):
        self.decide('columns', 'UPDATE things SET a = 4, b = 4',
                    self.UPDATE_B, [4, 3], ['[4,3]'])

    def test_columns_and_deletes(self):
        self.decide('columns', self.UPDATE_A, self.DELETE, None, [None])

    def test_both_insert(self):
        self.server.policy = 'columns'
        self.client.run("INSERT INTO things VALUES ('x', 1, 2)")
        self.server.run("INSERT INTO things VALUES ('x', 1, 3)")
        self.assertEqual(self.sync().conflicts, 1)
        self.check({'x': [1, 3]})

    def test_function(self):
        seen = []

        def decide(conflict):
            seen.append(conflict)
            return {'a': conflict.client['a'] + conflict.server['a'],
                    'b': conflict.server['b']}

        self.decide(decide, self.UPDATE_A, 'UPDATE things SET a = 7, b = 8',
                    [9, 8], ['[9,8]'])
        self.assertEqual(seen, [(
            'things', ('x',), {'a': 1, 'b': 1}, {'a': 7, 'b': 8},
            {'a': 2, 'b': 1})])

    def test_function_deletes(self):
        self.decide(lambda conflict: None, self.UPDATE_A, self.UPDATE_B,
                    None, [None])

    def test_function_that_forgets_columns(self):
        self.server.policy = lambda conflict: {'a': 1}
        with self.assertRaisesRegex(SyncError, 'expected the columns a, b'):
            self.cross(self.UPDATE_A, self.UPDATE_B)
        self.assertEqual(self.server.things, {'x': [1, 3]})

    def test_unknown_policy(self):
        with self.assertRaisesRegex(ValueError, 'server, client, columns'):
            check('clock')
