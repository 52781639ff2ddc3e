"""Two-way random histories: cuts at every byte, kills at every write, chains.

Nothing that a program has written is lost, unless the policy says so; then it
is kept among the conflicts.
"""

import itertools
import random
import unittest

from zope.testing import setupstack

from zc.generationalset.sql.peers.conversation import Report
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.peers import Killed, Peer
from zc.generationalset.tests.support.properties import THOROUGH

POLICIES = 'server', 'client', 'columns'
HISTORIES = 60 if THOROUGH else 1
IDS = 'xyz'


class World:
    """Peers whose programs write values that were never written before.

    A value that a program has seen and replaced is done with.  All others must
    be somewhere in the end.
    """

    def __init__(self, peers, seed):
        self.peers = peers
        self.random = random.Random(seed)
        self._values = itertools.count(1)
        self._open = set()

    def change(self, peer):
        """Let a program change one row."""
        id = self.random.choice(IDS)
        there = peer.things.get(id)
        if there is None:
            new = [next(self._values), next(self._values)]
            peer.run('INSERT INTO things VALUES (?, ?, ?)', id, *new)
        elif self.random.random() < 0.3:
            new = []
            peer.run('DELETE FROM things WHERE id = ?', id)
        else:
            place = self.random.randrange(2)
            new = [next(self._values)]
            peer.run(f'UPDATE things SET {"ab"[place]} = ? WHERE id = ?',
                     *new, id)
            there = [there[place]]
        self._open.difference_update(there or ())
        self._open.update(new)

    def change_some(self):
        for peer in self.peers:
            for _ in range(self.random.randrange(3)):
                self.change(peer)

    def lost(self):
        """Return the values that are nowhere."""
        found = set()
        for peer in self.peers:
            found |= {value for row in peer.things.values() for value in row}
            for _, _, *versions in peer.conflicts():
                for version in filter(None, versions):
                    found |= set(map(int, version[1:-1].split(',')))
        return self._open - found


class Base(unittest.TestCase):

    layer = Histories

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self._names = itertools.count(1)

    def peer(self, policy='server'):
        peer = Peer(f'{next(self._names)}.db', policy)
        self.addCleanup(peer.close)
        return peer

    def settled(self, world, *links):
        """All peers become equal, nothing is lost, and then all is still."""
        for client, server in (*links, *reversed(links)):
            client.sync(server)
        first, *others = [peer.things for peer in world.peers]
        for other in others:
            self.assertEqual(first, other)
        self.assertEqual(world.lost(), set())
        for client, server in links:
            before = client.generation, server.generation
            self.assertEqual(client.sync(server), Report())
            self.assertEqual(
                (client.generation, server.generation), before)


class CutTests(Base):

    def test_cuts_at_every_byte(self):
        """Frames are taken whole, so cuts between frames are all cuts.

        Half of the frames tell that a side is still working.
        """
        for policy, seed in itertools.product(POLICIES, range(HISTORIES)):
            with self.subTest(policy=policy, seed=seed):
                client, server = self.peer(), self.peer(policy)
                world = World([client, server], seed)
                for budget in self._budgets(client, server):
                    world.change_some()
                    client.sync(server, budget=budget)
                self.settled(world, (client, server))

    def _budgets(self, client, server):
        """Yield the bytes before the end of each frame of a conversation."""
        budget = 0
        while True:
            seen = []
            yield budget
            if client.sync(server, budget=budget, seen=seen) is not None:
                return
            budget = sum(4 + len(frame) for frame in seen)


class KillTests(Base):

    def test_kills_at_every_write(self):
        for policy, seed in itertools.product(POLICIES, range(HISTORIES)):
            with self.subTest(policy=policy, seed=seed):
                client, server = self.peer(), self.peer(policy)
                world = World([client, server], seed)
                for victim in client, server:
                    for count in itertools.count():
                        world.change_some()
                        if not self._kill(victim, count, client, server):
                            break
                self.settled(world, (client, server))

    def _kill(self, victim, count, client, server):
        """Kill a peer at a write; return whether there were so many."""
        left = iter(range(count))

        def kill():
            if next(left, None) is None:
                raise Killed

        victim.kill = kill
        try:
            client.sync(server)
        except Killed:
            victim.close()
            victim.open()
            return True
        finally:
            victim.kill = lambda: None
        return False


class ChainTests(Base):

    def test_three_in_a_chain(self):
        for policy, seed in itertools.product(POLICIES, range(HISTORIES)):
            with self.subTest(policy=policy, seed=seed):
                first, second, third = (self.peer(policy) for _ in range(3))
                world = World([first, second, third], seed)
                links = (first, second), (second, third)
                for _ in range(6):
                    world.change_some()
                    client, server = world.random.choice(links)
                    client.sync(server)
                self.settled(world, *links)

    def test_two_clients(self):
        for policy, seed in itertools.product(POLICIES, range(HISTORIES)):
            with self.subTest(policy=policy, seed=seed):
                first, second, server = (
                    self.peer(policy) for _ in range(3))
                world = World([first, second, server], seed)
                links = (first, server), (second, server)
                for _ in range(6):
                    world.change_some()
                    client, server = world.random.choice(links)
                    client.sync(server, budget=world.random.choice(
                        [None, None, world.random.randrange(1500)]))
                self.settled(world, *links)
