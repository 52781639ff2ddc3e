"""The set that is copied, and its copies."""

import os
from collections.abc import Mapping
from contextlib import closing

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.replica import SQLiteReplica

#: Two subsets; a third moves between them.
PLACES = 'left', 'right'
SHELF = 'shelf'
#: One document of so many is in the subset that moves.
SHARE = 50
#: The first document that isn't.
FIRST = '00000001'


def fill(path, count):
    """Make a set of documents, some of them in a subset of a subset."""
    db = ZODB.DB(FileStorage(str(path)))
    with closing(db), db.transaction() as connection:
        things = connection.root.things = GSet()
        for place in PLACES:
            things.add(GSet(place))
        shelf = GSet(SHELF)
        things[PLACES[0]].add(shelf)
        for number in range(count):
            place = things if number % SHARE else shelf
            place.add(Document(f'{number:08}', os.urandom(90).hex()))
            if number % 10_000 == 9_999:
                connection.transaction_manager.commit()
                connection.cacheGC()


def served(url):
    """Return all items of a server, as dictionaries."""
    with Client(url) as client:
        client.sync()
        return _plain(client.replica.items)


def in_file(path, url):
    """Return the items of an SQLite file, after it has followed a server."""
    with SQLiteReplica(path) as replica, \
            Client(url, replica=replica) as client:
        for _ in client.watch():
            if replica.generation:
                break
        client.sync()
        return _plain(replica.items)


def in_mirror(path, url):
    """Return the items of a mirror, after it has followed a server."""
    db = ZODB.DB(FileStorage(str(path)))
    with closing(db), \
            Client(url, replica=StoredMirror(db, 'mirror', url)) as client:
        client.sync()
        with db.transaction() as connection:
            mirror = connection.root()['mirror']
            return _listed(mirror.client_updates(0)['contents'])


def _plain(items):
    return {id: _plain(item) if isinstance(item, Mapping) else item
            for id, item in items.items()}


def _listed(entries):
    items = {}
    for each in entries:
        if isinstance(each, SubsetUpdates):
            items[each['id']] = _listed(each['contents'])
        else:
            id, document = each
            items[id] = document.value
    return items


def length(items):
    """Return the number of documents in dictionaries."""
    return sum(length(item) if isinstance(item, dict) else 1
               for item in items.values())
