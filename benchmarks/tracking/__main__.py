"""Measures what ``track`` costs a commit.

    python -m benchmarks.tracking [--rounds 60] [--commits 20]

A transaction changes ten of 10,000 items of a set, in a file.  Either the
program calls ``changed``, or ``track`` notices; the two take turns.  The same
is measured for ten persistent objects that are no items.
"""

import argparse
import os
import random
import statistics
import tempfile
import time

import persistent
import transaction
import ZODB
from benchmarks.lib.progress import Progress
from benchmarks.lib.table import framed
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet, track

ITEMS = 10_000
CHANGES = 10

tell = Progress()


class Item(persistent.Persistent):

    def __init__(self, id, parent):
        self.id = id
        self.__parent__ = parent
        self.number = 0


class Program:
    """A database in a file, and a program that changes it."""

    def __init__(self, path, tracked):
        self._db = ZODB.DB(FileStorage(path), cache_size=3 * ITEMS)
        if tracked:
            track(self._db)
        self._tracked = tracked
        self._random = random.Random(1)
        self._manager = transaction.TransactionManager()
        root = self._db.open(self._manager).root()
        root['set'] = self._set = GSet()
        for number in range(ITEMS):
            self._set.add(Item(number, self._set))
        root['others'] = [Item(number, None) for number in range(ITEMS)]
        self._manager.commit()
        self._items = list(self._set)
        self._others = root['others']

    def change_items(self):
        for item in self._random.sample(self._items, CHANGES):
            item.number += 1
            if not self._tracked:
                self._set.changed(item)
        self._manager.commit()

    def change_others(self):
        for item in self._random.sample(self._others, CHANGES):
            item.number += 1
        self._manager.commit()

    def close(self):
        self._manager.abort()
        self._db.close()


def measured(call, commits):
    """Return the seconds of a commit."""
    begin = time.perf_counter()
    for _ in range(commits):
        call()
    return (time.perf_counter() - begin) / commits


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=60)
    parser.add_argument('--commits', type=int, default=20)
    options = parser.parse_args()
    rows = [('', 'without, us', 'with, us', 'ratio')]
    with tempfile.TemporaryDirectory() as directory:
        programs = [Program(os.path.join(directory, f'{tracked}.fs'), tracked)
                    for tracked in (False, True)]
        for title in 'change_items', 'change_others':
            times = [], []
            for number in range(options.rounds):
                tell(f'{title}: {number} of {options.rounds} rounds')
                for program, mine in zip(programs, times, strict=True):
                    mine.append(measured(
                        getattr(program, title), options.commits))
            without, having = map(statistics.median, times)
            rows.append((title.replace('_', ' '), f'{without * 1e6:.0f}',
                         f'{having * 1e6:.0f}', f'{having / without:.3f}'))
        for program in programs:
            program.close()
    print('\n'.join(framed(rows)))


if __name__ == '__main__':
    main()
