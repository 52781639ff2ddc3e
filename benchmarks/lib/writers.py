"""Several writers to one tree: threads, or processes with a ZEO server."""

import logging
import multiprocessing
import os
import random
import threading
import time
from dataclasses import dataclass, field

import transaction
import ZEO
import ZODB
from benchmarks.lib.stored import CACHE, SHAPES, copied, opened
from ZODB.POSException import ConflictError

COUNT = 1000
WRITERS = 8

# The server logs every transaction that waits for another one.
logging.getLogger('ZEO').setLevel(logging.CRITICAL)


@dataclass
class Work:
    """The work of one writer."""

    shape: str
    number: int
    writers: int
    warm: float     # seconds before counting begins
    seconds: float


@dataclass
class Done:
    """The results of one writer."""

    commits: int = 0    # these two while it was counted,
    conflicts: int = 0
    total: int = 0      # this and the next from the beginning on
    values: dict = field(default_factory=dict)


def write(database, work, barrier):
    """Change items, each in a transaction, for some seconds."""
    manager = transaction.TransactionManager()
    connection = database.open(manager)
    items = SHAPES[work.shape](connection)
    numbers = range(work.number, COUNT, work.writers)
    for number in numbers:
        items.get(number).value  # noqa: B018
    chance = random.Random(work.number)
    done = Done()
    barrier.wait(60)
    start = time.perf_counter() + work.warm
    stop = start + work.seconds
    now = 0.0
    while now < stop:
        number = chance.choice(numbers)
        manager.begin()
        # A conflict is counted when it happens: a writer may have many before
        # it commits at all.
        while (value := _commit(manager, items, number)) is None:
            done.conflicts += start <= time.perf_counter() < stop
            manager.begin()
        now = time.perf_counter()
        done.commits += start <= now < stop
        done.total += 1
        done.values[number] = value
    connection.close()
    return done


def _commit(manager, items, number):
    """Return the new value of an item, or None after a conflict."""
    try:
        value = items.change(number)
        manager.commit()
    except ConflictError:
        manager.abort()
        return None
    return value


def with_threads(shape, writers, warm, seconds):
    """Return commits a second and conflicts a commit."""
    with opened(shape, COUNT) as database:
        before = generation(database, shape)
        results = []
        barrier = threading.Barrier(writers)

        def run(number):
            work = Work(shape, number, writers, warm, seconds)
            results.append(write(database, work, barrier))

        threads = [threading.Thread(target=run, args=(n,), daemon=True)
                   for n in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(database, shape, before, results, writers)
    return rates(results, seconds)


def with_processes(warm, seconds):
    """The same with processes that are clients of a ZEO server."""
    with copied('tree', COUNT) as path:
        address, stop = ZEO.server(path=os.path.abspath(path), threaded=False)
        try:
            return _with_server(address, warm, seconds)
        finally:
            stop()


def _with_server(address, warm, seconds):
    # This client's transactions begin when the server has told it of all
    # commits: it is there for the check at the end.
    database = ZODB.DB(ZEO.client(address, server_sync=True))
    try:
        before = generation(database, 'tree')
        context = multiprocessing.get_context('spawn')
        barrier = context.Barrier(WRITERS)
        queue = context.Queue()
        processes = [
            context.Process(target=_client, daemon=True, args=(
                address, Work('tree', n, WRITERS, warm, seconds), barrier,
                queue))
            for n in range(WRITERS)]
        for process in processes:
            process.start()
        results = [queue.get(timeout=120 + warm + seconds)
                   for process in processes]
        for process in processes:
            process.join()
        check(database, 'tree', before, results, WRITERS)
    finally:
        database.close()
    return rates(results, seconds)


def _client(address, work, barrier, queue):
    database = ZODB.DB(ZEO.client(address), cache_size=CACHE)
    queue.put(write(database, work, barrier))
    database.close()


def rates(results, seconds):
    commits = sum(done.commits for done in results)
    conflicts = sum(done.conflicts for done in results)
    return commits / seconds, conflicts / max(commits, 1)


def generation(database, shape):
    if shape == 'bare':
        return 0
    with database.transaction() as connection:
        return connection.root()['collection'].generation


def check(database, shape, before, results, writers):
    """Make sure that every commit is there, and none twice."""
    if len(results) != writers:
        raise AssertionError(f'{writers - len(results)} writers failed')
    total = sum(done.total for done in results)
    values = {number: value for done in results
              for number, value in done.values.items()}
    with database.transaction() as connection:
        items = SHAPES[shape](connection)
        _expect(sum(values.values()), total)
        _expect({n: items.get(n).value for n in values}, values)
        if shape != 'bare':
            _expect(items.collection.generation, before + total)
            updates = items.collection.generational_updates(before)
            _expect({item.id for subset in updates['adds']
                     for item in subset['adds']},
                    {items.get(n).id for n in values})


def _expect(got, expected):
    if got != expected:
        raise AssertionError(f'expected {expected!r}, got {got!r}')
