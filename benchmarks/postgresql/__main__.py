"""What tracking costs those who write to a PostgreSQL table.

    python -m benchmarks.postgresql

pgbench updates single rows of a table that is tracked, and of one that isn't,
in turns.  Meanwhile somebody asks for changes every 20 ms, as a server does.
The ratio is the median of the rounds' own ratios.

    python -m benchmarks.postgresql --latency

This measures how long after a statement of psql a browser is told, while other
writers commit, too.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from benchmarks.lib.postgresql import PostgreSQL, programs, version
from benchmarks.postgresql import latency

from zc.generationalset.sql import SQLSource, open_database

TABLES = 'plain', 'tracked'
ROWS = 100_000
SCHEMA = """
    CREATE TABLE {0} (id int PRIMARY KEY, number text, total numeric);
    INSERT INTO {0} SELECT n, 'N' || n, n / 7.0
        FROM generate_series(1, {1}) n;
    VACUUM ANALYZE {0}"""
UPDATE = 'UPDATE {} SET total = total + 1 WHERE id = :id;'
#: Scripts of pgbench.
SCRIPTS = {
    'one update': '\\set id random(1, {rows})\n' + UPDATE,
    'one update in 5 ms':
    '\\set id random(1, {rows})\nBEGIN;\n' + UPDATE + '\n\\sleep 5 ms\nEND;',
}


class Writers:
    """Runs pgbench on a server."""

    def __init__(self, server, directory, seconds):
        self._server = server
        self._directory = Path(directory)
        self._seconds = seconds

    def rate(self, script, table, clients):
        """Return commits a second."""
        path = self._directory / f'{table}.pgbench'
        path.write_text(script.format(table, rows=ROWS))
        out = subprocess.run(
            [programs() / 'pgbench', '-n', '-f', path, '-T',
             str(self._seconds), '-c', str(clients), '-j', '2', '-M',
             'prepared', self._server.url],
            check=True, capture_output=True, text=True).stdout
        return float(re.search('tps = ([0-9.]+)', out)[1])


@contextmanager
def numbering(database):
    """Number what is new every 20 ms, meanwhile."""
    ended = threading.Event()

    def number():
        while not ended.wait(0.02):
            database.version()

    thread = threading.Thread(target=number)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def compare(writers, database, counts, rounds):
    print(f'{"":20} {"clients":>7} {"untracked":>10} {"tracked":>10}  ratio')
    for name, script in SCRIPTS.items():
        for clients in counts:
            rates = []
            for turn in range(rounds):
                pair = {}
                for table in TABLES if turn % 2 else TABLES[::-1]:
                    with numbering(database):
                        pair[table] = writers.rate(script, table, clients)
                rates.append([pair[table] for table in TABLES])
            plain, tracked = map(statistics.median, zip(*rates, strict=True))
            ratio = statistics.median(two / one for one, two in rates)
            print(f'{name:20} {clients:7} {plain:8,.0f}/s {tracked:8,.0f}/s '
                  f'{ratio:6.2f}', flush=True)


def milliseconds(function, repeats=200):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def read(database):
    with database.reading():
        pass


def asked(server, database):
    """Print what questions take."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        def update():
            connection.execute('UPDATE tracked SET total = 0 WHERE id = 1')

        def update_and_read():
            update()
            read(database)

        bare = milliseconds(lambda: connection.execute('SELECT 1'))
        print(f'SELECT 1: {bare:.2f} ms; whether there is something new: '
              f'{milliseconds(database.version):.2f} ms; a snapshot without '
              f'news: {milliseconds(lambda: read(database)):.2f} ms; an '
              f'update: {milliseconds(update):.2f} ms; an update and a '
              f'snapshot: {milliseconds(update_and_read):.2f} ms')


def noticed(server, database, repeats=200):
    """Print how long after a commit a listener is told."""
    source = SQLSource(database, ['tracked'])
    told = threading.Event()
    ignore = source.listen(told.set)
    times = []
    with psycopg.connect(server.url, autocommit=True) as connection:
        for turn in range(repeats):
            time.sleep(0.03 + turn % 20 / 1000)
            told.clear()
            connection.execute('UPDATE tracked SET total = 0 WHERE id = 1')
            start = time.perf_counter()
            told.wait()
            times.append(1000 * (time.perf_counter() - start))
    ignore()
    times.sort()
    print(f'from commit to notice: p50 {times[repeats // 2]:.1f} ms, p95 '
          f'{times[repeats * 95 // 100]:.1f} ms')


def told(server, counts, repeats):
    """Print how long after a commit of psql a browser is told."""
    with tempfile.TemporaryDirectory() as directory, \
            latency.serving(server.url) as served:
        script = Path(directory) / 'update.pgbench'
        # The first row is psql's.
        script.write_text(SCRIPTS['one update'].replace(
            'random(1', 'random(2').format('tracked', rows=ROWS))
        for writers in counts:
            latency.measure(server.url, served, script, writers, repeats)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--seconds', type=int, default=5)
    parser.add_argument('--clients', type=int, nargs='+', default=[1, 8, 24])
    parser.add_argument(
        '--latency', action='store_true', help='measure only that')
    parser.add_argument(
        '--repeats', type=int, default=200, help='for --latency')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = PostgreSQL(Path(directory))
        try:
            server.start()
            with psycopg.connect(server.url, autocommit=True) as connection:
                for table in TABLES:
                    for each in SCHEMA.format(table, ROWS).split(';'):
                        connection.execute(each)
            with closing(open_database(server.url)) as database:
                database.execute(database.plan_tracking([
                    table for table in database.tables()
                    if table.name == 'tracked']))
                print(f'PostgreSQL {version()}')
                if options.latency:
                    told(server, options.clients, options.repeats)
                    return
                with tempfile.TemporaryDirectory() as scripts:
                    compare(Writers(server, scripts, options.seconds),
                            database, options.clients, options.rounds)
                asked(server, database)
                noticed(server, database)
        finally:
            server.stop()


if __name__ == '__main__':
    main()
