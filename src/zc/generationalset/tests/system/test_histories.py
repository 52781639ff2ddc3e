"""Real edit histories, replayed into sets with clients that lag behind.

The histories are those of two public projects: for each commit a line with
its time and its changes, [["A" or "M", path, content id], ["D", path], ...].
"""

import gzip
import json
import unittest

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, check
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.places import DATA
from zc.generationalset.tests.support.things import Client, Thing


def history(name):
    with gzip.open(DATA / f'{name}-history.jsonl.gz', 'rt') as lines:
        for line in lines:
            _, changes = json.loads(line)
            yield [(path, *content) for _, path, *content in changes]


class Flat:
    """The set has a thing for each path."""

    def __init__(self, maximum_removals):
        self.set = GSet(maximum_removals=maximum_removals)

    def put(self, path, content):
        self._put(self.set, path, content)

    def _put(self, gset, id, content):
        thing = gset.get(id)
        if thing is None:
            gset.add(Thing(id, content))
        else:
            thing.version = content
            gset.changed(thing)

    def remove(self, path):
        del self.set[path]

    def expected(self, files):
        return dict(files)


class Tree(Flat):
    """The set has a subset for each directory in which there are files."""

    def put(self, path, content):
        *directories, name = path.split('/')
        gset = self.set
        for directory in directories:
            gset = self._subset(gset, directory)
        self._put(gset, name, content)

    def _subset(self, gset, id):
        subset = gset.get(id)
        if subset is None:
            # It joins with its first file.
            subset = GSet(id, gset, gset.maximum_removals)
        return subset

    def remove(self, path):
        self._remove(self.set, path.split('/'))

    def _remove(self, gset, ids):
        id, *rest = ids
        if rest:
            self._remove(gset[id], rest)
            if len(gset[id]):
                return
        del gset[id]

    def expected(self, files):
        result = {}
        for path, content in files.items():
            *directories, name = path.split('/')
            directory = result
            for id in directories:
                directory = directory.setdefault(id, {})
            directory[name] = content
        return result


class AdoptingTree(Tree):
    """A tree whose subsets have a file, and a past, before they are added."""

    def put(self, path, content):
        self._fill(self.set, path.split('/'), content)

    def _fill(self, gset, ids, content):
        id, *rest = ids
        if not rest:
            self._put(gset, id, content)
        elif id in gset:
            self._fill(gset[id], rest, content)
        else:
            subset = GSet(id, maximum_removals=gset.maximum_removals)
            self._fill(subset, rest, content)
            gset.add(subset)


class HistoryTests(unittest.TestCase):

    layer = Histories

    def replay(self, name, model, *lags):
        """Make each commit of a history a transaction.

        A client that lags by N synchronizes after every Nth; all of them, and
        one that was away until then, do at the end.
        """
        database = ZODB.DB(DemoStorage())
        self.addCleanup(database.close)
        writer = database.open(transaction.TransactionManager())
        reader = database.open(transaction.TransactionManager())
        writer.root.set = model.set
        writer.transaction_manager.commit()

        files = {}
        clients = {lag: Client() for lag in lags}
        for number, changes in enumerate(history(name), 1):
            self.change(model, files, changes)
            writer.transaction_manager.commit()
            due = [lag for lag in lags if number % lag == 0]
            self.sync(reader, [clients[lag] for lag in due],
                      model, files, f'{name}, after commit {number}')
        self.sync(reader, [*clients.values(), Client()],
                  model, files, f'{name}, at the end')
        for connection in writer, reader:
            self.assertEqual(check(connection.root.set), [])
        return number, files

    def change(self, model, files, changes):
        # Removals first: a file may take the place of a directory.
        for path, *content in sorted(changes, key=len):
            if content:
                files[path], = content
                model.put(path, *content)
            else:
                del files[path]
                model.remove(path)

    def sync(self, reader, clients, model, files, when):
        if not clients:
            return
        reader.transaction_manager.begin()
        expected = model.expected(files)
        for client in clients:
            client.sync(reader.root.set)
            if client.items != expected:
                raise AssertionError(f'{when}: {client.items} != {expected}')

    def test_the_histories_are_complete(self):
        for name, commits, changes in [
                ('transaction', 224, 769), ('zodb', 4480, 12458)]:
            with self.subTest(name):
                lengths = list(map(len, history(name)))
                self.assertEqual((len(lengths), sum(lengths)),
                                 (commits, changes))


def add_test(name, commits, left, model, maximum_removals, *lags):
    def test(self):
        replayed, files = self.replay(name, model(maximum_removals), *lags)
        self.assertEqual((replayed, len(files)), (commits, left))

    # One test for each combination, so that a failure says which one it is.
    test.__name__ = f'test_{name}_{model.__name__}_{maximum_removals}'.lower()
    setattr(HistoryTests, test.__name__, test)


for model in Flat, Tree, AdoptingTree:
    for maximum_removals in 3, 99:
        add_test('transaction', 224, 47, model, maximum_removals,
                 1, 10, 100, 1000)
        add_test('zodb', 4480, 215, model, maximum_removals, 10, 100, 1000)
