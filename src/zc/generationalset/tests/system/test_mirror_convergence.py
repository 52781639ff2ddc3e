"""Clients that move between a source and its mirrors are always right.

Any server may answer a client at a generation of the source.  Any answer may
arrive at any client and any mirror, at any time: it may begin before what they
have, end before that, or come twice.  Afterwards, they have what the source
had at their generation.
"""

import contextlib
import pickle
import random
import unittest
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from zc.generationalset import GSet
from zc.generationalset.sets.members import chain, locate
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.things import Thing
from zc.generationalset.tests.support.trees import BOUNDS, SETTINGS, Tree
from zc.generationalset.tests.support.worlds import InMemory, Stored, World


def little(rnd):
    """Have mirrors that forget, and tidy up, at every opportunity."""
    stack = contextlib.ExitStack()
    for name, value in [
            ('mirrored.REMOVALS', rnd.choice([0, 1, 3, 1000])),
            ('mirrored.PAUSE', 2),
            ('points.MOST', rnd.choice([2, 4, 1000]))]:
        stack.enter_context(mock.patch(
            f'zc.generationalset.mirror.{name}', value))
    stack.enter_context(mock.patch.multiple(
        'zc.generationalset.sets.journal', SLICE=2, KEEP=1, BACKLOG=4, BULK=5))
    stack.enter_context(mock.patch(
        'zc.generationalset.sets.pages.ROOM', rnd.choice([1, 3])))
    return stack


class SeededTests(unittest.TestCase):
    """Random histories of random trees, clients, and ways to ask."""

    layer = Histories
    seeds = range(50)

    def test_clients_that_ask_anybody(self):
        for seed in self.seeds:
            rnd = random.Random(seed)
            with self.subTest(seed=seed), little(rnd):
                kinds = [Stored if seed % 5 == 0 else InMemory] * 3
                History(rnd, kinds).run()


class History:

    def __init__(self, rnd, kinds):
        self.rnd = rnd
        self.world = World(GSet(maximum_removals=self.bound()), kinds)
        self.version = 0
        self.backup = None

    def bound(self):
        return self.rnd.choice([0, 1, 3, 99])

    def run(self):
        steps = [self.change] * 12 + [self.follow] * 3 + [self.sync] * 6
        steps += [self.deliver] * 9 + [self.deliver_to_mirror] * 3
        steps += [self.turn] * 12 + [self.deliver_to_copier] * 3
        steps += [self.turn_mirror] * 6
        steps += [self.back_up, self.restore] if self.rnd.random() < .3 else []
        try:
            for _ in range(self.rnd.randrange(20, 160)):
                self.rnd.choice(steps)()
                self.world.remember()
            self.world.converge()
        finally:
            self.world.close()

    def follow(self):
        self.world.follow(*self.mirror_and_source())

    def turn_mirror(self):
        number, source = self.mirror_and_source()
        for _ in range(self.rnd.randrange(1, 9)):
            self.world.turn_mirror(number, source, self.rnd.randrange(1, 4))
            if self.rnd.random() < .3:
                self.change()

    def mirror_and_source(self):
        number = self.rnd.randrange(1, 4)
        source = self.rnd.choice([0, 0, number - 1, self.rnd.randrange(4)])
        return number, source if source != number else 0

    def sync(self):
        self.world.sync(self.rnd.randrange(6), self.rnd.randrange(4))

    def deliver(self):
        self.world.deliver(self.rnd.randrange(6), self.rnd.randrange(12))

    def deliver_to_mirror(self):
        self.world.deliver_to_mirror(
            self.rnd.randrange(1, 4), self.rnd.randrange(12))

    def turn(self):
        number = self.rnd.randrange(4)
        copier = self.rnd.randrange(2)
        for _ in range(self.rnd.randrange(1, 6)):
            self.world.turn(copier, number, self.rnd.randrange(1, 4))
            if self.rnd.random() < .5:
                self.change()

    def deliver_to_copier(self):
        self.world.deliver_to_copier(
            self.rnd.randrange(2), self.rnd.randrange(12))

    def back_up(self):
        self.backup = pickle.dumps(self.world.source)

    def restore(self):
        if self.backup:
            self.world.source = pickle.loads(self.backup)
            self.world.source.renew()

    # The source

    def sets(self):
        sets = [self.world.source]
        for gset in sets:
            sets += [ob for ob in gset if isinstance(ob, GSet)]
        return sets

    def change(self):
        gset = self.rnd.choice(self.sets())
        id = self.rnd.choice('abcdefg')
        self.version += 1
        how = self.rnd.random()
        if how < .35 and id in gset:
            del gset[id]
        elif how < .5:
            self.put_subset(gset, id)
        elif how < .55 and isinstance(gset.get(id), GSet):
            gset.changed(gset[id])
        elif how < .6:
            gset.maximum_removals = self.bound()
        elif how < .65:
            self.move(gset)
        else:
            # One that was there before, perhaps.
            gset.add(Thing(id, self.rnd.choice([0, 1, self.version])))

    def put_subset(self, gset, id):
        if len(locate(gset)[1]) > 2:
            return
        subset = GSet(id, maximum_removals=self.bound())
        for inner in self.rnd.sample('abcdefg', self.rnd.randrange(4)):
            self.version += 1
            subset.add(Thing(inner, self.version))
        if self.rnd.random() < .5:
            subset.clear()
        gset.add(subset)

    def move(self, gset):
        moved = self.rnd.choice(self.sets())
        if moved.parent is not None and moved not in chain(gset):
            gset.add(moved)


class MirroredTree(Tree):
    """Hypothesis writes the history, and looks for the shortest one."""

    kind = InMemory

    @initialize(maximum_removals=BOUNDS, seed=st.integers(0, 10))
    def make(self, maximum_removals, seed):
        super().make(maximum_removals)
        self.little = little(random.Random(seed))
        self.world = World(self.root, [self.kind] * 2)

    @rule(number=st.integers(1, 2), source=st.integers(0, 2))
    def follow(self, number, source):
        self.world.follow(number, source if source != number else 0)

    @rule(number=st.integers(1, 2), source=st.integers(0, 2),
          limit=st.integers(1, 3))
    def turn_mirror(self, number, source, limit):
        self.world.turn_mirror(
            number, source if source != number else 0, limit)

    @rule(client=st.integers(0, 5), number=st.integers(0, 2))
    def ask(self, client, number):
        self.world.sync(client, number)

    @rule(client=st.integers(0, 5), age=st.integers(0, 11))
    def deliver(self, client, age):
        self.world.deliver(client, age)

    @rule(number=st.integers(1, 2), age=st.integers(0, 11))
    def deliver_to_mirror(self, number, age):
        self.world.deliver_to_mirror(number, age)

    @rule(copier=st.integers(0, 1), number=st.integers(0, 2),
          limit=st.integers(1, 3))
    def turn(self, copier, number, limit):
        self.world.turn(copier, number, limit)

    @rule(copier=st.integers(0, 1), age=st.integers(0, 11))
    def deliver_to_copier(self, copier, age):
        self.world.deliver_to_copier(copier, age)

    @rule()
    def renew(self):
        self.world.remember()
        self.root.renew()

    def teardown(self):
        try:
            self.world.converge()
        finally:
            self.world.close()
            self.little.close()


class StoredMirroredTree(MirroredTree):

    kind = Stored


MirroredTree.TestCase.settings = settings(SETTINGS, max_examples=40)
StoredMirroredTree.TestCase.settings = settings(SETTINGS, max_examples=25)


class MirroredTreeTests(MirroredTree.TestCase):
    layer = Histories


class StoredMirroredTreeTests(StoredMirroredTree.TestCase):
    layer = Histories


class LongSeededTests(SeededTests):

    level = 2
    seeds = range(1000, 6000)


class LongMirroredTreeTests(MirroredTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=3000, stateful_step_count=80)


class LongStoredMirroredTreeTests(StoredMirroredTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=500, stateful_step_count=80)
