"""What a client gets that is behind the floor.

    python -m benchmarks.behind [COUNT]

A set has COUNT documents of 200 bytes, 10,000 by default.  It remembers 99
removals.  Then 700 documents change, 200 are added, and 100 removed, and one
more, so that a client from before is behind the floor.  Prints the bytes and
the seconds of its answer over HTTP, and of its pages, and for comparison those
of a new client; the answer also compressed.
"""

import contextlib
import os
import sys
import time

import httpx
import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica
from zc.generationalset.server import application
from zc.generationalset.tests.support.serving import served
from zc.generationalset.wire import decode

CHANGED, ADDED, REMOVED = 700, 200, 101


def document(id):
    return Document(id, os.urandom(90).hex())


def fill(things, count):
    for number in range(count):
        things.add(document(f'{number:08}'))
        if number % 10_000 == 9_999:
            transaction.commit()
            things._p_jar.cacheGC()


def change(things, count):
    step = count // (CHANGED + REMOVED)
    for number in range(CHANGED + REMOVED):
        id = f'{number * step:08}'
        if number % 8 == 0 and number < 8 * REMOVED:
            del things[id]
        else:
            things[id].value = os.urandom(90).hex()
            things.changed(things[id])
    for number in range(ADDED):
        things.add(document(f'{number * step:08}-new'))


def ask(http, name, replica):
    """Ask until nothing is missing; print how much that was."""
    params = {'cursor': ''} if 'page' in name else {}
    headers = {'accept-encoding': 'gzip' if 'gzip' in name else 'identity'}
    size = requests = 0
    began = time.perf_counter()
    while not requests or replica.cursor:
        if params:
            params['cursor'] = replica.cursor
        response = http.get('/updates', headers=headers, params={
            **params, 'generation': replica.generation,
            'epoch': replica.epoch or ''})
        size += response.num_bytes_downloaded
        requests += 1
        replica.apply(decode(response.raise_for_status().content))
    seconds = time.perf_counter() - began
    print(f'{name:20} {size:12,} bytes {requests:5} requests '
          f'{seconds:7.2f} s')


def main():
    count = int(sys.argv[1]) if sys.argv[1:] else 10_000
    with contextlib.ExitStack() as stack:
        db = ZODB.DB(DemoStorage())
        stack.callback(db.close)
        things = db.open().root.things = GSet()
        fill(things, count)
        transaction.commit()
        url = stack.enter_context(served(application(
            db, lambda root: root['things'])))
        http = stack.enter_context(httpx.Client(base_url=url, timeout=600))
        names = 'whole', 'whole, gzip', 'pages', 'pages, gzip'
        replicas = {name: Replica() for name in names}
        print(f'{count:,} documents of 200 bytes, a new client')
        for name, replica in replicas.items():
            ask(http, name, replica)
        change(things, count)
        transaction.commit()
        print(f'{CHANGED} changed, {ADDED} added, {REMOVED} removed')
        for name, replica in replicas.items():
            ask(http, name, replica)
            assert {id: item.value for id, item in things.items()} == \
                replica.items


if __name__ == '__main__':
    main()
