"""Copies a large table while its keys move, cut again and again.

    python -m benchmarks.tables --rows 10000000

"gset serve" serves a table of SQLite, and then of PostgreSQL; "gset copy"
copies it into a file.  The command is killed 20 times, and goes on, while
somebody moves keys to and fro behind the cursor.  Then one row changes, and
then all rows do.  In the end, "gset verify" compares both.  Memory is the most
that a process ever had.
"""

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
from benchmarks.lib.postgresql import PostgreSQL, version
from benchmarks.lib.processes import Process, free_port
from benchmarks.lib.shop import fill_postgresql, fill_sqlite

GSET = [sys.executable, '-m', 'zc.generationalset']
#: Rows a second that are copied at least; so cuts come within the copy.
RATE = 10_000
#: Seconds that "gset copy" needs to begin.
START = 2.0


def peak(pid):
    """Return the most bytes of memory that a process has had."""
    try:
        status = Path(f'/proc/{pid}/status').read_text()
    except FileNotFoundError:
        return 0
    found = re.search(r'VmHWM:\s+(\d+) kB', status)
    return int(found[1]) * 1024 if found else 0


class Source(NamedTuple):
    """A database.

    mark
        A parameter in its statements.
    """

    name: str
    url: str
    connect: Callable[[], Any]
    mark: str


class Moving:
    """Moves keys behind the cursor, and back before it."""

    def __init__(self, source, rows):
        self._connect = source.connect
        self._statement = (
            f'UPDATE orders SET id = -id WHERE id = {source.mark}')
        self._rows = rows
        self._ended = threading.Event()
        self.count = 0

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self):
        chance = random.Random(1)
        with closing(self._connect()) as connection:
            while not self._ended.wait(0.005):
                key = chance.choice((1, -1)) * chance.randint(1, self._rows)
                connection.execute(self._statement, (key,))
                connection.commit()
                self.count += 1


class Copying:
    """Runs "gset copy" from a URL into a file."""

    def __init__(self, url, path):
        self._command = [*GSET, 'copy', url, f'sqlite:///{path}']
        self.memory = 0

    def cut(self, seconds):
        """Kill it after some seconds; tell whether it was still running."""
        process = self._begin()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._note(process)
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        return False

    def finish(self):
        process = self._begin()
        while process.poll() is None:
            self._note(process)
            time.sleep(0.05)
        if process.returncode:
            sys.exit(f'gset copy: exit code {process.returncode}')

    def _begin(self):
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def _note(self, process):
        self.memory = max(self.memory, peak(process.pid))


def count(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute('SELECT count(*) FROM orders').fetchone()[0]


def follow(connect, url, path):
    """Return the seconds from a commit to the row in a copy that follows."""
    process = subprocess.Popen(
        [*GSET, 'copy', url, f'sqlite:///{path}', '--follow'],
        stdout=subprocess.DEVNULL)
    times = []
    try:
        with closing(connect()) as source, \
                closing(sqlite3.connect(path)) as copy:
            # The first one only says that it follows.
            for number in range(21):
                note = f'change {number}'
                source.execute(f"UPDATE orders SET note = '{note}' "
                               'WHERE abs(id) = 1')
                start = time.perf_counter()
                source.commit()
                while not copy.execute(
                        'SELECT 1 FROM orders WHERE id IN (1, -1) '
                        'AND note = ?', (note,)).fetchone():
                    time.sleep(0.001)
                times.append(time.perf_counter() - start)
    finally:
        # SIGINT is ignored if this was started in the background.
        process.terminate()
        process.wait()
    return sorted(times[1:])[10]


def page(url, before=None):
    """Return the first page for who has an answer; without it, for anybody."""
    query = '' if before is None else (
        f'&generation={before["generation"]}&epoch={quote(before["epoch"])}')
    with urlopen(f'{url}/updates?cursor={query}') as response:
        return json.load(response)


def measure(source, options, directory):
    name, url, connect, _ = source
    port = free_port()
    server = Process(
        [*GSET, 'serve', url, '--tables', 'orders', '--port', str(port)],
        directory)
    try:
        server.wait_for(lambda: f':{port}' in server.text())
        served = f'http://127.0.0.1:{port}'
        path = directory / f'{name}-copy.db'
        copying = Copying(served, path)
        moving = Moving(source, options.rows)
        pause = max(0.5, options.rows / RATE / (options.cuts + 1))
        start = time.perf_counter()
        with moving.running():
            cuts = sum(copying.cut(START + pause)
                       for _ in range(options.cuts))
            copying.finish()
        copying.finish()
        taken = time.perf_counter() - start
        print(f'{name}: {count(path):,} rows in {taken:.0f} s, {cuts} cuts, '
              f'{moving.count:,} keys moved meanwhile', flush=True)
        seconds = follow(connect, served, path)
        print(f'  a change afterwards: {1000 * seconds:.0f} ms (median)')
        before = page(served)
        with closing(connect()) as connection:
            connection.execute('UPDATE orders SET total = total + 1')
            connection.commit()
        start = time.perf_counter()
        # At first, the server may not know of the commit yet.
        while 'next' not in page(served, before):
            time.sleep(0.01)
        print('  the first page of changes of all rows: '
              f'{time.perf_counter() - start:.2f} s', flush=True)
        copying.finish()
        print('  changes of all rows: '
              f'{time.perf_counter() - start:.0f} s', flush=True)
        print(f'  memory: server {peak(server.pid) / 1e6:.0f} MB, copy '
              f'{copying.memory / 1e6:.0f} MB', flush=True)
        start = time.perf_counter()
        subprocess.run([*GSET, 'verify', url, f'sqlite:///{path}', '--tables',
                        'orders'], check=True, stdout=subprocess.DEVNULL)
        print(f'  both are equal; to find that took '
              f'{time.perf_counter() - start:.0f} s', flush=True)
    finally:
        server.stop()


def sqlite(options, directory):
    path = directory / 'shop.db'
    fill_sqlite(path, options.rows)
    measure(Source(
        'SQLite', f'sqlite:///{path}',
        lambda: sqlite3.connect(path, timeout=60), '?'), options, directory)


def postgresql(options, directory):
    # PostgreSQL lets nobody else into its directory.
    place = directory / 'postgresql'
    place.mkdir()
    server = PostgreSQL(place)
    os.chmod(directory, 0o755)
    try:
        server.start()
        fill_postgresql(server.url, options.rows)
        measure(Source(
            f'PostgreSQL {version()}', server.url,
            lambda: psycopg.connect(server.url), '%s'), options, directory)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rows', type=int, default=100_000)
    parser.add_argument('--cuts', type=int, default=20)
    parser.add_argument('--directory', help='where there is room for 5 GB')
    options = parser.parse_args()
    for kind in sqlite, postgresql:
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            kind(options, Path(directory))


if __name__ == '__main__':
    main()
