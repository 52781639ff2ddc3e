"""The changes of an answer, however many there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, overload
from uuid import UUID
from weakref import finalize

from zc.generationalset.answers import Change, Subset
from zc.generationalset.replica.sqlite_items import stored_path, stored_value
from zc.generationalset.wire import encode_ids, encode_value

#: The types of what comes from JSON as it was.
_VALUES = (dict, list, tuple, str, bytes, int, float, type(None),
           Decimal, UUID, date, time, timedelta)
#: The most changes that are in memory.
MOST = 1000


class Changes(Sequence[Change]):
    """A sequence of changes, of which only the newest are in memory.

    A replica that loses a million items has a million changes.  All but the
    newest are in a temporary file, as JSON.  Those that JSON can't have, such
    as of texts in a table that aren't UTF-8, and of objects of an application,
    stay in memory.
    """

    def __init__(self) -> None:
        self._newest: list[Change] = []
        self._stored = 0
        self._odd: dict[int, Change] = {}
        self._database: sqlite3.Connection | None = None

    def note(self, kind: str, path: tuple[Any, ...], item: Any) -> None:
        """Add a change."""
        if len(self._newest) == MOST:
            self._store()
        self._newest.append(Change(kind, path, item))

    def result(self) -> Sequence[Change]:
        """Return these changes, as a list if they are all in memory."""
        return self if self._stored else self._newest

    def _store(self) -> None:
        database = self._file()
        database.execute('BEGIN')
        database.executemany(
            'INSERT INTO change VALUES (?, ?, ?, ?)',
            [self._row(number, change)
             for number, change in enumerate(self._newest, self._stored)])
        database.execute('COMMIT')
        self._stored += len(self._newest)
        self._newest.clear()

    def _row(
            self, number: int, change: Change,
    ) -> tuple[int, str | None, str, str | None]:
        """Return the columns of a change; no kind for one in memory."""
        if isinstance(change.item, _VALUES):
            with suppress(Exception):  # such as of what is in a list
                return (number, change.kind, encode_ids(change.path).decode(),
                        _text(change.item))
        self._odd[number] = change
        return number, None, '', None

    def _file(self) -> sqlite3.Connection:
        """Return the database in the temporary file."""
        if self._database is None:
            self._database = sqlite3.connect(
                '', isolation_level=None, check_same_thread=False)
            finalize(self, self._database.close)
            self._database.execute(
                'CREATE TABLE change (number INTEGER PRIMARY KEY,'
                ' kind TEXT, path TEXT, item TEXT)')
        return self._database

    def __len__(self) -> int:
        return self._stored + len(self._newest)

    @overload
    def __getitem__(self, index: int) -> Change: ...

    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...

    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self._at(number) for number in numbers]
        return self._at(numbers)

    def _at(self, number: int) -> Change:
        if number >= self._stored:
            return self._newest[number - self._stored]
        [change] = self._read(number, 1)
        return change

    def __iter__(self) -> Iterator[Change]:
        for number in range(0, self._stored, MOST):
            yield from self._read(number, MOST)
        yield from self._newest

    def _read(self, number: int, count: int) -> Iterable[Change]:
        rows = self._file().execute(
            'SELECT number, kind, path, item FROM change WHERE number >= ? '
            'ORDER BY number LIMIT ?', (number, count)).fetchall()
        for number, kind, path, item in rows:
            yield self._odd[number] if kind is None else Change(
                kind, stored_path(path),
                Subset() if item is None else stored_value(item))


def _text(item: Any) -> str | None:
    """Return an item as JSON; None for a subset, which is empty here."""
    return None if isinstance(item, Subset) else encode_value(item).decode()
