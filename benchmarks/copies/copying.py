"""Copies a set into a file, over a network that breaks.

    python copying.py URL FILE

A file named *.fs becomes a mirror; others are SQLite files.

Prints a line when it is ready, one for the first page, and one at the end.
"""

import logging
import sys
from contextlib import contextmanager

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset.client import Client
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.replica import SQLiteReplica


@contextmanager
def opened(path, url):
    """Have the replica of a file."""
    if path.endswith('.fs'):
        db = ZODB.DB(FileStorage(path))
        try:
            yield StoredMirror(db, 'mirror', url)
        finally:
            db.close()
    else:
        with SQLiteReplica(path) as replica:
            yield replica


def main():
    url, path = sys.argv[1:]
    logging.disable()
    with opened(path, url) as replica, \
            Client(url, replica=replica) as client:
        print('ready', flush=True)
        first = True
        for changes in client.watch():
            if first:
                print(f'{len(changes):,} items', flush=True)
                first = False
            if replica.generation:
                print('current', flush=True)


if __name__ == '__main__':
    main()
