"""Rows that may differ, in a file of SQLite that ends with its process.

So memory doesn't grow with the number of differences.
"""

from __future__ import annotations

import pickle
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from zc.generationalset.sql.tables import Key
from zc.generationalset.sql.verification.digests import Listed

#: How many rows are looked at together.
CHUNK = 500

_SCHEMA = '''
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE listed (
        form BLOB PRIMARY KEY, here_key BLOB, here BLOB, there_key BLOB,
        there BLOB) WITHOUT ROWID;
    CREATE TABLE found (
        number INT, form BLOB, here_key BLOB, there_key BLOB, here BLOB,
        there BLOB);
    BEGIN'''


class Suspect(NamedTuple):
    """A row that may differ: its key on both sides, and its hashes.

    A side that doesn't have the row has the other's key, and no hash.

    form
        The form of the key, which is the same on both sides.
    """

    form: bytes
    here_key: Key
    there_key: Key
    here: bytes | None
    there: bytes | None


class Scratch:
    """Rows that may differ; two threads may list them."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(
            '', isolation_level=None, check_same_thread=False)
        self._turn = threading.Lock()
        self._connection.executescript(_SCHEMA)

    def list_here(self, rows: Iterable[Listed]) -> None:
        self._list('here', rows)

    def list_there(self, rows: Iterable[Listed]) -> None:
        self._list('there', rows)

    def _list(self, side: str, rows: Iterable[Listed]) -> None:
        with self._turn:
            self._connection.executemany(
                f'INSERT INTO listed (form, {side}_key, {side}) '
                'VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET '
                f'{side}_key = excluded.{side}_key, {side} = excluded.{side}',
                map(_stored, rows))

    def suspects(self) -> Iterator[list[Suspect]]:
        """Yield the rows that differ, many at a time; forget all rows."""
        yield from self._read(
            'SELECT form, ifnull(here_key, there_key), '
            'ifnull(there_key, here_key), here, there FROM listed '
            'WHERE here IS NOT there')
        self._connection.execute('DELETE FROM listed')

    def find(self, number: int, suspect: Suspect) -> None:
        """Note a row that does differ, of the table with a number."""
        form, here_key, there_key, here, there = suspect
        self._connection.execute(
            'INSERT INTO found VALUES (?, ?, ?, ?, ?, ?)',
            (number, form, _blob(here_key), _blob(there_key), here, there))

    def found(self, number: int) -> Iterator[list[Suspect]]:
        """Yield what was found in a table, many rows at a time."""
        return self._read(
            'SELECT form, here_key, there_key, here, there FROM found '
            'WHERE number = ?', number)

    def _read(self, query: str, *values: int) -> Iterator[list[Suspect]]:
        cursor = self._connection.execute(query, values)
        while rows := cursor.fetchmany(CHUNK):
            yield [Suspect(form, _key(one), _key(other), here, there)
                   for form, one, other, here, there in rows]

    def close(self) -> None:
        self._connection.close()


def _stored(row: Listed) -> tuple[bytes, bytes, bytes]:
    return row.form, _blob(row.key), row.hash


def _blob(key: Key) -> bytes:
    # JSON has no text that isn't UTF-8.
    return pickle.dumps(key)


def _key(blob: bytes) -> Key:
    # Only this process has written it.
    key: Key = pickle.loads(blob)  # noqa: S301
    return key
