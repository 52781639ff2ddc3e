"""Runs one workload and prints what it measured, as JSON.

``benchmarks.releases`` starts this in the environment of each release:

    python workloads.py NAME SETTINGS

with the settings as JSON.  The current directory has the databases that the
workload ``build`` has made.
"""

import gc
import json
import random
import sys
import time
from importlib.metadata import distributions
from statistics import median

import ZODB
from benchmarks.lib import stored, writers
from benchmarks.lib.stored import CACHE, SHAPES, Item, name_of, opened
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet

#: How many changes a delta has by default.
CHANGES = 10
#: How many changes a client missed that comes back after a while.
MANY = 1000

WORKLOADS = {}


def workload(function):
    WORKLOADS[function.__name__] = function
    return function


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@workload
def versions(settings):
    return {distribution.metadata['Name']: distribution.version
            for distribution in distributions()}


@workload
def build(settings):
    for shape, count in settings['databases']:
        stored.build(shape, count)


@workload
def memory(settings):
    count = settings['count']
    items = [Item(number) for number in range(count)]
    chance = random.Random(1)
    order = [chance.choice(items) for _ in range(count // 2)]
    adds, changes = [], []
    for _ in range(settings['repeat']):
        gset = GSet()
        gc.collect()
        adds.append(_seconds_each(gset.add, items))
        changes.append(_seconds_each(gset.changed, order))
    return {'add': count / median(adds),
            'changed': len(order) / median(changes)}


def _seconds_each(function, items):
    start = time.perf_counter()
    for item in items:
        function(item)
    return time.perf_counter() - start


@workload
def delta_flat(settings):
    return _deltas('flat', settings)


@workload
def delta_tree(settings):
    return _deltas('tree', settings)


def _deltas(shape, settings):
    count, repeat = settings['count'], settings['repeat']
    with opened(shape, count) as database:
        connection = database.open()
        chance = random.Random(2)
        numbers = chance.sample(range(count), CHANGES)
        _commit_changes(connection, shape, numbers)
        result = {'cold': _cold_delta(connection, CHANGES, repeat),
                  'warm': _warm_delta(connection, repeat)}
        numbers = chance.sample(range(count), MANY)
        _commit_changes(connection, shape, numbers)
        result['cold_many'] = _cold_delta(connection, MANY, repeat)
        connection.close()
    return result


def _commit_changes(connection, shape, numbers):
    items = SHAPES[shape](connection)
    for number in numbers:
        connection.transaction_manager.begin()
        items.change(number)
        connection.transaction_manager.commit()


def _cold_delta(connection, changes, repeat):
    """Return milliseconds of a delta with nothing in the cache."""
    _begin(connection)
    since = connection.root()['collection'].generation - changes

    def updates():
        return connection.root()['collection'].generational_updates(since)

    _expect_adds(updates(), changes)
    times = []
    for _ in range(repeat):
        connection.cacheMinimize()
        times.append(seconds(updates))
    return median(times) * 1e3


def _warm_delta(connection, repeat):
    """Return milliseconds of a delta with all in the cache."""
    _begin(connection)
    gset = connection.root()['collection']
    since = gset.generation - CHANGES
    batch = 100

    def updates():
        for _ in range(batch):
            gset.generational_updates(since)

    updates()
    return median(seconds(updates) for _ in range(repeat)) / batch * 1e3


def _begin(connection):
    connection.transaction_manager.begin()


def _expect_adds(updates, changes):
    adds = updates['adds']
    count = sum(len(ob['adds']) if isinstance(ob, dict) else 1 for ob in adds)
    if count != changes or 'contents' in updates:
        raise AssertionError(f'expected {changes} adds, got {updates}')


@workload
def written(settings):
    """Bytes a commit, for each size of a tree."""
    return {str(count): _commits('tree', count, settings)['bytes']
            for count in settings['sizes']}


def _commits(shape, count, settings):
    """Return milliseconds and bytes of a commit of one change."""
    chance = random.Random(3)
    numbers = range(count)
    commits = settings['commits']
    with opened(shape, count) as database:
        connection = database.open()
        # Measure after the first checkpoints, in the steady state.
        _commit_changes(connection, shape, chance.choices(numbers, k=200))
        before = database.storage.getSize()
        later = chance.choices(numbers, k=commits)
        time = seconds(lambda: _commit_changes(connection, shape, later))
        grown = database.storage.getSize() - before
        connection.close()
    return {'commit': time / commits * 1e3, 'bytes': grown / commits}


@workload
def threads(settings):
    result = {}
    for count in 1, writers.WRITERS:
        rounds = [_share(count, settings) for _ in range(settings['repeat'])]
        for key in rounds[0]:
            result[f'{key}_{count}'] = median(each[key] for each in rounds)
    return result


def _share(count, settings):
    """Commit without a set, then with a tree of sets."""
    bare, _ = writers.with_threads('bare', count, *_durations(settings))
    rate, conflicts = writers.with_threads(
        'tree', count, *_durations(settings))
    return {'bare': bare, 'commits': rate, 'conflicts': conflicts,
            'share': rate / bare}


@workload
def zeo(settings):
    rate, conflicts = writers.with_processes(*_durations(settings))
    return {'commits': rate, 'conflicts': conflicts}


def _durations(settings):
    return settings['warm'], settings['seconds']


@workload
def length(settings):
    """Milliseconds of len() with nothing in the cache."""
    times = []
    count = settings['count']
    # It is only read, so there is no need for a copy.
    storage = FileStorage(name_of('flat', count), read_only=True)
    database = ZODB.DB(storage, cache_size=CACHE)
    connection = database.open()
    for _ in range(settings['repeat']):
        connection.cacheMinimize()
        times.append(
            seconds(lambda: len(connection.root()['collection'])))
    if len(connection.root()['collection']) != count:
        raise AssertionError(f'expected a length of {count}')
    connection.close()
    database.close()
    return {'time': median(times) * 1e3}


@workload
def growth(settings):
    """Delta, commit and bytes for sets of growing size."""
    result = {}
    for count in settings['sizes']:
        with opened('flat', count) as database:
            connection = database.open()
            numbers = random.Random(4).sample(range(count), CHANGES)
            _commit_changes(connection, 'flat', numbers)
            result[f'delta_{count}'] = _cold_delta(
                connection, CHANGES, settings['repeat'])
            connection.close()
        for key, value in _commits('flat', count, settings).items():
            result[f'{key}_{count}'] = value
    return result


def main():
    name, settings = sys.argv[1:]
    result = WORKLOADS[name](json.loads(settings))
    print(json.dumps(result))


if __name__ == '__main__':
    main()
