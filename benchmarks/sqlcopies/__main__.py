"""Copies into SQL databases: the first one, and what comes behind it.

    python -m benchmarks.sqlcopies [--rows COUNT] [--rounds ROUNDS]

First, "gset serve" serves an SQLite file, and "gset copy" copies it into
another file, and into PostgreSQL.  Prints times, and the most memory that the
copying process had.

Then rows are inserted and updated in PostgreSQL, in one transaction, and
another database gets them: by logical replication first, then as a replica.
Prints rows a second, from the commit until the others can see them.  The
programs of PostgreSQL must be on the path, or where Debian has them.
"""

import argparse
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg
from benchmarks.lib.postgresql import PostgreSQL, version

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.sql import SQLReplica, SQLSource, open_database

#: Some 52 bytes a row: 500,000 are 26 MB.
SCHEMA = '''
    CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT, total {},
                         note TEXT)'''
ROW = "{0}, 'N' || {0}, {0} / 8.0, 'something to remember'"
COMMAND = [sys.executable, '-m', 'zc.generationalset']


def fill(path, rows):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f'''
            PRAGMA journal_mode = WAL;
            {SCHEMA.format('REAL')};
            WITH RECURSIVE n (value) AS (
                SELECT 1 UNION ALL SELECT value + 1 FROM n
                WHERE value < {rows})
            INSERT INTO orders SELECT {ROW.format('value')} FROM n''')


def serve(path):
    with socket.create_server(('127.0.0.1', 0)) as listening:
        port = listening.getsockname()[1]
    process = subprocess.Popen(
        [*COMMAND, 'serve', f'sqlite:///{path}', '--tables', 'orders',
         '--port', str(port)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith('explore'):
            return process, f'http://127.0.0.1:{port}'
    raise SystemExit('the server did not start')


def first_copy(url, target):
    """Return the seconds that a copy took, and its megabytes of memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, 'copy', url, target], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit('the copy failed')
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def first_copies(directory, server, rows):
    path = directory / 'shop.db'
    fill(path, rows)
    process, url = serve(path)
    try:
        for name, target in [('SQLite', f'sqlite:///{directory}/copy.db'),
                             ('PostgreSQL', server.url)]:
            seconds, memory = first_copy(url, target)
            print(f'first copy of {rows:,} rows into {name:10} {seconds:7.1f} '
                  f's, {rows / seconds:9,.0f} rows/s, {memory:5.0f} MB')
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


class Replication:
    """A database that gets the rows by logical replication."""

    def __init__(self, server):
        self._server = server
        server.tell('CREATE DATABASE logical', 'postgres')
        server.tell(SCHEMA.format('double precision'), 'logical')
        server.tell('CREATE PUBLICATION orders FOR TABLE orders', 'origin')
        # In the same cluster, to make the slot with it would wait for ever.
        server.tell("SELECT pg_create_logical_replication_slot("
                    "'orders', 'pgoutput')", 'origin')
        url = server.url.replace('/kinto', '/origin')
        server.tell(f"CREATE SUBSCRIPTION orders CONNECTION '{url}' "
                    'PUBLICATION orders WITH (create_slot = false, '
                    'copy_data = false)', 'logical')

    def end(self):
        self._server.tell('ALTER SUBSCRIPTION orders DISABLE', 'logical')

    def wait(self, mark, rows):
        with psycopg.connect(self._server.url.replace('/kinto', '/logical'),
                             autocommit=True) as connection:
            while connection.execute(
                    'SELECT EXISTS (SELECT FROM orders WHERE note = %s)',
                    [mark]).fetchone() != (True,):
                time.sleep(0.001)


class Copy:
    """A database that is a replica, in this process."""

    def __init__(self, server):
        server.tell('CREATE DATABASE replica', 'postgres')
        server.tell(SCHEMA.format('double precision'), 'replica')
        origin = open_database(server.url.replace('/kinto', '/origin'))
        origin.execute(origin.plan_tracking(origin.tables()))
        self._source = SQLSource(origin, ['orders'])
        self._replica = SQLReplica(
            open_database(server.url.replace('/kinto', '/replica')), 'origin')
        #: Seconds to apply, of all that a round takes.
        self.applying = []
        self.wait('', None)

    def wait(self, mark, rows):
        with self._source.snapshot() as snapshot:
            answer = wire.decode(wire.encode(snapshot.updates(None, Position(
                self._replica.epoch, self._replica.generation))))
        start = time.perf_counter()
        changes = self._replica.apply(answer)
        self.applying.append(time.perf_counter() - start)
        assert rows in (None, len(changes)), (len(changes), rows)


def measure(server, followed, first, rows):
    """Return rows a second, by kind of statement, for rows behind the first.
    """
    rates = {}
    for kind, statement in [
            ('inserts', 'INSERT INTO orders SELECT '
             + ROW.format('n').replace('something to remember', '')
             + f' FROM generate_series({first + 1}, {first + rows}) n '
             f"UNION ALL SELECT -{first + 1}, '', 0, 'inserts {first}'"),
            ('updates', 'UPDATE orders SET total = total + 1, '
             f"note = 'updates {first}' WHERE id > {first}")]:
        with psycopg.connect(
                server.url.replace('/kinto', '/origin')) as connection:
            connection.execute(statement)
            connection.commit()
        start = time.perf_counter()
        followed.wait(f'{kind} {first}', rows + (kind == 'inserts'))
        rates[kind] = rows / (time.perf_counter() - start)
    return rates


def follow(server, rows, rounds):
    server.tell('CREATE DATABASE origin', 'postgres')
    server.tell(SCHEMA.format('double precision'), 'origin')
    # One after the other, so that neither sees the other's writes.
    replication = Replication(server)
    others = [measure(server, replication, number * rows, rows)
              for number in range(rounds)]
    replication.end()
    copy = Copy(server)
    ours = [measure(server, copy, number * rows, rows)
            for number in range(rounds, 2 * rounds)]
    for name, rates in ('logical replication', others), ('replica', ours):
        for kind in rates[0]:
            rate = statistics.median([each[kind] for each in rates])
            print(f'{kind} of {rows:,} rows by {name:20} {rate:9,.0f} rows/s')
    seconds = statistics.median(copy.applying[1:])
    print(f'the replica alone, without reading: {rows / seconds:,.0f} rows/s')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rows', type=int, default=500_000)
    parser.add_argument('--changes', type=int, default=100_000)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)  # PostgreSQL isn't root
        home = Path(directory, 'postgresql')
        home.mkdir()
        server = PostgreSQL(home, '-c', 'wal_level=logical')
        server.start()
        try:
            print(f'PostgreSQL {version()}')
            first_copies(Path(directory), server, options.rows)
            follow(server, options.changes, options.rounds)
        finally:
            server.stop()


if __name__ == '__main__':
    main()
