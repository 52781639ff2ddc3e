"""Items and sets in a database, the same for every release.

This uses only what release 0.4.0 has, too.
"""

import os
import shutil
import tempfile
from contextlib import contextmanager

import persistent
import ZODB
from BTrees.OOBTree import OOBTree

from zc.generationalset import GSet

SUBSETS = 10
#: Objects in the cache of a connection.
CACHE = 10_000


class Item(persistent.Persistent):
    """An item with about 200 bytes of data."""

    def __init__(self, number):
        self.id = item_id(number)
        self.value = 0
        self.data = 'x' * 200


def item_id(number):
    return f'item-{number:07}'


class Bare:
    """Items with no generational set: what a commit costs at the least."""

    def __init__(self, connection):
        self._connection = connection

    @staticmethod
    def build(count):
        return OOBTree({item_id(n): Item(n) for n in range(count)})

    @property
    def collection(self):
        return self._connection.root()['collection']

    def change(self, number):
        """Change an item; return its new value."""
        collection, id = self.place(number)
        item = collection[id]
        item.value += 1
        self.changed(collection, item)
        return item.value

    def get(self, number):
        collection, id = self.place(number)
        return collection[id]

    def place(self, number):
        """Return the collection that has an item, and the item's id."""
        return self.collection, item_id(number)

    def changed(self, collection, item):
        pass


class Flat(Bare):
    """Items in one set."""

    @staticmethod
    def build(count):
        gset = GSet()
        for number in range(count):
            gset.add(Item(number))
        return gset

    def changed(self, collection, item):
        collection.changed(item)


class Tree(Flat):
    """Items in the subsets of a set."""

    @staticmethod
    def build(count):
        gset = GSet()
        subsets = [GSet(f'subset-{n}', gset) for n in range(SUBSETS)]
        for number in range(count):
            subsets[number % SUBSETS].add(Item(number))
        return gset

    def place(self, number):
        subset = self.collection[f'subset-{number % SUBSETS}']
        return subset, item_id(number)


SHAPES = {'bare': Bare, 'flat': Flat, 'tree': Tree}


def name_of(shape, count):
    return f'{shape}-{count}.fs'


def build(shape, count):
    """Make a database in the current directory."""
    database = ZODB.DB(name_of(shape, count))
    with database.transaction() as connection:
        connection.root()['collection'] = SHAPES[shape].build(count)
    database.close()


@contextmanager
def copied(shape, count):
    """Copy a database that was built; yield the path of the copy."""
    with tempfile.TemporaryDirectory(dir=os.curdir) as directory:
        path = os.path.join(directory, 'Data.fs')
        for suffix in '', '.index':
            shutil.copy(name_of(shape, count) + suffix, path + suffix)
        yield path


@contextmanager
def opened(shape, count):
    """Copy a database that was built; yield it, open."""
    with copied(shape, count) as path:
        database = ZODB.DB(path, cache_size=CACHE, pool_size=20)
        try:
            yield database
        finally:
            database.close()
