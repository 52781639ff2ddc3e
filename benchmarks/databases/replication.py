"""Logical replication in both directions beside syncs."""

import statistics
import time
from contextlib import closing

from benchmarks.databases import processes

#: Of so many rows, one changes on each side.
SHARE = 20
#: Seconds between two looks whether all has come.
PACE = 0.002


def compare(server, folder, rows, rounds):
    synced, replicated = [
        [processes.postgresql(server, f'{name}_{side}')
         for side in ('one', 'two')] for name in ('synced', 'replicated')]
    for database in *synced, *replicated:
        database.run(f'''
            INSERT INTO things SELECT lpad(n::text, 8, '0'), n, 0,
                'something to remember' FROM generate_series(1, {rows}) n''')
        database.run('ANALYZE things')
    changed = 2 * (rows // SHARE)
    pair = Replicated(server, replicated)
    path = str(folder / 'pair')
    rates = {'sync': [], 'replication': []}
    with processes.serving(synced[1], path):
        processes.sync(synced[0], path)
        for turn in range(1, rounds + 1):
            runs = {
                'sync': lambda turn: processes.sync(
                    synced[0], path)['seconds'],
                'replication': pair.catch_up}
            for name in sorted(runs, reverse=bool(turn % 2)):
                databases = synced if name == 'sync' else replicated
                for side, database in enumerate(databases):
                    _change(database, side, turn)
                rates[name].append(changed / runs[name](turn))
                _check(databases)
    ratio = statistics.median(
        one / two for one, two in zip(*rates.values(), strict=True))
    print(f'two of PostgreSQL {server_version(synced[0])}, {changed // 2:,} '
          'rows changed on each side')
    for name, found in rates.items():
        print(f'  {name:12} {statistics.median(found):9,.0f} rows/s '
              f'({min(found):,.0f} to {max(found):,.0f})')
    print(f'  ratio {ratio:.2f}', flush=True)
    pair.close()


def server_version(database):
    return database.value('SHOW server_version').split()[0]


def _change(database, side, turn):
    database.run(f'UPDATE things SET other = {turn} '
                 f'WHERE number % {SHARE} = {side}')


def _check(databases):
    """Both sides have the same rows."""
    one, two = (database.value(
        'SELECT sum(hashtextextended(things::text, 0)) FROM things')
        for database in databases)
    if one != two:
        raise RuntimeError('the two sides differ')


class Replicated:
    """Two databases of a server that replicate to each other."""

    def __init__(self, server, databases):
        self._databases = databases
        for database in databases:
            database.run('CREATE PUBLICATION changes FOR TABLE things')
        for side, database in enumerate(databases):
            other = databases[not side]
            # In one server, a subscription would wait for itself.
            other.value("SELECT pg_create_logical_replication_slot("
                        f"'to_{side}', 'pgoutput')")
            database.run(f'''
                CREATE SUBSCRIPTION from_other
                CONNECTION '{server.dsn(other.name)}' PUBLICATION changes
                WITH (create_slot = false, slot_name = 'to_{side}',
                      copy_data = false, origin = none, enabled = false)''')

    def catch_up(self, turn):
        """Replicate; return the seconds until both sides have all.

        All changes of a side are one transaction, so one row tells.
        """
        start = time.perf_counter()
        self._switch('ENABLE')
        for side, database in enumerate(self._databases):
            with closing(database.connect()) as connection:
                while not self._has(connection, int(not side), turn):
                    time.sleep(PACE)
        seconds = time.perf_counter() - start
        self._switch('DISABLE')
        return seconds

    def _has(self, connection, side, turn):
        """Tell whether a change of a side has come."""
        [found] = connection.execute(
            'SELECT other FROM things WHERE id = %s',
            [f'{SHARE + side:08d}']).fetchone()
        connection.rollback()
        return found == turn

    def _switch(self, how):
        for database in self._databases:
            database.run(f'ALTER SUBSCRIPTION from_other {how}')

    def close(self):
        for database in self._databases:
            database.run(
                'ALTER SUBSCRIPTION from_other SET (slot_name = NONE)',
                'DROP SUBSCRIPTION from_other')
