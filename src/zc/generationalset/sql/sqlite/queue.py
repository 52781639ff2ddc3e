"""The queue of notes, and when it forgets.

Whoever serves the database tidies it up, now and then.  First, notes go whose
row was noted again later; that loses nothing.  Then each table forgets its
oldest notes if it has too many, and its floor rises.
"""

from __future__ import annotations

from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.connections import Connection, column

#: The most notes that a table keeps when the queue is tidied up.
MOST = 100_000
#: How many notes come before the queue is tidied up again.
PACE = 100_000


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
    first, last = connection.execute(
        'SELECT min(seq), max(seq) FROM gset_queue').fetchone()
    return first, last


def fill(connection: Connection) -> None:
    """Make a note if there is none, so that there is a generation."""
    connection.execute(
        'INSERT INTO gset_queue ("table") '
        'SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM gset_queue)')


def prune(connection: Connection) -> None:
    """Forget notes, but never the last one: its number is the generation."""
    # Rows with old values are kept: each may be all that a client had.
    row = quoting.names(columns(connection) - {'seq', 'mark'})
    connection.execute(
        'DELETE FROM gset_queue WHERE seq NOT IN '
        f'(SELECT max(seq) FROM gset_queue GROUP BY {row})')
    for table, length in connection.execute(
            'SELECT "table", count(*) FROM gset_queue GROUP BY "table"'
            ).fetchall():
        if length > MOST:
            _forget(connection, table)


def _forget(connection: Connection, table: int) -> None:
    [newest] = column(
        connection, 'SELECT seq FROM gset_queue WHERE "table" = ? '
        'ORDER BY seq DESC LIMIT 1 OFFSET ?', table, MOST)
    connection.execute(
        'DELETE FROM gset_queue WHERE "table" = ? AND seq <= ?',
        (table, newest))
    connection.execute(
        'UPDATE gset_tables SET floor = max(floor, ?) WHERE id = ?',
        (newest, table))
