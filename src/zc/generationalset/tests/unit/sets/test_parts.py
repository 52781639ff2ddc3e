"""Each part of a replica has what was there at the part's generation.

Parts join and go, subsets move in and out, removals are forgotten, a mirror
answers by turns, and any answer may come late or twice.
"""

import contextlib
import copy
import os
import tempfile
import unittest

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from zc.generationalset import GSet, wire
from zc.generationalset.answers import Misfit
from zc.generationalset.mirror import Mirror
from zc.generationalset.parts import check_parts
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.support.things import Thing, state
from zc.generationalset.tests.support.trees import (
    BOUNDS,
    SETTINGS,
    StoredTree,
    Tree,
)

#: Paths of parts; Hypothesis moves sets there and away.
PATHS = st.sampled_from([
    (one, *rest) for one in 'abcdef' for rest in [(), ('a',), ('b', 'c')]])


def plain(items):
    return {id: plain(item) if hasattr(item, 'items') else item
            for id, item in items.items()}


def at(items, path):
    """Return the set at a path, which is empty if it isn't there."""
    for id in path:
        items = items.get(id) if isinstance(items, dict) else None
    return items if isinstance(items, dict) else {}


class Parts:
    """Rules for clients of parts, for a tree."""

    @initialize(maximum_removals=BOUNDS)
    def make(self, maximum_removals):
        super().make(maximum_removals)
        self.folder = tempfile.TemporaryDirectory()
        self.replicas = [Replica(), SQLiteReplica(
            os.path.join(self.folder.name, 'x'))]
        self.wanted = [{('a',)}, {('a',), ('b',)}]
        self.mirror = Mirror('http://source')
        self.answers = []
        self.was = {}

    def ask(self, server, generation, epoch, parts):
        """Return what a server answers; remember what is there now."""
        root = self.root
        self.was.setdefault((root.epoch, root.generation), state(root))
        return wire.decode(wire.encode(server.client_updates(
            generation, epoch, parts=check_parts(parts)),
            lambda thing: thing.version))

    def server(self, at_mirror):
        return self.mirror if at_mirror and self.mirror.generation \
            else self.root

    def apply(self, number, answer):
        """Apply what a client wants of an answer, if it fits."""
        replica = self.replicas[number]
        wanted = [part for part in answer['parts']
                  if part['path'] in self.wanted[number]]
        before = copy.deepcopy(plain(replica.items))
        if not wanted:
            return
        try:
            changes = replica.apply({**answer, 'parts': wanted})
        except Misfit:
            assert plain(replica.items) == before
            return
        if isinstance(replica, Replica):
            self.replay(before, changes, plain(replica.items))
        self.check(number)

    def replay(self, items, changes, expected):
        for kind, path, item in changes:
            inside = items
            for id in path[:-1]:
                inside = inside[id]
            if kind == 'removed':
                del inside[path[-1]]
            else:
                inside[path[-1]] = {} if isinstance(item, dict) else item
        assert items == expected, (items, expected)

    def check(self, number):
        replica = self.replicas[number]
        held = replica.parts or {}
        assert replica.generation == min(held.values(), default=0)
        items = plain(replica.items)
        for path, generation in held.items():
            was = self.was[replica.epoch, generation]
            assert at(items, path) == at(was, path), (path, generation)
            at(items, path).clear()
        assert not any(self.leaves(items)), items

    def leaves(self, items):
        for item in items.values():
            yield from self.leaves(item) if isinstance(item, dict) else [item]

    @rule(number=st.integers(0, 1), at_mirror=st.booleans())
    def sync_parts(self, number, at_mirror):
        replica, wanted = self.replicas[number], self.wanted[number]
        server = self.server(at_mirror)
        missing = wanted - (replica.parts or {}).keys()
        if missing and replica.generation:
            self.give(number, server, 0, None, missing)
        self.give(number, server, replica.generation, replica.epoch, wanted)
        if not at_mirror:
            held = replica.parts or {}
            # After another epoch, those that joined before are lost.
            if held.keys() == wanted:
                assert set(held.values()) == {self.root.generation}

    def give(self, number, server, generation, epoch, parts):
        answer = self.ask(server, generation, epoch, parts)
        self.answers.append(answer)
        self.apply(number, answer)

    @rule(number=st.integers(0, 1), path=PATHS)
    def want(self, number, path):
        with contextlib.suppress(ValueError):
            self.wanted[number] = set(check_parts(
                [*self.wanted[number] - {path}, path]))

    @rule(number=st.integers(0, 1), data=st.data())
    def drop(self, number, data):
        wanted, replica = self.wanted[number], self.replicas[number]
        if len(wanted) > 1:
            path = data.draw(st.sampled_from(sorted(wanted)))
            wanted.discard(path)
            if path in (replica.parts or {}):
                replica.drop(path)
                self.check(number)

    @rule()
    def follow(self):
        mirror, root = self.mirror, self.root
        self.was.setdefault((root.epoch, root.generation), state(root))
        mirror.apply(wire.decode(wire.encode(
            root.client_updates(mirror.generation, mirror.epoch),
            lambda thing: thing.version)))

    @precondition(lambda self: self.answers)
    @rule(number=st.integers(0, 1), data=st.data())
    def arrive_late(self, number, data):
        self.apply(number, data.draw(st.sampled_from(self.answers)))

    def teardown(self):
        for number in range(2):
            self.sync_parts(number, False)
            self.sync_parts(number, False)
        self.replicas[1].close()
        self.folder.cleanup()
        super().teardown()


class PartsOfTree(Parts, Tree):
    pass


class PartsOfStoredTree(Parts, StoredTree):
    pass


PartsOfTree.TestCase.settings = SETTINGS
PartsOfStoredTree.TestCase.settings = SETTINGS
PartsOfTreeTests = PartsOfTree.TestCase
PartsOfStoredTreeTests = PartsOfStoredTree.TestCase


class PartsTests(unittest.TestCase):

    def setUp(self):
        self.root = GSet(maximum_removals=1)
        self.root.add(GSet('a'))
        self.root.add(GSet('b'))

    def parts(self, since, *paths):
        answer = self.root.client_updates(since, self.root.epoch, parts=paths)
        return [{name: list(value) for name, value in part.items()}
                for part in answer['parts']]

    def test_a_forgotten_removal(self):
        since = self.root.generation
        self.root['b'].add(Thing('x', 1))
        del self.root['a'], self.root['b']
        self.assertEqual(self.parts(since, ('a',), ('b',), ('c',)), [
            {'path': ['a'], 'contents': []}, {'path': ['b'], 'contents': []},
            {'path': ['c'], 'contents': []}])
        now = self.root.generation
        self.assertEqual(self.parts(now, ('a',), ('b',)), [
            {'path': ['a']}, {'path': ['b']}])

    def test_below_a_set_that_came_later(self):
        self.root['a'].add(GSet('x'))
        self.root['a']['x'].add(Thing('i', 1))
        since = self.root.generation
        del self.root['a'], self.root['b']  # the first removal is forgotten
        self.root.add(GSet('a'))
        self.assertEqual(self.parts(since, ('a', 'x')), [
            {'path': ['a', 'x'], 'contents': []}])

    def test_ids_that_can_not_be_in_a_set(self):
        """They lead to nothing, as others do that aren't there."""
        self.assertEqual(self.parts(0, (5,), ('a', None), ((1, 2),)), [
            {'path': path, 'contents': []}
            for path in ([5], ['a', None], [(1, 2)])])

    def test_a_subset_is_served(self):
        gset = self.root['a']
        gset.add(GSet('x'))
        gset['x'].add(Thing('i', 1))
        answer = gset.client_updates(0, parts=(('x',), ('b',)))
        self.assertEqual(answer['epoch'], gset.epoch)
        self.assertEqual([
            [entry[0] for entry in part['contents']]
            for part in answer['parts']], [['i'], []])


class CheckTests(unittest.TestCase):

    def test_parts(self):
        self.assertEqual(check_parts([['a'], ['b', 1]]), (('a',), ('b', 1)))
        for paths in [
                [], [[]], [['a'], ['a']], [['a'], ['a', 'b']],
                [['a', 'b', 'c'], ['a']],
                [[number] for number in range(101)]]:
            with self.subTest(paths=paths), self.assertRaisesRegex(
                    ValueError, '^expected .*, got '):
                check_parts(paths)
