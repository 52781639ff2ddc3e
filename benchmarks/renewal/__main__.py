"""Measures how many clients start over when a change is taken back.

    python -m benchmarks.renewal [--clients 1000] [--items 10000] [--spread 1]

A server takes back its last transaction (DB.undo) while clients listen to its
event streams.  It renews the epoch by itself.  Every client starts over, as
the protocol says: it gets all contents in its stream, or is told to ask.  The
program prints when the first and the last client had everything, the server's
memory before and at its peak, and how many objects were read from the
database.

--spread: clients come back with so many different generations, as after a
night.  Then all clients ask the server at once, without streams.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
import zlib
from pathlib import Path

import transaction
import uvicorn
import ZODB
from benchmarks.lib.processes import allow_many_connections
from starlette.responses import JSONResponse
from starlette.routing import Route
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import Limits, application

HISTORY = 2000


class CountedStorage(FileStorage):
    """Counts objects that are read."""

    reads = 0

    def loadBefore(self, oid, tid):
        self.reads += 1
        return super().loadBefore(oid, tid)


def fill(db, items):
    with db.transaction() as connection:
        things = connection.root()['things'] = GSet()
        for number in range(items):
            things.add(Document(f'item {number:06}', {
                'number': number, 'text': f'This is item {number}. ' * 3}))
    for number in range(HISTORY):
        with db.transaction() as connection:
            things = connection.root()['things']
            thing = things[f'item {number % items:06}']
            thing.value = {**thing.value, 'version': number}
            things.changed(thing)


def serve(path, items, pipe):
    """Run the server, in a process."""
    storage = CountedStorage(path)
    db = ZODB.DB(storage, cache_size=1_000_000, cache_size_bytes=2 ** 27)
    fill(db, items)
    db.close()
    storage = CountedStorage(path)  # with an empty cache
    db = ZODB.DB(storage, cache_size=1_000_000, cache_size_bytes=2 ** 27)

    def undo(request):
        manager = transaction.TransactionManager()
        manager.begin()
        db.undo(db.undoLog(0, 1)[0]['id'], manager.get())
        manager.commit()
        return JSONResponse(figures())

    def figures(request=None):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        status = Path('/proc/self/statm').read_text().split()
        now = int(status[1]) * resource.getpagesize() / 2 ** 20
        return {'reads': storage.reads, 'peak': peak, 'now': now}

    app = application(
        db, lambda root: root['things'], write=True,
        limits=Limits(streams=10 ** 6),
        routes=[Route('/undo', undo, methods=['POST']),
                Route('/figures', lambda request: JSONResponse(figures()))])
    listening = listen('127.0.0.1', 0)
    allow_many_connections()
    pipe.send(listening.getsockname()[1])
    uvicorn.Server(uvicorn.Config(
        app, log_level='warning', access_log=False)).run(sockets=[listening])


class Client:
    """The needed part of the protocol; contents are compared by checksum."""

    def __init__(self, port, epoch, generation):
        self.port = port
        self.asked = f'generation={generation}&epoch={epoch}'
        self.sum = None
        self.done = None

    async def request(self, path, method='GET', encoding='gzip'):
        while True:
            reader, writer = await asyncio.open_connection(
                '127.0.0.1', self.port, limit=2 ** 26)
            writer.write(
                f'{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n'
                f'Accept-Encoding: {encoding}\r\nContent-Length: 0\r\n'
                'Connection: close\r\n\r\n'.encode())
            head = (await reader.readuntil(b'\r\n\r\n')).decode().lower()
            if ' 200 ' in head.splitlines()[0]:
                return head, reader, writer
            writer.close()
            after = float(head.partition('retry-after:')[2].split()[0])
            Client.refused += 1
            await asyncio.sleep(after)

    refused = 0

    async def body(self, path, method='GET'):
        head, reader, writer = await self.request(path, method)
        chunks = []
        if 'transfer-encoding: chunked' in head:
            while size := int(await reader.readline(), 16):
                chunks.append(await reader.readexactly(size))
                await reader.readline()
        else:
            chunks.append(await reader.read())
        writer.close()
        body = b''.join(chunks)
        return zlib.decompress(body, 31) if 'gzip' in head else body

    async def listen(self, ready):
        _, reader, writer = await self.request(
            f'/events?{self.asked}', encoding='identity')
        await reader.readline()
        ready.release()
        event = None
        async for line in reader:
            if line.startswith(b'event: '):
                event = line[7:].strip()
            if line.startswith(b'data: ') and event == b'updates':
                self.have(line[6:-1])
                break
            if event == b'ask':
                await self.ask()
                break
        writer.close()

    async def ask(self):
        self.have(await self.body(f'/updates?{self.asked}'))

    def have(self, answer):
        head, _, contents = answer.partition(b',"contents":')
        assert b'"reset":"epoch"' in head, answer[:200]
        self.sum = zlib.crc32(contents)
        self.done = time.monotonic()


async def measure(port, options):
    probe = Client(port, '', 0)
    first = json.loads(await probe.body('/updates'))
    position = first['epoch'], first['generation']
    clients = [Client(port, position[0], position[1] - number % options.spread)
               for number in range(options.clients)]
    if options.spread == 1:
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(client.listen(ready))
                 for client in clients]
        for _ in clients:
            await ready.acquire()
    before = json.loads(await probe.body('/figures'))
    began = time.monotonic()
    await probe.body('/undo', 'POST')
    if options.spread > 1:
        tasks = [asyncio.create_task(client.ask()) for client in clients]
    await asyncio.gather(*tasks)
    after = json.loads(await probe.body('/figures'))
    times = sorted(client.done - began for client in clients)
    print(json.dumps({
        'clients': options.clients, 'items': options.items,
        'generations': options.spread,
        'first s': round(times[0], 2),
        'median s': round(times[len(times) // 2], 2),
        'last s': round(times[-1], 2),
        'memory before MB': round(before['now']),
        'peak MB': round(after['peak']),
        'objects read': after['reads'] - before['reads'],
        'told to come later': Client.refused,
        'equal': len({client.sum for client in clients}) == 1}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--clients', type=int, default=1000)
    parser.add_argument('--items', type=int, default=10_000)
    parser.add_argument('--spread', type=int, default=1)
    options = parser.parse_args()
    allow_many_connections()
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as directory:
        server = multiprocessing.get_context('spawn').Process(
            target=serve, args=(f'{directory}/Data.fs', options.items, there),
            daemon=True)
        server.start()
        asyncio.run(measure(here.recv(), options))
        server.terminate()
        server.join()


if __name__ == '__main__':
    main()
