"""The hub's lease."""

import unittest
from unittest import mock

import ZODB
from ZODB.POSException import ConflictError

from zc.generationalset.sync import Hub, LeaseLost, hub


class LeaseTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.now = 1e9

    def session(self, hub=None, dry=False):
        session = (hub or Hub(self.db)).session(lambda: self.now, dry)
        self.addCleanup(session.close)
        return session

    def write(self, session, id):
        session.put('runs', id, {})
        session.commit()

    def test_one_has_it(self):
        one = self.session()
        self.write(one, 1)
        self.assertRaises(LeaseLost, self.session)
        self.session(dry=True)
        one.release()
        self.write(self.session(), 2)

    def test_two_begin_at_the_same_time(self):
        one, two = self.session(), self.session()
        self.write(one, 1)
        self.assertRaises(LeaseLost, self.write, two, 2)

    def test_whoever_was_too_slow_has_lost_it(self):
        one = self.session()
        self.write(one, 1)
        self.now += 61
        self.assertRaises(LeaseLost, one.check_or_take)
        two = self.session()
        self.write(two, 2)
        two.release()
        self.now += 61
        # Nobody has it now, but another one has had it.
        self.assertRaises(LeaseLost, self.write, one, 3)
        self.assertEqual([id for id, _ in Hub(self.db).listed('runs')],
                         [1, 2])

    def test_a_pause_after_a_commit(self):
        one = self.session()
        self.write(one, 1)
        self.now += 61
        self.write(self.session(), 2)
        # The pause was before the connection went on from its commit.
        one.tree._p_jar.transaction_manager.begin()
        self.assertRaises(LeaseLost, one.check_or_take)
        self.assertRaises(LeaseLost, self.write, one, 3)

    def test_a_commit_and_the_loss_at_the_same_time(self):
        one = self.session()
        self.write(one, 1)
        # They write different objects.
        one.tree['decisions']['x'] = b''
        one.changed = True
        self.now += 61
        self.write(self.session(), 3)
        self.now -= 61  # a clock that is behind
        self.assertRaises(LeaseLost, one.commit)

    def test_commits_prolong_it(self):
        one = self.session()
        for number in range(5):
            self.write(one, number)
            self.now += 40
        self.assertRaises(LeaseLost, self.session)

    def test_a_killed_runner_of_a_file(self):
        hub = Hub(self.db, is_exclusive=True)
        self.write(self.session(hub), 1)
        self.write(self.session(hub), 2)


class DecisionTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)

    def test_two_at_the_same_time(self):
        """Also when there is no hub yet."""
        others = iter(['b'])
        made = hub._tree

        def late(connection, name):
            tree = made(connection, name)
            for other in others:
                Hub(self.db).decide(other, {})
            return tree

        with mock.patch.object(hub, '_tree', late):
            Hub(self.db).decide('a', {})
        self.assertEqual(list(Hub(self.db).decisions()), ['a', 'b'])

    def test_too_many(self):
        with mock.patch.object(hub, '_tree', side_effect=ConflictError), \
                self.assertRaises(ConflictError):
            Hub(self.db).prepare()
