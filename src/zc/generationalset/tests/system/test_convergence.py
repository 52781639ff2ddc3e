"""Replicas become equal to a tree of sets, whatever happens to it."""

import random
import unittest

from hypothesis import settings

from zc.generationalset import GSet, check
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.things import Client, Thing
from zc.generationalset.tests.support.trees import (
    SETTINGS,
    StoredTree,
    Tree,
)


class TreeTests(Tree.TestCase):
    layer = Histories


class StoredTreeTests(StoredTree.TestCase):
    layer = Histories


class LongTreeTests(Tree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=3000, stateful_step_count=80)


class LongStoredTreeTests(StoredTree.TestCase):
    layer = Histories
    level = 2
    settings = settings(SETTINGS, max_examples=3000, stateful_step_count=80)


class FlatTests(unittest.TestCase):
    """Seeded random histories of a flat set."""

    layer = Histories

    def run_history(self, seed, maximum_removals):
        rnd = random.Random(seed)
        gset = GSet(maximum_removals=maximum_removals)
        clients = [Client() for _ in range(5)]
        for version in range(80):
            id = rnd.choice('abcdefgh')
            if id in gset and rnd.random() < .5:
                del gset[id]
            else:
                gset.add(Thing(id, version))
            for client in clients:
                if rnd.random() < .1:
                    client.sync(gset)
        for client in [*clients, Client()]:
            client.sync(gset)
        self.assertEqual(check(gset), [])

    def test_random_histories(self):
        for maximum_removals in 0, 1, 3, 99:
            for seed in range(100):
                with self.subTest(
                        seed=seed, maximum_removals=maximum_removals):
                    self.run_history(seed, maximum_removals)
