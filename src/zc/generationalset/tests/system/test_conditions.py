"""What is unchanged since a position: each verdict is compared with the truth.

Clients ask a source and its mirrors by turns, so they are at any position.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from zc.generationalset import GSet, wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.mirror import Mirror
from zc.generationalset.replica import Replica
from zc.generationalset.sets.conditions import unchanged
from zc.generationalset.sets.members import set_index
from zc.generationalset.sets.view import log_range
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.trees import (
    BOUNDS,
    SETTINGS,
    StoredTree,
    Tree,
)

#: Which set it is, among the items of a set.
NAME = object()
NO_ITEM = 'nothing'
MIRRORS = 2


def position_of(server):
    return Position(server.epoch, server.generation)


def look(state, path):
    """Return what there is at a path, and which sets lead to it."""
    sets = []
    for id in path:
        if not isinstance(state, dict):
            return sets, NO_ITEM
        sets.append(state[NAME])
        state = state.get(id, NO_ITEM)
    return sets, state


class ConditionalTree(Tree):

    @initialize(maximum_removals=BOUNDS)
    def make(self, maximum_removals):
        super().make(maximum_removals)
        self.mirrors = [Mirror('http://source') for _ in range(MIRRORS)]
        self.replicas = [Replica() for _ in range(3)]
        self.known = []  # all sets that were ever seen
        self.past = []  # positions, and what there was

    @rule(replica=st.integers(0, 2), number=st.integers(0, MIRRORS))
    def ask(self, replica, number):
        server = [self.root, *self.mirrors][number]
        if server.generation:
            self.pull(self.replicas[replica], server)

    @rule(number=st.integers(0, MIRRORS - 1))
    def follow(self, number):
        self.pull(self.mirrors[number], self.root)

    def pull(self, replica, server):
        answer = server.client_updates(replica.generation, replica.epoch)
        replica.apply(wire.decode(
            wire.encode(answer, lambda thing: thing.version)))

    @rule()
    def renew(self):
        self.root.renew()

    @invariant()
    def is_right(self):
        state = self.state(self.root)
        self.past.append((position_of(self.root), state))
        paths = [(*path, id) for path in self.paths(state, ())
                 for id in 'abcdefx']
        positions = {position_of(replica) for replica in self.replicas}
        for position in {*positions, self.past[-1][0], NOTHING}:
            then = self.since(position)
            for path in paths:
                self.judge(position, then, path)
            if position.generation:
                self.judge(position, then, ())

    def state(self, gset):
        """Return what a set has; each set has a number."""
        if not any(gset is known for known in self.known):
            self.known.append(gset)
        name, = [number for number, known in enumerate(self.known)
                 if gset is known]
        return {NAME: name, **{
            id: self.state(ob) if isinstance(ob, GSet) else ob.version
            for id, ob in gset.items()}}

    def paths(self, state, path):
        yield path
        for id, inside in state.items():
            if isinstance(inside, dict):
                yield from self.paths(inside, (*path, id))

    def since(self, position):
        """Return what there was at a position, and all that came then."""
        first = 0
        if position.generation:
            first = max(index for index, (known, _) in enumerate(self.past)
                        if known == position)
        return [state for _, state in self.past[first:]]

    def judge(self, position, then, path):
        epoch, since = position
        verdict = unchanged(self.root, path, since, epoch)
        found = [look(state, path) for state in then]
        is_same = found.count(found[-1]) == len(found)
        if since and epoch != self.root.epoch:
            assert not verdict
        elif verdict:
            assert is_same, (position, path)
        else:
            assert not is_same or self.may_be_forgotten(
                since, path), (position, path)

    def may_be_forgotten(self, since, path):
        """Tell whether a set may have forgotten that something was there."""
        gset = self.root
        for id in path:
            if id not in gset:
                return since < log_range(gset, set_index(gset))[0]
            gset = gset[id]
        return False


class StoredConditionalTree(StoredTree, ConditionalTree):

    @invariant()
    def is_right(self):
        self.commit()  # no client has a position before that
        super().is_right()


ConditionalTree.TestCase.settings = settings(SETTINGS, max_examples=25)
StoredConditionalTree.TestCase.settings = settings(SETTINGS, max_examples=15)


class ConditionalTreeTests(ConditionalTree.TestCase):
    layer = Histories


class StoredConditionalTreeTests(StoredConditionalTree.TestCase):
    layer = Histories


class LongStoredConditionalTreeTests(StoredConditionalTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=2000, stateful_step_count=80)
