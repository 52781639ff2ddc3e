"""The queue of notes, and when it forgets.

Whoever serves the database tidies it up, now and then.  Notes go whose row was
noted again later; that loses nothing.  And each table forgets its oldest notes
if it has too many, and its floor rises.  What is to go is found in a
transaction that reads, so that writers wait only while it goes.
"""

from __future__ import annotations

from typing import NamedTuple

from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.connections import Connection, column

#: The most notes that a table keeps when the queue is tidied up; a table that
#: has more rows keeps as many as it has.  A copy in pages begins the table
#: again if more come meanwhile, so it ends if its rows come faster than notes.
MOST = 100_000
#: How many notes come before the queue is tidied up again, at least.
PACE = 100_000
#: The most notes that go at a time.
TOGETHER = 200_000


class Spare(NamedTuple):
    """What the queue doesn't need.

    notes
        The numbers of notes.
    floors
        Up to which note a table forgets, by its number.
    kept
        How many other notes there are.
    """

    notes: list[int]
    floors: dict[int, int]
    kept: int


def columns(connection: Connection) -> set[str]:
    return set(column(
        connection, "SELECT name FROM pragma_table_info('gset_queue')"))


def noted(connection: Connection, number: int) -> dict[str, str]:
    """Return the columns of a table whose old values are noted, and types."""
    prefix = f'old{number}_'
    return {name.removeprefix(prefix): type for name, type in
            connection.execute(
                "SELECT name, type FROM pragma_table_info('gset_queue') "
                'WHERE substr(name, 1, ?) = ? ORDER BY cid',
                (len(prefix), prefix))}


def ends(connection: Connection) -> tuple[int, int]:
    """Return the numbers of the first and last notes."""
    # In one query without subqueries, SQLite would read all notes.
    first, last = connection.execute(
        'SELECT (SELECT min(seq) FROM gset_queue), '
        '(SELECT max(seq) FROM gset_queue)').fetchone()
    return first, last


def fill(connection: Connection) -> None:
    """Make a note if there is none, so that there is a generation."""
    connection.execute(
        'INSERT INTO gset_queue ("table") '
        'SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM gset_queue)')


def spare(connection: Connection) -> Spare:
    """Return what may be forgotten; never the last note, the generation.

    In a transaction.
    """
    # Rows with old values are kept: each may be all that a client had.
    row = quoting.names(columns(connection) - {'seq', 'mark'})
    connection.execute(
        'CREATE TEMP TABLE gset_kept AS SELECT "table", max(seq) AS seq '
        f'FROM gset_queue GROUP BY {row}')
    notes = column(
        connection, 'SELECT seq FROM gset_queue '
        'WHERE seq NOT IN (SELECT seq FROM gset_kept) LIMIT ?', TOGETHER)
    lengths = dict(connection.execute(
        'SELECT "table", count(*) FROM gset_kept GROUP BY "table"').fetchall())
    floors = {
        table: floor for table, length in lengths.items() if length > MOST
        for floor in column(
            connection, 'SELECT seq FROM gset_kept WHERE "table" = ? '
            'ORDER BY seq DESC LIMIT 1 OFFSET ?', table,
            max(MOST, _rows(connection, table)))}
    connection.execute('DROP TABLE gset_kept')
    return Spare(notes, floors, sum(lengths.values()))


def _rows(connection: Connection, table: int) -> int:
    """Return how many rows a table has; 0 if it isn't there any more."""
    for name in column(
            connection, 'SELECT name FROM gset_tables JOIN sqlite_schema '
            "USING (name) WHERE id = ? AND type = 'table'", table):
        [rows] = column(
            connection, f'SELECT count(*) FROM {quoting.name(name)}')
        return int(rows)
    return 0


def forget(connection: Connection, spare: Spare) -> None:
    """Forget what isn't needed."""
    connection.executemany(
        'DELETE FROM gset_queue WHERE seq = ?',
        [(seq,) for seq in spare.notes])
    for table, floor in spare.floors.items():
        connection.execute(
            'DELETE FROM gset_queue WHERE "table" = ? AND seq <= ?',
            (table, floor))
        connection.execute(
            'UPDATE gset_tables SET floor = max(floor, ?) WHERE id = ?',
            (floor, table))
