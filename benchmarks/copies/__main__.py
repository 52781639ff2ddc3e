"""Copies a large set over connections that are cut after each megabyte.

    python -m benchmarks.copies [--mirror] [COUNT]

COUNT documents of 200 bytes, a million by default, are in a FileStorage.  A
process serves them, and a client in another process copies them into an SQLite
file, or a mirror.  Between them, each connection breaks when it has brought a
megabyte.  Meanwhile, documents are changed, added and removed.

Prints the time, and how much more memory than at rest the server and the
client had at most.  This reads /proc, so it needs Linux.
"""

import argparse
import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import transaction
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.replica import SQLiteReplica

CUT = 1_000_000  # bytes
HERE = Path(__file__).parent
SERVED = HERE.parent / 'lib' / 'served.py'


def fill(path, count):
    db = ZODB.DB(FileStorage(str(path)))
    connection = db.open()
    things = connection.root.things = GSet()
    for number in range(count):
        things.add(Document(f'{number:08}', os.urandom(90).hex()))
        if number % 10_000 == 9_999:
            transaction.commit()
            connection.cacheGC()
    transaction.commit()
    db.close()


class Cutting(threading.Thread):
    """Passes bytes between a client and a server, and breaks connections."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connections = self.bytes = 0
        self._port = port
        self._ready = threading.Event()
        self.start()
        self._ready.wait()

    def run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        server = await asyncio.start_server(self._pass, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _pass(self, reader, writer):
        self.connections += 1
        upstream, sending = await asyncio.open_connection(
            '127.0.0.1', self._port)

        async def send():
            with suppress(OSError):
                while data := await reader.read(65536):
                    sending.write(data)
        task = asyncio.create_task(send())
        left = CUT
        with suppress(OSError):
            while left > 0 and (data := await upstream.read(min(65536, left))):
                left -= len(data)
                self.bytes += len(data)
                writer.write(data)
                await writer.drain()
        task.cancel()
        sending.close()
        writer.transport.abort()


def memory(process, name):
    """Return the megabytes that a process has, or has had at most."""
    status = Path(f'/proc/{process.pid}/status').read_text()
    return int(re.search(rf'^{name}:\s*(\d+) kB', status, re.M)[1]) / 1000


def change(client, count, ended):
    """Change, add and remove documents until the copy has ended."""
    number = 0
    while not ended.wait(.05):
        client.put(f'{number * 7919 % count:08}', 'changed')
        client.put(f'{number:08}-new', 'new')
        client.remove(f'{number * 7907 % count:08}', missing_ok=True)
        number += 1
    return number


def start(*command):
    return subprocess.Popen(
        [sys.executable, *map(str, command)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def check_mirror(path, url):
    """Return the number of items, after a comparison with the source."""
    db = ZODB.DB(FileStorage(str(path)))
    with closing(db), Client(url) as client, \
            Client(url, replica=StoredMirror(db, 'mirror', url)) as following:
        following.sync()
        client.sync()
        with db.transaction() as connection:
            mirror = connection.root()['mirror']
            answer = mirror.client_updates(0)
            items = {id: document.value for id, document in answer['contents']}
        assert items == client.replica.items
        return len(items)


def check(path, url):
    """Return the number of items, after a comparison with another copy."""
    other = path.with_name('other')
    for each in path, other:
        with SQLiteReplica(each) as replica, \
                Client(url, replica=replica) as client:
            for _ in client.watch():
                if replica.generation:
                    break
            client.sync()
    with closing(sqlite3.connect(path)) as one, \
            closing(sqlite3.connect(other)) as two:
        count = 0
        for row, same in zip(rows(one), rows(two), strict=True):
            assert row == same, (row, same)
            count += 1
        return count


def rows(database):
    return database.execute('SELECT id, item FROM entry ORDER BY id')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--mirror', action='store_true')
    parser.add_argument('count', type=int, nargs='?', default=1_000_000)
    options = parser.parse_args()
    count = options.count
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / 'data.fs'
        copy = Path(directory) / ('copy.fs' if options.mirror else 'copy')
        fill(data, count)
        port = 18_233
        server = start(SERVED, data, port)
        url = f'http://127.0.0.1:{port}'
        ended = threading.Event()
        try:
            with Client(url) as writer:
                until_answered(writer)
                cutting = Cutting(port)
                client = start(
                    HERE / 'copying.py', f'http://127.0.0.1:{cutting.port}',
                    copy)
                client.stdout.readline()  # it is ready
                rest = memory(server, 'VmRSS'), memory(client, 'VmRSS')
                changing = threading.Thread(
                    target=change, args=(writer, count, ended))
                changing.start()
                began = time.perf_counter()
                first = client.stdout.readline().strip()
                first_seconds = time.perf_counter() - began
                client.stdout.readline()
                seconds = time.perf_counter() - began
                peak = memory(server, 'VmHWM'), memory(client, 'VmHWM')
                ended.set()
                changing.join()
            client.kill()
            client.wait()
            print(f'{count:,} items in {seconds:.0f} s; {first} after '
                  f'{first_seconds:.1f} s; {cutting.bytes / 1e6:.0f} MB in '
                  f'{cutting.connections} connections')
            for name, at_rest, most in zip(
                    ('server', 'client'), rest, peak, strict=True):
                print(f'{name}: {at_rest:.0f} MB at rest, {most:.0f} MB at '
                      f'most, {most - at_rest:.0f} MB more')
            equal = check_mirror if options.mirror else check
            print(f'{equal(copy, url):,} items, equal')
        finally:
            ended.set()
            server.kill()
            server.wait()


def until_answered(client):
    for _ in range(600):
        try:
            client.get('nothing')
        except Exception as error:
            if getattr(error, 'status', None) == 404:
                return
            time.sleep(.1)
    raise TimeoutError('the server does not answer')


if __name__ == '__main__':
    main()
