"""Finds 3 rows that differ, beside reladiff.

    python -m benchmarks.verify [--rows 500000]

Two databases of one PostgreSQL server have the same table, but for 3 rows.
This release and reladiff find them, in turns, each in a process that has
loaded its libraries and has connected before.  reladiff compares no SQLite
files, so these are measured alone.  The ratio is the median of the rounds' own
ratios.

The first run installs reladiff in benchmarks/.environments.
"""

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
from benchmarks.lib.environments import VARIABLES, make, pip, python_of
from benchmarks.lib.postgresql import PostgreSQL, version
from benchmarks.lib.progress import Progress
from benchmarks.lib.shop import fill_postgresql, fill_sqlite

RIVAL = 'reladiff'
FOUND = 3


def prepare(progress):
    make(RIVAL, progress)
    progress('installing reladiff')
    pip(RIVAL, 'reladiff[postgresql]==0.6.0')


def fill(server, directory, rows):
    """Make the databases; return the URLs of both kinds."""
    files = [directory / 'here.db', directory / 'there.db']
    for path in files:
        fill_sqlite(path, rows)
    server.tell('CREATE DATABASE there')
    urls = [server.url, server.url.replace('/kinto?', '/there?')]
    for url in urls:
        fill_postgresql(url, rows)
    changed = [rows // 7, rows // 3, rows // 2]
    statement = ('UPDATE orders SET total = total + 1 WHERE id IN '
                 f'({", ".join(map(str, changed))})')
    with psycopg.connect(urls[1]) as connection:
        connection.execute(statement)
    with closing(sqlite3.connect(files[1])) as connection:
        connection.execute(statement)
        connection.commit()
    return {'PostgreSQL': urls,
            'SQLite': [f'sqlite:///{path}' for path in files],
            'SQLite, PostgreSQL': [f'sqlite:///{files[0]}', urls[1]]}


def seconds(python, module, urls):
    """Return how long a process takes to find the rows."""
    output = subprocess.run(
        [python, '-m', f'benchmarks.verify.{module}', *urls],
        check=True, stdout=subprocess.PIPE, text=True, env=VARIABLES
        if module == 'rival' else None).stdout
    found, taken = output.split()
    if int(found) != FOUND:
        sys.exit(f'{module}: expected {FOUND} differences, got {found}')
    return float(taken)


def compare(urls, rounds):
    print(f'{"":20} {"this release":>12} {RIVAL:>10}  ratio')
    for name, pair in urls.items():
        times = []
        for turn in range(rounds):
            took = {}
            runs = [('own', sys.executable)]
            if name == 'PostgreSQL':
                runs.insert(turn % 2, ('rival', python_of(RIVAL)))
            for module, python in runs:
                took[module] = seconds(python, module, pair)
            times.append(took)
        own = statistics.median(each['own'] for each in times)
        line = f'{name:20} {own:10.2f} s'
        if 'rival' in times[0]:
            rival = statistics.median(each['rival'] for each in times)
            ratio = statistics.median(
                each['own'] / each['rival'] for each in times)
            line += f' {rival:8.2f} s {ratio:6.2f}'
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rows', type=int, default=500_000)
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    prepare(Progress())
    with tempfile.TemporaryDirectory() as directory:
        server = PostgreSQL(Path(directory))
        try:
            server.start()
            urls = fill(server, Path(directory), options.rows)
            print(f'{options.rows:,} rows, PostgreSQL {version()}, SQLite '
                  f'{sqlite3.sqlite_version}')
            compare(urls, options.rounds)
        finally:
            server.stop()


if __name__ == '__main__':
    main()
