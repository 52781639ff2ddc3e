"""A large tree in a file, and its history."""

import random
from itertools import product
from pathlib import Path

import transaction
import ZODB
from benchmarks.lib.processes import Failed
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document

#: Sets in a set, by depth: 6 + 6 * 7 + 6 * 7 * 6 = 300.
WIDTHS = 6, 7, 6
#: Bytes of an item, as JSON.
SIZE = 2000
#: Items of a transaction that fills the tree.
BATCH = 2000
NAME = 'things'


def paths():
    """Return the paths of all subsets, those above before those below."""
    names = [[f'set-{number}' for number in range(width)] for width in WIDTHS]
    return [path for depth in range(len(WIDTHS))
            for path in product(*names[:depth + 1])]


def value(number, version=0):
    """Return an item."""
    return {'number': number, 'version': version,
            'text': ('a text that says nothing ' * SIZE)[:SIZE - 60]}


class Tree:
    """The file, and where each item is."""

    def __init__(self, directory, items):
        self.path = Path(directory, 'Data.fs')
        self.items = items
        self._paths = paths()

    def size(self):
        return self.path.stat().st_size

    def place(self, number):
        """Return the path of an item."""
        return *self._paths[number % len(self._paths)], f'item-{number:06}'

    def open(self):
        return ZODB.DB(FileStorage(str(self.path)), cache_size=1_000_000,
                       cache_size_bytes=2 ** 27)

    def fill(self, tell):
        with Session(self) as session:
            root = session.root[NAME] = GSet()
            for path in self._paths:
                session.at(path[:-1]).add(GSet(path[-1]))
            session.commit()
            for number in range(self.items):
                *path, id = self.place(number)
                session.at(path).add(Document(id, value(number)))
                if number % BATCH == BATCH - 1:
                    session.commit()
                    tell(f'{number + 1:,} of {self.items:,} items')
            session.commit()
            return root.generation

    def change(self, commits, tell):
        """Make commits, of one change each."""
        chance = random.Random(1)
        with Session(self) as session:
            for number in range(commits):
                item = chance.randrange(self.items)
                *path, id = self.place(item)
                gset = session.at(path)
                gset[id].value = value(item, number + 1)
                gset.changed(gset[id])
                session.commit()
                if number % BATCH == BATCH - 1:
                    tell(f'{number + 1:,} of {commits:,} commits')


class Session:
    """A database that is open, with one connection."""

    def __init__(self, tree):
        self.db = tree.open()
        self._manager = transaction.TransactionManager()
        self._connection = self.db.open(self._manager)
        self.root = self._connection.root()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._manager.abort()
        self.db.close()

    def at(self, path):
        gset = self.root[NAME]
        for id in path:
            gset = gset[id]
        return gset

    def commit(self):
        self._manager.commit()
        self._connection.cacheGC()

    def answer(self, encode, behind):
        """Return the answer to a client that missed so many changes."""
        gset = self.at(())
        body = encode(gset.client_updates(
            gset.generation - behind, gset.epoch))
        if b'"reset"' in body:
            raise Failed(f'{behind} behind: the client would start over')
        return body
