"""How long ``fill`` of docs/existing.txt takes, and how much memory.

    python docs/existing_measured.py 100000

Each customer has a pickle of about 1 KB.
"""

import contextlib
import doctest
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import ZODB
from BTrees.OOBTree import OOBTree
from persistent import Persistent

PAGE = Path(__file__).with_name('existing.txt')


class Customer(Persistent):

    def __init__(self, id):
        self.id, self.data = id, os.urandom(1000)


def fill_of_page():
    """Return the function that the page shows."""
    names = {}
    for example in doctest.DocTestParser().get_examples(PAGE.read_text()):
        if example.source.startswith(('from ', 'def fill', 'import ')):
            exec(example.source, names)  # noqa: S102
    return names['fill'], names['GSet']


def make(path, number):
    with contextlib.closing(ZODB.DB(path)) as db:
        with db.transaction() as connection:
            connection.root.customers = OOBTree()
        for first in range(0, number, 10_000):
            with db.transaction() as connection:
                for each in range(first, min(first + 10_000, number)):
                    connection.root.customers[each] = Customer(each)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main(number):
    fill, gset = fill_of_page()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'Data.fs')
        if os.fork() == 0:
            make(path, number)
            os._exit(0)
        os.wait()
        with contextlib.closing(ZODB.DB(path, cache_size=10_000)) as db:
            with db.transaction() as connection:
                connection.root.live = gset()
            size, memory, began = os.path.getsize(path), peak(), time.time()
            fill(db)
            seconds = time.time() - began
            grown = os.path.getsize(path) - size
            more = peak() - memory
            db.pack()
            packed = os.path.getsize(path) - size
    print(f'{number:,} objects: {seconds:.1f} s, {more} MB more memory; the '
          f'file grew by {grown / 1e6:.1f} MB, after packing '
          f'{packed / 1e6:.1f} MB')


if __name__ == '__main__':
    main(int(sys.argv[1]))
