"""Whatever is done to a tree, and to answers, all replicas become equal."""

import contextlib
import os
import tempfile

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from zc.generationalset import GSet, wire
from zc.generationalset.replica import (
    Misfit,
    Replica,
    SQLiteReplica,
    Subset,
)
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.replicas import (
    order,
    replay,
    state,
    texts,
)
from zc.generationalset.tests.support.trees import BOUNDS, StoredTree, Tree


def version(thing):
    return thing.version


def order_of_set(gset):
    return [(id, order_of_set(ob)) if isinstance(ob, GSet) else id
            for id, ob in gset.items()]


def set_texts(items):
    """Return what must be in a set as texts, as of replicas."""
    return {id: Subset(set_texts(item)) if isinstance(item, dict)
            else str(item) for id, item in items.items()}


class Follower:
    """A replica in memory, and the answers that are on their way to it."""

    def __init__(self, path):
        self.path = path
        self.replica = self.open()
        self.answers = []
        #: What the reports make of a dictionary.
        self.items = {}

    def open(self):
        return Replica.load(self.path)

    def reopen(self):
        self.replica.dump(self.path)
        self.replica = self.open()

    def close(self):
        pass

    def ask(self, root, provisional=False):
        updates = root.client_updates(
            self.replica.generation, self.replica.epoch, provisional)
        self.answers.append(b''.join(
            wire.encode_chunks(updates, version, 200)))

    def get(self, answer):
        updates = wire.decode(answer)
        generation, epoch, _ = before = state(self.replica)
        since, leads_to = updates['since'], updates['generation']
        if 'reset' in updates or not generation:
            fits = since == generation and (not generation or epoch ==
                updates.get('since_epoch', updates['epoch']))
        else:
            fits = (epoch == updates['epoch']
                    and since <= generation <= leads_to)
        try:
            changes = self.replica.apply(updates)
        except Misfit:
            assert not fits
            assert state(self.replica) == before
        else:
            assert fits
            replay(changes, self.items)
            assert self.items == texts(self.replica.items)


class SQLiteFollower(Follower):

    def open(self):
        return SQLiteReplica(self.path)

    def reopen(self):
        self.close()
        self.replica = self.open()

    def close(self):
        self.replica.close()


FOLLOWERS = st.integers(0, 2)


class Followed:
    """Rules for answers on their way."""

    @initialize(maximum_removals=BOUNDS)
    def make(self, maximum_removals):
        super().make(maximum_removals)
        self.stack = contextlib.ExitStack()
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.followers = [
            kind(os.path.join(directory, str(number)))
            for number, kind in enumerate(
                [Follower, Follower, SQLiteFollower])]
        for follower in self.followers:
            self.stack.callback(follower.close)

    @rule(number=FOLLOWERS, provisional=st.booleans())
    def ask(self, number, provisional):
        self.followers[number].ask(self.root, provisional)

    @precondition(lambda self: any(one.answers for one in self.followers))
    @rule(data=st.data(), again=st.booleans())
    def arrive(self, data, again):
        """One of the answers arrives, perhaps not for the last time."""
        follower = data.draw(st.sampled_from(
            [one for one in self.followers if one.answers]), 'follower')
        number = data.draw(st.integers(0, len(follower.answers) - 1))
        follower.get(follower.answers[number])
        if not again:
            del follower.answers[number]

    @precondition(lambda self: any(one.answers for one in self.followers))
    @rule(data=st.data())
    def never_arrive(self, data):
        data.draw(st.sampled_from(
            [one for one in self.followers if one.answers])).answers.pop(0)

    @rule(number=FOLLOWERS)
    def sync_follower(self, number):
        follower = self.followers[number]
        follower.ask(self.root)
        follower.get(follower.answers.pop())
        self.compare(follower)

    def compare(self, follower):
        expected = self.root.generation, self.root.epoch, set_texts(
            self.expected)
        assert state(follower.replica) == expected
        assert order(follower.replica.items) == order_of_set(self.root)

    @rule(number=FOLLOWERS)
    def reopen(self, number):
        follower = self.followers[number]
        before = state(follower.replica), order(follower.replica.items)
        follower.reopen()
        after = state(follower.replica), order(follower.replica.items)
        assert after == before

    @rule()
    def renew(self):
        self.root.renew()

    def teardown(self):
        for number, follower in enumerate(self.followers):
            for answer in follower.answers:
                follower.get(answer)
            self.sync_follower(number)
        self.stack.close()
        super().teardown()


class FollowedTree(Followed, Tree):
    pass


class FollowedStoredTree(Followed, StoredTree):
    pass


SETTINGS = settings(
    max_examples=40, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck))
FollowedTree.TestCase.settings = SETTINGS
FollowedStoredTree.TestCase.settings = SETTINGS


class FollowedTreeTests(FollowedTree.TestCase):
    layer = Histories


class FollowedStoredTreeTests(FollowedStoredTree.TestCase):
    layer = Histories


class LongFollowedTreeTests(FollowedTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=1000, stateful_step_count=80)


class LongFollowedStoredTreeTests(FollowedStoredTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=1000, stateful_step_count=80)
