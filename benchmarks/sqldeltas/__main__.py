"""What a copy of an SQLite file costs after some changes.

    python -m benchmarks.sqldeltas [--rows 500000]

"gset serve" serves a table, and a client of this process keeps a copy of it in
another file.  After 1, 100 and 5,000 changes of random rows, it asks for them.
Prints the bytes of requests and responses, with all headers, and the median
time until they are in the copy.  A relay counts the bytes in other rounds than
those that are timed.

sqlite3_rsync comes with no package of Debian, PyPI or npm.  Its figures, with
the same number of rows and 26 MB, were measured on another machine with two
processors, by a process for each copy; they are printed beside.
"""

import argparse
import random
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.lib.processes import Process, free_port
from benchmarks.lib.shop import fill_sqlite

from zc.generationalset.client import Client
from zc.generationalset.sql import SQLReplica, open_database

#: The bytes and seconds of sqlite3_rsync, by the number of changes.
RECORDED = {1: (15e3, 0.091), 100: (472e3, 0.147), 5000: (14.4e6, 0.289)}
#: The parts of these that are the goal.
GOALS = {1: 1 / 100, 100: 1 / 50, 5000: 1 / 25}


class Relay:
    """Connections to a port of this machine, whose bytes are counted."""

    def __init__(self, port):
        self._port = port
        self._listening = socket.create_server(('127.0.0.1', 0))
        self.port = self._listening.getsockname()[1]
        self.bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self._listening.accept()
            server = socket.create_connection(('127.0.0.1', self._port))
            for pair in (client, server), (server, client):
                threading.Thread(
                    target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one, other):
        with suppress(OSError):
            while data := one.recv(65536):
                self.bytes += len(data)
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@contextmanager
def serving(path, directory):
    """Serve a file; yield the port."""
    port = free_port()
    server = Process(
        [sys.executable, '-m', 'zc.generationalset', 'serve',
         f'sqlite:///{path}', '--tables', 'orders', '--port', str(port)],
        directory)
    try:
        server.wait_for(lambda: f':{port}' in server.text())
        yield port
    finally:
        server.stop()


@contextmanager
def copying(path, port):
    """Yield a client that has copied all."""
    sqlite3.connect(path).close()
    url = f'http://127.0.0.1:{port}'
    with closing(open_database(f'sqlite:///{path}')) as database, \
            Client(url, replica=SQLReplica(database, url)) as client:
        client.sync()
        yield client


class Source:
    """A file, whose rows are changed."""

    def __init__(self, path, rows):
        self._path = path
        self._rows = rows
        self._chance = random.Random(1)

    def change(self, count):
        with closing(sqlite3.connect(self._path)) as connection:
            connection.executemany(
                'UPDATE orders SET total = total + 1 WHERE id = ?',
                [(key + 1,) for key
                 in self._chance.sample(range(self._rows), count)])
            connection.commit()


class Clients(NamedTuple):
    """One that is timed, and one whose bytes are counted."""

    plain: Client
    relayed: Client
    relay: Relay


def measure(source, clients, count, rounds):
    """Return the bytes, and the seconds."""
    plain, relayed, relay = clients
    times, sizes = [], []
    for _ in range(rounds):
        source.change(count)
        start = time.perf_counter()
        plain.sync()
        times.append(time.perf_counter() - start)
        before = relay.bytes
        relayed.sync()
        sizes.append(relay.bytes - before)
    return statistics.median(sizes), statistics.median(times)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rows', type=int, default=500_000)
    parser.add_argument('--rounds', type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / 'shop.db'
        fill_sqlite(path, options.rows)
        size = path.stat().st_size
        source = Source(path, options.rows)
        with serving(path, directory) as port:
            relay = Relay(port)
            with copying(directory / 'one.db', port) as plain, \
                    copying(directory / 'two.db', relay.port) as relayed:
                print(f'{options.rows:,} rows, {size / 1e6:.0f} MB')
                print(f'{"changes":>7} {"bytes":>12} {"of rsync":>9} '
                      f'{"goal":>6} {"ms":>7} {"of rsync":>9} {"goal":>6}')
                for count, (sent, seconds) in RECORDED.items():
                    if count > options.rows:
                        continue
                    bytes, taken = measure(
                        source, Clients(plain, relayed, relay), count,
                        options.rounds)
                    print(f'{count:7,} {bytes:12,.0f} {bytes / sent:9.4f} '
                          f'{GOALS[count]:6.2f} {1000 * taken:7.1f} '
                          f'{taken / seconds:9.2f} {1 / 5:6.2f}', flush=True)


if __name__ == '__main__':
    main()
