"""A set's work, in microseconds of a processor.

This uses only what release 0.4.0 has, too.
"""

import json
import random
import time

import transaction
import ZODB
from benchmarks.lib.stored import Item
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet

ITEMS = 20_000


def least(action, repeat, calls=1):
    """Return the least microseconds of a call."""
    times = []
    for _ in range(repeat):
        start = time.thread_time()
        for _ in range(calls):
            action()
        times.append(time.thread_time() - start)
    return min(times) / calls * 1e6


def each(function, items):
    for item in items:
        function(item)


def deltas(connection, gset, changes):
    """Return the time of an answer, from the cache, and without one."""
    root = connection.root()
    since = gset.generation - changes

    def updates():
        root['set'].generational_updates(since)

    warm = least(updates, 20, 2000 // changes)
    cold = []
    for _ in range(20):
        connection.cacheMinimize()
        cold.append(least(updates, 1))
    return {f'delta of {changes}, warm': warm,
            f'delta of {changes}, empty cache': min(cold)}


def main():
    chance = random.Random(1)
    items = [Item(number) for number in range(ITEMS)]
    order = [chance.choice(items) for _ in range(ITEMS)]
    figures = {}
    for _ in range(5):
        gset = GSet()
        for name, do in ('add', gset.add), ('changed', gset.changed):
            taken = least(lambda do=do, name=name: each(
                do, items if name == 'add' else order), 1) / ITEMS
            figures[name] = min(taken, figures.get(name, taken))

    database = ZODB.DB(FileStorage('data.fs'), cache_size=2 * ITEMS)
    connection = database.open()
    gset = connection.root()['set'] = GSet()
    each(gset.add, items)
    transaction.commit()

    def commit():
        item = chance.choice(items)
        item.value += 1
        gset.changed(item)
        transaction.commit()

    for _ in range(10):
        commit()
    figures |= deltas(connection, gset, 10)
    for _ in range(1000):
        commit()
    figures |= deltas(connection, gset, 1000)
    figures['commit of one change'] = least(commit, 5, 200)
    database.close()
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
