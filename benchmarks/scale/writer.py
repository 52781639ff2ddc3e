"""Writers in processes to one tree, with the release that is installed.

    python -m benchmarks.scale.writer KIND ADDRESS WRITERS WARM SECONDS

It prints commits a second and conflicts a commit, as JSON.  If KIND is
``zeo``, it runs a server of its own, in the directory ADDRESS; if it is
``postgresql``, ADDRESS is a DSN.
"""

import json
import multiprocessing
import os
import sys

import ZEO
import ZODB
from benchmarks.lib.stored import CACHE, SHAPES
from benchmarks.lib.writers import COUNT, Work, check, generation, rates, write

SHAPE = 'tree'


def opened(kind, address, **options):
    if kind == 'zeo':
        storage = ZEO.client(address, **options)
    else:
        from relstorage.adapters.postgresql import PostgreSQLAdapter
        from relstorage.options import Options
        from relstorage.storage import RelStorage
        # As it is recommended, unless one needs undo.
        options = Options(keep_history=False)
        storage = RelStorage(
            PostgreSQLAdapter(address, options), options=options)
    return ZODB.DB(storage, cache_size=CACHE)


def client(kind, address, work, barrier, queue):
    database = opened(kind, address)
    queue.put(write(database, work, barrier))
    database.close()


def measure(kind, address, writers, warm, seconds):
    # A ZEO client's transactions then begin when it was told of all commits.
    database = opened(kind, address, **(
        {'server_sync': True} if kind == 'zeo' else {}))
    try:
        with database.transaction() as connection:
            connection.root()['collection'] = SHAPES[SHAPE].build(COUNT)
        before = generation(database, SHAPE)
        context = multiprocessing.get_context('spawn')
        barrier = context.Barrier(writers)
        queue = context.Queue()
        processes = [
            context.Process(target=client, daemon=True, args=(
                kind, address, Work(SHAPE, n, writers, warm, seconds),
                barrier, queue))
            for n in range(writers)]
        for process in processes:
            process.start()
        results = [queue.get(timeout=120 + warm + seconds)
                   for process in processes]
        for process in processes:
            process.join()
        check(database, SHAPE, before, results, writers)
    finally:
        database.close()
    return rates(results, seconds)


def main():
    kind, address, writers, warm, seconds = sys.argv[1:]
    numbers = int(writers), float(warm), float(seconds)
    if kind == 'zeo':
        address, stop = ZEO.server(
            path=os.path.join(address, 'Data.fs'), threaded=False)
        try:
            result = measure(kind, address, *numbers)
        finally:
            stop()
    else:
        result = measure(kind, address, *numbers)
    print(json.dumps(result))


if __name__ == '__main__':
    main()
