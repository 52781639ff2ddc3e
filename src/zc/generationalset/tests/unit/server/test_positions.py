"""A position says what it is of: no client mixes one set with another.

One URL serves a tree, its subsets, and their mirrors, by turns.  The client
doesn't know that.
"""

import random
from contextlib import ExitStack

import transaction

from zc.generationalset import GSet
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import Mirror
from zc.generationalset.replica import Replica
from zc.generationalset.tests.support.serving import Served

#: What the URL may serve.  A mirror has the epoch of what it is a copy of.
TREE, RED, BLUE = 'tree', 'red', 'blue'
NAMES = [TREE, RED, BLUE, f'mirror of {TREE}', f'mirror of {RED}']


class Recording(Replica):
    """A replica that counts how often it has started over."""

    resets = 0

    def apply(self, updates):
        changes = super().apply(updates)
        self.resets += 'reset' in updates
        return changes


class PositionsTests(Served):

    options = {
        'name': lambda request: PositionsTests.served,
        'find': lambda root, name: PositionsTests.found(root, name)}

    def setUp(self):
        super().setUp()
        with self.db.transaction() as connection:
            things = connection.root.things
            for name in RED, BLUE:
                things.add(GSet(name))
                things[name].add(Document(f'secret of {name}', 1))
            for name in NAMES[3:]:
                connection.root()[name] = Mirror('http://source')
        self.follow(TREE)
        self.follow(RED)

    @staticmethod
    def found(root, name):
        things = root['things']
        return root[name] if name.startswith('mirror') else (
            things if name == TREE else things[name])

    def follow(self, name):
        """Bring a mirror up to date."""
        with self.db.transaction() as connection:
            root = connection.root()
            mirror, source = root[f'mirror of {name}'], self.found(root, name)
            mirror.apply(source.client_updates(
                mirror.generation, mirror.epoch))

    def sync(self, client, name):
        PositionsTests.served = name
        client.sync()

    def contents(self, name):
        with ExitStack() as stack:
            new = stack.enter_context(Client(self.url))
            self.sync(new, name)
            return new.replica.items

    def change(self, chance):
        with self.db.transaction() as connection:
            gset = connection.root.things[chance.choice([RED, BLUE])]
            id = f'i{chance.randrange(5)}'
            if id in gset.ids() and chance.random() < .4:
                del gset[id]
            else:
                gset.add(Document(id, f'{gset.id} {chance.random()}'))

    def test_from_anywhere_to_anywhere(self):
        chance = random.Random(14)
        with Client(self.url) as client:
            for _ in range(80):
                if chance.random() < .6:
                    self.change(chance)
                if chance.random() < .4:
                    self.follow(chance.choice([TREE, RED]))
                name = chance.choice(NAMES)
                self.sync(client, name)
                expected = self.contents(name)
                # A mirror may be behind what the client already has: the set
                # is the same, and so is the epoch.
                if client.replica.generation > self.generation_of(name):
                    name = name.removeprefix('mirror of ')
                    self.assertLessEqual(set(client.replica.items),
                                         {RED, BLUE} if name == TREE else
                                         self.known(name))
                else:
                    self.assertEqual(client.replica.items, expected, name)

    def known(self, name):
        return {f'secret of {name}', *[f'i{number}' for number in range(5)]}

    def generation_of(self, name):
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        try:
            return self.found(connection.root(), name).generation
        finally:
            manager.abort()
            connection.close()

    def test_only_other_sets_start_over(self):
        with Client(self.url, replica=Recording()) as client:
            for name, resets in [
                    (RED, 0), (f'mirror of {RED}', 0), (RED, 0), (BLUE, 1),
                    (RED, 2), (TREE, 3), (f'mirror of {TREE}', 3),
                    (f'mirror of {RED}', 4), (RED, 4), (TREE, 5), (BLUE, 6)]:
                self.change(random.Random(0))
                self.follow(TREE)
                self.follow(RED)
                self.sync(client, name)
                self.assertEqual(client.replica.resets, resets, name)
                self.assertEqual(client.replica.items, self.contents(name))

    def test_parts(self):
        paths = ['s', 't']
        with self.db.transaction() as connection:
            things = connection.root.things
            for gset in things, things[RED], things[BLUE]:
                for path in paths:
                    gset.add(GSet(path))
                    gset[path].add(Document('of', gset.id))
        self.follow(TREE)
        self.follow(RED)
        with Client(self.url, replica=Recording(), parts=paths) as client:
            for name in [RED, f'mirror of {RED}', BLUE, RED, BLUE, TREE,
                         f'mirror of {TREE}', BLUE, TREE]:
                self.sync(client, name)
                of = name.removeprefix('mirror of ')
                self.assertEqual(client.replica.items, {path: {
                    'of': None if of == TREE else of} for path in paths})
            self.assertEqual(client.replica.resets, 6)
