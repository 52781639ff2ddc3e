"""What tracking costs those who write to an SQLite table.

    python -m benchmarks.sqltracking

The same statements go to a table that is tracked, and to one that isn't, in
turns.  The ratio is the median of the rounds' own ratios.  If sqlite-chronicle
is installed, a third table is tracked by its triggers.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import ExitStack, closing
from typing import Any

from zc.generationalset.answers import NOTHING
from zc.generationalset.sql import SQLSource, open_database

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, customer TEXT, total REAL,
    note TEXT);
"""
ROWS = 100_000


def fill(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            'INSERT INTO orders VALUES (?, ?, ?, ?, ?)',
            ((number, f'N{number}', f'customer {number % 1000}', number / 7,
              'something to remember') for number in range(ROWS)))
        connection.commit()


def updates(connection, start, count):
    """Each in a transaction of its own."""
    for number in range(start, start + count):
        connection.execute('UPDATE orders SET total = total + 1 WHERE id = ?',
                           (number * 7919 % ROWS,))


def bulk(connection, start, count):
    """All in one transaction."""
    connection.execute('BEGIN')
    updates(connection, start, count)
    connection.execute('COMMIT')


def inserts(connection, start, count):
    connection.execute('BEGIN')
    for number in range(start, start + count):
        connection.execute(
            'INSERT INTO orders VALUES (?, ?, ?, ?, ?)',
            (ROWS + number, f'N{ROWS + number}', 'customer', 1.5, 'note'))
    connection.execute('COMMIT')


def deletes(connection, start, count):
    """Delete what was inserted."""
    connection.execute('BEGIN')
    for number in range(start, start + count):
        connection.execute('DELETE FROM orders WHERE id = ?',
                           (ROWS + number,))
    connection.execute('COMMIT')


WORKLOADS = {
    'updates, a transaction each': updates,
    'updates in one transaction': bulk,
    'inserts in one transaction': inserts,
    'deletes in one transaction': deletes,
}


def connect(path, synchronous):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f'PRAGMA synchronous = {synchronous}')
    return connection


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compare(connections, rounds, count):
    """Print the rates of the first connection, and of others with ratios."""
    print(f'{"":30}' + ''.join([f'{name:>12}      ' for name in connections]))
    for name, work in WORKLOADS.items():
        times = {each: [] for each in connections}
        for number in range(rounds):
            order = list(connections.items())
            for each, connection in order[::1 if number % 2 else -1]:
                times[each].append(timed(
                    work, connection, number * count, count))
        first = next(iter(times.values()))
        print(f'{name:30}' + ''.join([
            f'{count / statistics.median(mine):10,.0f}/s {ratio(mine, first)}'
            for mine in times.values()]))


def ratio(times, others):
    if times is others:
        return ' ' * 5
    found = statistics.median([
        one / other for one, other in zip(times, others, strict=True)])
    return f'{found:4.2f} '


def chronicle(stack, directory, synchronous):
    """Return a connection to a table that sqlite-chronicle tracks, if any."""
    try:
        from sqlite_chronicle import enable_chronicle
    except ImportError:
        print('sqlite-chronicle is not installed')
        return {}
    path = os.path.join(directory, 'chronicle.db')
    fill(path)
    connection = stack.enter_context(closing(connect(path, synchronous)))
    enable_chronicle(connection, 'orders')
    return {'chronicle': connection}


def answers(source, connection, rounds):
    """Return the milliseconds of answers: nothing new, and one change."""
    nothing, one = [], []
    with source.snapshot() as snapshot:
        position = snapshot.position(None)

    def ask():
        with source.snapshot() as snapshot:
            return snapshot.updates(None, position)

    for number in range(rounds * 20):
        nothing.append(timed(ask))
        updates(connection, number, 1)
        one.append(timed(ask))
        with source.snapshot() as snapshot:
            position = snapshot.position(None)
    return [1000 * statistics.median(times) for times in (nothing, one)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rounds', type=int, default=21)
    parser.add_argument('--count', type=int, default=2000)
    parser.add_argument(
        '--synchronous', default='FULL', choices=('FULL', 'NORMAL'),
        help="SQLite's pragma (default: %(default)s, as SQLite's own)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        plain, tracked = (os.path.join(directory, name)
                          for name in ('plain.db', 'tracked.db'))
        for path in plain, tracked:
            fill(path)
        with ExitStack() as stack:
            database, one, two = [
                stack.enter_context(closing(each)) for each in [
                    open_database(f'sqlite:///{tracked}'),
                    connect(plain, options.synchronous),
                    connect(tracked, options.synchronous)]]
            database.execute(database.plan_tracking(database.tables()))
            compare({'untracked': one, 'tracked': two, **chronicle(
                stack, directory, options.synchronous)},
                options.rounds, options.count)
            source = SQLSource(database, ['orders'])
            nothing, change = answers(source, two, options.rounds)
            print(f'an answer without changes {nothing:.3f} ms, with one '
                  f'change {change:.3f} ms')
            with source.snapshot() as snapshot:
                entry: Any
                [entry] = snapshot.updates(None, NOTHING)['contents']
                seconds = timed(lambda: [
                    item.__wire__() for _, item in entry['contents']])
            print(f'all contents: {ROWS / seconds:,.0f} rows/s')


if __name__ == '__main__':
    main()
