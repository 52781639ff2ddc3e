"""What is in an SQLite file, as mappings."""

from __future__ import annotations

import sqlite3
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any

from zc.generationalset.wire import decode_id, decode_value, encode_id

#: How many rows are read at a time.
_PAGE = 500


class StoredSet(Mapping[Any, Any]):
    """The items of a set by id; subsets are such mappings, too.

    Nothing is kept in memory: each look-up asks the file, O(log n), for what
    is there now.  ``len`` is O(n).  Iterating raises RuntimeError if the
    replica changes meanwhile; begin again then.
    """

    __slots__ = '_database', '_number'

    def __init__(self, database: sqlite3.Connection, number: int) -> None:
        self._database = database
        self._number = number

    def __getitem__(self, id: Any) -> Any:
        try:
            key = encode_id(id).decode()
        except (TypeError, ValueError):
            raise KeyError(id) from None
        row = self._database.execute(
            'SELECT item, subset FROM entry WHERE parent = ? AND id = ?',
            (self._number, key)).fetchone()
        if row is None:
            raise KeyError(id)
        return self._item(*row)

    def _item(self, text: str | None, subset: int) -> Any:
        if text is None:
            return StoredSet(self._database, subset)
        return decode_value(text)

    def __len__(self) -> int:
        count: int = self._database.execute(
            'SELECT count(*) FROM entry WHERE parent = ?', (self._number,)
        ).fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Any]:
        for id, _, _ in self._rows():
            yield decode_id(id)

    def items(self) -> ItemsView[Any, Any]:
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}, {len(self)} entries>'

    def _rows(self) -> Iterator[tuple[str, str | None, int]]:
        """Yield ids, items and numbers of subsets.

        Page by page, as a query that isn't at its end would be in the way of
        the next answer.
        """
        position, version = 0, self._version()
        rows: list[tuple[int, str, str | None, int]] | None = None
        while rows is None or len(rows) == _PAGE:
            rows = self._database.execute(
                'SELECT position, id, item, subset FROM entry '
                'WHERE parent = ? AND position > ? ORDER BY position LIMIT ?',
                (self._number, position, _PAGE)).fetchall()
            if self._version() != version:
                raise RuntimeError('expected the replica to stay as it is '
                                   'while its items are read, got an answer')
            for _, id, item, subset in rows:
                yield id, item, subset
            if rows:
                position = rows[-1][0]

    def _version(self) -> Any:
        """Return what differs after each answer."""
        return self._database.execute('SELECT last FROM replica').fetchone()


class _Items(ItemsView[Any, Any]):
    """Items that are read by the page, not one by one."""

    _mapping: StoredSet

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for id, item, subset in self._mapping._rows():
            yield decode_id(id), self._mapping._item(item, subset)


class _Values(ValuesView[Any]):

    _mapping: StoredSet

    def __iter__(self) -> Iterator[Any]:
        for _, item, subset in self._mapping._rows():
            yield self._mapping._item(item, subset)
