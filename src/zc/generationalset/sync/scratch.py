"""Sets that are too large for the memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Generic, TypeVar
from weakref import finalize

#: The most that are in memory.
MOST = 20_000

Key = TypeVar('Key', int, bytes)


class Scratch(Generic[Key]):
    """A set of which only the newest are in memory.

    All others are in a temporary file, which is gone when the set is.
    """

    def __init__(self) -> None:
        self._newest: set[Key] = set()
        self._database: sqlite3.Connection | None = None

    def add(self, key: Key) -> None:
        self._newest.add(key)
        if len(self._newest) >= MOST:
            self._store()

    def discard(self, key: Key) -> None:
        self._newest.discard(key)
        if self._database is not None:
            self._database.execute('DELETE FROM stored WHERE key = ?', [key])

    def _store(self) -> None:
        database = self._file()
        try:
            database.execute('BEGIN')
            # In this order, each page of the file is written once.
            database.executemany(
                'INSERT OR IGNORE INTO stored VALUES (?)',
                zip(sorted(self._newest)))
            database.execute('COMMIT')
        except sqlite3.Error as error:
            # Else a store that is listed would seem to fail.
            raise OSError(f'a temporary file: {error}') from error
        self._newest.clear()

    def _file(self) -> sqlite3.Connection:
        """Return the database in the temporary file."""
        if self._database is None:
            self._database = sqlite3.connect(
                '', isolation_level=None, check_same_thread=False)
            finalize(self, self._database.close)
            self._database.execute('PRAGMA journal_mode = OFF')
            self._database.execute(
                'CREATE TABLE stored (key PRIMARY KEY) WITHOUT ROWID')
        return self._database

    def __contains__(self, key: Key) -> bool:
        return key in self._newest or (
            self._database is not None and bool(self._database.execute(
                'SELECT 1 FROM stored WHERE key = ?', [key]).fetchone()))

    def __len__(self) -> int:
        if self._database is None:
            return len(self._newest)
        self._store()
        [[count]] = self._database.execute('SELECT count(*) FROM stored')
        return int(count)

    def __iter__(self) -> Iterator[Key]:
        """Yield all in their order; the set must not change meanwhile."""
        if self._database is None:
            yield from sorted(self._newest)
            return
        self._store()
        for [key] in self._database.execute(
                'SELECT key FROM stored ORDER BY key'):
            yield key
