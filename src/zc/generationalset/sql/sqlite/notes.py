"""What copies note in a database, in a table of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zc.generationalset.sql.sqlite.connections import Connection, column

#: The name of the table.
TABLE = 'gset_notes'


class SQLiteNotes:
    """See ``Notes``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS {TABLE} ("group" TEXT NOT NULL, '
            'name TEXT NOT NULL, text TEXT NOT NULL, '
            'PRIMARY KEY ("group", name)) WITHOUT ROWID')

    def get(self, group: str, name: str) -> str | None:
        return next(iter(column(
            self._connection,
            f'SELECT text FROM {TABLE} WHERE "group" = ? AND name = ?',
            group, name)), None)

    def put(self, group: str, texts: Iterable[tuple[str, str]]) -> None:
        self._connection.executemany(
            f'INSERT OR REPLACE INTO {TABLE} VALUES (?, ?, ?)',
            ((group, *each) for each in texts))

    def drop(self, group: str, names: Iterable[str]) -> None:
        self._connection.executemany(
            f'DELETE FROM {TABLE} WHERE "group" = ? AND name = ?',
            ((group, name) for name in names))

    def among(self, group: str, names: Sequence[str]) -> set[str]:
        return {name for name in names
                if self.get(group, name) is not None}

    def names(self, group: str, limit: int) -> list[str]:
        return column(
            self._connection,
            f'SELECT name FROM {TABLE} WHERE "group" = ? LIMIT ?',
            group, limit)
