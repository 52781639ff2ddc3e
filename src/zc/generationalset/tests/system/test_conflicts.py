"""Interleaved transactions of several connections, in one thread."""

import os
import random
import unittest
from unittest import mock

import transaction
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from zc.generationalset import GSet, check
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.things import (
    Client,
    Plain,
    ResolverErrors,
    Thing,
    state,
)

SEED = int(os.environ.get('GSET_SEED', 1))

TINY = {'SLICE': 2, 'KEEP': 2, 'TOO_MANY': 8, 'BACKLOG': 4, 'BULK': 6,
        'MEMORY': 20, 'PATIENCE': 4}
MIDDLE = {'SLICE': 8, 'KEEP': 4, 'TOO_MANY': 32, 'BACKLOG': 12, 'BULK': 40}


class Writer:
    """A connection, and the changes of its transaction."""

    def __init__(self, run):
        self.run = run
        self.rnd = run.rnd
        self.manager = transaction.TransactionManager(explicit=True)
        self.connection = run.db.open(self.manager)
        self.begin()

    def begin(self):
        self.manager.begin()
        self.trees = self.connection.root.trees
        self.changes = []  # path, id, version or subset's state or None
        self.answers = []  # client, updates that it gets if this commits
        self.recorded = dict.fromkeys(self.run.expected, 0)  # generations

    def close(self):
        self.manager.abort()
        self.connection.close()

    # What a transaction may do

    def act(self):
        actions = [self.add] * 6 + [self.remove] * 3 + [
            self.change, self.hand_out, self.answer_provisionally,
            self.savepoint, self.make_subset, self.several]
        self.rnd.choice(actions)()

    def path(self):
        paths = [(name,) for name in self.trees]
        for path in paths:
            paths += [(*path, id) for id, ob in self.at(path).items()
                      if isinstance(ob, GSet)]
        return self.rnd.choice(paths)

    def at(self, path):
        gset = self.trees
        for id in path:
            gset = gset[id]
        return gset

    def id(self):
        return self.rnd.choice('abcdefghij')

    def add(self):
        path, id = self.path(), self.id()
        version = self.run.next_version()
        self.at(path).add(self.rnd.choice([Thing, Plain])(id, version))
        self.note(path, id, version)

    def change(self):
        path, id = self.path(), self.id()
        ob = self.at(path).get(id)
        if isinstance(ob, Thing):
            ob.version = self.run.next_version()
            self.at(path).changed(ob)
            self.note(path, id, ob.version)

    def remove(self):
        path, id = self.path(), self.id()
        ob = self.at(path).get(id)
        if ob is not None and (
                not isinstance(ob, GSet) or self.rnd.random() < .2):
            self.at(path).remove(ob)
            self.note(path, id, None)

    def make_subset(self):
        path, id = self.path(), self.id()
        if self.rnd.random() < .5 or len(path) > 3:
            return
        subset = GSet(id, maximum_removals=2)
        if self.rnd.random() < .5:
            subset.add(Thing('a', self.run.next_version()))
        self.at(path).add(subset)
        self.note(path, id, state(subset))

    def several(self):
        for _ in range(self.rnd.randrange(8)):
            self.add()

    def note(self, path, id, value):
        self.changes.append((path, id, value))
        self.recorded[path[0]] += 1

    def hand_out(self):
        self.answer('generational_updates')

    def answer_provisionally(self):
        self.answer('provisional_updates')

    def answer(self, method):
        name, client = self.rnd.choice(self.run.clients)
        updates = getattr(self.trees[name], method)(client.generation)
        self.answers.append((client, client.generation, frozen(updates)))

    def savepoint(self):
        savepoint = self.manager.savepoint()
        if self.rnd.random() < .3:
            self.hand_out()  # an answer that the rollback doesn't change
        kept = self.changes[:], self.answers[:], dict(self.recorded)
        if self.rnd.random() < .5:
            self.connection.cacheMinimize()
        if self.rnd.random() < .5:
            self.add()
            savepoint.rollback()
            self.changes, self.answers, self.recorded = kept

    # How it ends

    def end(self):
        if self.rnd.random() < .1:
            self.manager.abort()
        else:
            try:
                self.manager.commit()
            except ConflictError:
                self.run.conflicts += 1
                self.manager.abort()
            else:
                self.run.committed(self)
        self.begin()


def frozen(updates):
    """Return updates as they are now, as an encoder would."""
    return type(updates)(
        (key, [frozen(ob) if isinstance(ob, dict)
               else Plain(ob.id, ob.version) for ob in value]
         if key in ('adds', 'contents') else value)
        for key, value in updates.items())


class Run:

    def __init__(self, seed, writers=4, maximum_removals=3):
        self.rnd = random.Random(seed)
        self.version = self.conflicts = self.commits = 0
        self.db = ZODB.DB(DemoStorage())
        with self.db.transaction() as connection:
            connection.root.trees = PersistentMapping(
                (name, GSet(maximum_removals=maximum_removals))
                for name in ('one', 'two'))
            connection.root.trees['one'].add(GSet('a', maximum_removals=2))
        self.expected = {'one': {'a': {}}, 'two': {}}
        self.generations = {'one': 2, 'two': 1}
        self.clients = [('one', Client()) for _ in range(4)] + [
            ('two', Client())]
        self.writers = [Writer(self) for _ in range(writers)]

    def next_version(self):
        self.version += 1
        return self.version

    def committed(self, writer):
        """Compare the database with a plain dictionary."""
        self.commits += 1
        for path, id, value in writer.changes:
            items = self.expected
            for key in path:
                items = items[key]
            items.pop(id, None)
            if value is not None:
                items[id] = dict(value) if isinstance(value, dict) else value
        with self.db.transaction() as connection:
            trees = connection.root.trees
            for name, gset in trees.items():
                self.compare(name, gset, writer.recorded[name])
            for client, before, updates in writer.answers:
                if client.generation == before:
                    client.apply(updates)
            for name, client in self.clients:
                if self.rnd.random() < .2:
                    client.sync(trees[name])

    def compare(self, name, gset, recorded):
        if state(gset) != self.expected[name]:
            raise AssertionError(f'{state(gset)} != {self.expected[name]}')
        # Subsets bring numbers of their own, and so make it jump.
        if gset.generation < self.generations[name] + recorded:
            raise AssertionError('a generation was given twice')
        self.generations[name] = gset.generation

    def finish(self):
        for writer in self.writers:
            writer.close()
        self.db.cacheMinimize()
        with self.db.transaction() as connection:
            trees = connection.root.trees
            for name, client in [*self.clients, ('one', Client())]:
                client.sync(trees[name])
            problems = [check(gset) for gset in trees.values()]
            if any(problems):
                raise AssertionError(problems)
        self.db.close()


class InterleavingTests(unittest.TestCase):

    layer = Histories

    def interleave(self, count, steps, constants, **options):
        totals = [0, 0]
        with ResolverErrors(), mock.patch.multiple(
                'zc.generationalset.sets.journal', **constants):
            for seed in range(SEED, SEED + count):
                with self.subTest(seed=seed):
                    run = Run(seed, **options)
                    for _ in range(steps):
                        writer = run.rnd.choice(run.writers)
                        if run.rnd.random() < .6:
                            writer.act()
                        else:
                            writer.end()
                    run.finish()
                    totals[0] += run.commits
                    totals[1] += run.conflicts
        self.assertGreater(totals[0], totals[1])
        self.assertGreater(totals[1], 0)

    def test_tiny_journals(self):
        self.interleave(60, 120, TINY)

    def test_middle_journals(self):
        self.interleave(40, 150, MIDDLE, maximum_removals=99)

    def test_journals(self):
        self.interleave(20, 250, {'MEMORY': 200})

    def test_many_writers(self):
        self.interleave(10, 300, TINY, writers=10, maximum_removals=1)


class LongInterleavingTests(InterleavingTests):
    """The same, many times."""

    level = 2

    def interleave(self, count, steps, constants, **options):
        super().interleave(count * 12, steps, constants, **options)
