"""Keys of rows that were seen, in a temporary file.

So memory doesn't grow with their number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from zc.generationalset.sql.peers.agreements import CHUNK
from zc.generationalset.sql.peers.ledger import places


class Seen:
    """A set of texts of keys.

    Its methods raise OSError if the file can't be written, or read.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect('', isolation_level=None)
        self._file.executescript('''
            PRAGMA journal_mode = OFF;
            CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID;
            BEGIN''')

    def __enter__(self) -> Seen:
        return self

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._file.close()

    def add(self, keys: Iterable[str]) -> None:
        with _told():
            self._file.executemany(
                'INSERT OR IGNORE INTO seen VALUES (?)',
                ((key,) for key in keys))

    def lacking(self, keys: Sequence[str]) -> list[str]:
        """Return those of some keys, not too many, that weren't seen."""
        with _told():
            there = {key for [key] in self._file.execute(
                f'SELECT key FROM seen WHERE key IN ({places(1, len(keys))})',
                {str(place): key for place, key in enumerate(keys, 1)})}
        return [key for key in keys if key not in there]

    def chunks(self) -> Iterator[list[str]]:
        """Yield all keys, some at a time."""
        with _told():
            cursor = self._file.execute('SELECT key FROM seen ORDER BY key')
            while rows := cursor.fetchmany(CHUNK):
                yield [key for [key] in rows]


@contextmanager
def _told() -> Iterator[None]:
    """Raise OSError; else the database would seem to fail."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(
            f'a temporary file for the keys that were seen: {error}'
        ) from error
