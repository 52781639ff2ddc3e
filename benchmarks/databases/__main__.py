"""Two databases that are kept equal.

    python -m benchmarks.databases [--rows 1000000] [--postgresql]

Two SQLite databases, or SQLite and PostgreSQL, have the same rows after a
first sync.  Then 1 % of the rows change on each side, so that 0.1 % of all
conflict.  Prints the time, the bytes in both directions, and the most memory
of the process, which has both sides: for the first sync, for two without
changes, and for the one that follows the changes.  There are no sockets.
"""

import argparse
import resource
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.lib.postgresql import PostgreSQL

from zc.generationalset.tests.support.peers import Peer, converse
from zc.generationalset.tests.support.postgresql_peers import PostgreSQLPeer

SCHEMA = '''
    CREATE TABLE things (
        id TEXT PRIMARY KEY, number {0}, other {0}, note TEXT)'''


class Counted:
    """A list of frames that only counts them."""

    def __init__(self):
        self.bytes = 0

    def append(self, frame):
        self.bytes += len(frame)


def fill(path, rows):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany('INSERT INTO things VALUES (?, ?, 0, ?)', (
            (f'{number:08d}', number, 'something to remember')
            for number in range(rows)))


def change(peer, column, first, rows):
    """Change 1 % of the rows; a tenth of these are those of the others."""
    peer.run(f'''
        UPDATE things SET {column} = -1
        WHERE number % 100 = {first} OR number % 1000 = 0''')


def measure(what, client, server):
    counted = Counted()
    before = time.perf_counter()
    report = converse(client.asking(), server.serving(), seen=counted)
    seconds = time.perf_counter() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'{what:9} {seconds:7.2f} s {counted.bytes:12,} bytes '
          f'{memory:5.0f} MB  {report}')


def run(client, server, rows):
    fill(client.path, rows)
    measure('first', client, server)
    measure('settled', client, server)
    measure('silent', client, server)
    change(client, 'number', 1, rows)
    change(server, 'other', 2, rows)
    measure('changes', client, server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rows', type=int, default=1_000_000)
    parser.add_argument('--postgresql', action='store_true')
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client = Peer(folder / 'client.db', schema=SCHEMA.format('INT'))
        stack.callback(client.close)
        server: Peer
        if options.postgresql:
            database = PostgreSQL(folder)
            stack.callback(database.stop)
            database.start()
            server = PostgreSQLPeer(
                database.url, schema=SCHEMA.format('bigint'))
        else:
            server = Peer(folder / 'server.db', schema=SCHEMA.format('INT'))
        stack.callback(server.close)
        run(client, server, options.rows)


if __name__ == '__main__':
    main()
