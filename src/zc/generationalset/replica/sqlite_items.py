"""The sets in an SQLite file, as mappings."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any

from zc.generationalset.parts import Path
from zc.generationalset.wire import (
    Limits,
    decode_value,
    encode_id,
    encode_ids,
    id_from_plain,
    parse,
)

#: How many rows are read at a time.
_PAGE = 100

#: What is stored was within limits when it arrived.
_STORED = Limits(size=sys.maxsize, count=sys.maxsize)

#: Position, id, item, and number of the subset if it is one.
_Row = tuple[int, str, str | None, int]


def stored_id(text: str) -> Any:
    return id_from_plain(parse(text, _STORED))


def stored_value(text: str) -> Any:
    return decode_value(text, _STORED)


def stored_path(text: str) -> tuple[Any, ...]:
    return tuple(map(id_from_plain, parse(text, _STORED)))


def stored_parts(text: str) -> dict[Path, int]:
    """Return the parts in a text that ``parts_text`` made."""
    try:
        parts = {tuple(map(id_from_plain, path)): generation
                 for path, generation in parse(text, _STORED)}
    except (TypeError, ValueError):
        raise damaged('parts', text) from None
    if not all(isinstance(each, int) for each in parts.values()):
        raise damaged('generations of parts', text)
    return parts


def parts_text(parts: Mapping[Path, int]) -> str:
    return _array(f'[{encode_ids(path).decode()},{generation}]'
                  for path, generation in parts.items())


def damaged(expected: str, got: object) -> sqlite3.DatabaseError:
    """Return the error for a file with what can't be in a replica."""
    return sqlite3.DatabaseError(
        f'expected {expected}, got {str(got)[:100]}: the file is damaged; '
        'without it, everything is asked for again')


class StoredSet(Mapping[Any, Any]):
    """The items of a set by id; subsets are such mappings, too.

    Nothing is kept in memory: each look-up asks the file, in O(log n).
    ``len`` is O(n).  If the replica changes during an iteration, it raises
    RuntimeError; then begin again.
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
        item, subset = row
        return self._subset(subset) if item is None else stored_value(item)

    def _subset(self, number: Any) -> StoredSet:
        """Return a set within this one.

        Its number must be higher than this set's, so that readers never run in
        a circle.
        """
        if not isinstance(number, int) or number <= self._number:
            raise damaged(f'a subset in {self._number} with a higher number',
                          number)
        return StoredSet(self._database, number)

    def __len__(self) -> int:
        count: int = self._database.execute(
            'SELECT count(*) FROM entry WHERE parent = ?', (self._number,)
        ).fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Any]:
        for rows in self._pages():
            yield from _ids(rows)

    def items(self) -> ItemsView[Any, Any]:
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}, {len(self)} entries>'

    def _pages(self) -> Iterator[list[_Row]]:
        """Yield the rows in their order.

        Rows are read in pages, because an unfinished query would block the
        next answer.
        """
        position, version = 0, self._version()
        while True:
            rows = self._database.execute(
                'SELECT position, id, item, subset FROM entry '
                'WHERE parent = ? AND position > ? ORDER BY position LIMIT ?',
                (self._number, position, _PAGE)).fetchall()
            if self._version() != version:
                raise RuntimeError('expected the replica to stay as it is '
                                   'while its items are read, got an answer')
            yield rows
            if len(rows) < _PAGE:
                return
            position = rows[-1][0]

    def _values(self, rows: list[_Row]) -> list[Any]:
        """Return the items of a page; reading them together is faster."""
        values: list[Any] = stored_value(_array(
            'null' if item is None else item for _, _, item, _ in rows))
        for index, (_, _, item, subset) in enumerate(rows):
            if item is None:
                values[index] = self._subset(subset)
        return values

    def _version(self) -> Any:
        """Return a value that differs after each answer."""
        return self._database.execute('SELECT last FROM replica').fetchone()


class _Items(ItemsView[Any, Any]):
    """Items that are read in pages, not one by one."""

    _mapping: StoredSet

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for rows in self._mapping._pages():
            yield from zip(
                _ids(rows), self._mapping._values(rows), strict=True)


class _Values(ValuesView[Any]):

    _mapping: StoredSet

    def __iter__(self) -> Iterator[Any]:
        for rows in self._mapping._pages():
            yield from self._mapping._values(rows)


def _ids(rows: list[_Row]) -> list[Any]:
    ids = parse(_array(id for _, id, _, _ in rows), _STORED)
    return [id_from_plain(id) for id in ids]


def _array(texts: Iterable[str]) -> str:
    return f'[{",".join(texts)}]'
