"""Writing answers into the tables of an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

from zc.generationalset.answers import Subset
from zc.generationalset.parts import Path
from zc.generationalset.replica.changes import Changes
from zc.generationalset.replica.echo import is_echo
from zc.generationalset.replica.sqlite_items import (
    StoredSet,
    stored_id,
    stored_value,
)
from zc.generationalset.updates import Lacking, Updates
from zc.generationalset.wire import encode_id, encode_value

#: The number of the set at the top.
ROOT = 0
#: A position before all rows.
_NO_ROW = 0
#: How many rows are read at a time.
_PAGE = 100


class _Row(NamedTuple):
    position: int
    #: The JSON of the item; None for a subset.
    item: Any
    #: The number of the subset; None for an item.
    subset: Any


class Writer:
    """Applies an answer, or a page, to the items of sets, in a transaction.

    last
        The highest position that any row has had.
    start
        For a page, that position when the first page was begun.
    """

    def __init__(
            self, database: sqlite3.Connection, last: int,
            start: int | None = None) -> None:
        self._database = database
        self.last = last
        self.start = start
        self.changes = Changes()

    def update(
            self, number: int, updates: Updates, path: tuple[Any, ...],
    ) -> None:
        """Change the items of a set as its updates say."""
        self._keep(number, updates.kept)
        start = self.last if self.start is None else self.start
        for id in updates.removals:
            row = self._find(number, encode_id(id).decode())
            if row is not None:
                self._remove(row, (*path, id))
        self._enter(number, updates, path, _NO_ROW)
        if updates.whole:
            self._remove_until(number, start, path)

    def replace(
            self, number: int, updates: Updates, path: tuple[Any, ...],
    ) -> None:
        """Make the items of a set those that updates list, and no others.

        The server says that the client has none of these.  The items that are
        here only serve to find what changes.
        """
        if updates.kept:
            raise Lacking
        start = self.last
        self._enter(number, updates, path, start)
        self._remove_until(number, start, path)

    def part(self, path: Path) -> int:
        """Return the number of a part; make it if it isn't there."""
        number = ROOT
        for depth, id in enumerate(path):
            key = encode_id(id).decode()
            row = self._find(number, key)
            number = row.subset if row else self._put_subset(
                number, key, None, path[:depth + 1])
        return number

    def drop(self, path: Path) -> None:
        """Remove a part, and the sets above it that have nothing else."""
        number = self.part(path[:-1])
        row = self._find(number, encode_id(path[-1]).decode())
        if row is not None:
            if len(path) > 1 and len(StoredSet(self._database, number)) == 1:
                self.drop(path[:-1])
            else:
                self._remove(row, path)

    def empty(self) -> None:
        """Remove everything."""
        self.forget_kept()
        self._remove_until(ROOT, self.last, ())

    def _enter(
            self, number: int, updates: Updates, path: tuple[Any, ...],
            stale: int) -> None:
        """Put the entries of updates.

        Subsets that are still at a position up to ``stale`` are replaced, not
        updated.
        """
        for id, ob in updates.entries:
            key = encode_id(id).decode()
            row = self._find(number, key)
            there = (*path, id)
            if isinstance(ob, Updates):
                subset = self._put_subset(number, key, row, there)
                is_stale = row is not None and row.position <= stale
                change = self.replace if is_stale else self.update
                change(subset, ob, there)
            else:
                self._put(number, key, row, there, ob)

    def forget_kept(self) -> None:
        """Forget which rows stay, in the end or when pages begin anew."""
        self._database.execute('DELETE FROM kept')

    def _keep(self, number: int, ids: Collection[Any]) -> None:
        """Remember that rows stay.  Raises Lacking if one isn't there."""
        if not ids:
            return
        kept = self._database.executemany(
            'INSERT OR REPLACE INTO kept '
            'SELECT position FROM entry WHERE parent = ? AND id = ?',
            ((number, encode_id(id).decode()) for id in ids))
        if kept.rowcount < len(ids):
            raise Lacking

    def _find(self, number: int, key: str) -> _Row | None:
        row = self._database.execute(
            'SELECT position, item, subset FROM entry '
            'WHERE parent = ? AND id = ?', (number, key)).fetchone()
        return None if row is None else _Row(*row)

    def _put(
            self, number: int, key: str, row: _Row | None,
            path: tuple[Any, ...], item: Any) -> None:
        """Put an item at the end."""
        text = encode_value(item).decode()
        if row is not None and row.subset is not None:
            self._remove(row, path)
            row = None
        if row is None:
            self._note('added', path, item)
        elif text != row.item and not is_echo(
                stored_value(row.item), stored_value(text)):
            self._note('changed', path, item)
        self._put_last(number, key, row, text, None)

    def _put_subset(
            self, number: int, key: str, row: _Row | None,
            path: tuple[Any, ...]) -> int:
        """Put a subset at the end, and return its number."""
        if row is not None and row.subset is None:
            self._remove(row, path)
            row = None
        if row is None:
            self._note('added', path, Subset())
        subset: int = self.last + 1 if row is None else row.subset
        self._put_last(number, key, row, None, subset)
        return subset

    def _put_last(
            self, number: int, key: str, row: _Row | None, item: str | None,
            subset: int | None) -> None:
        self.last += 1
        if row is None:
            self._database.execute(
                'INSERT INTO entry VALUES (?, ?, ?, ?, ?)',
                (self.last, number, key, item, subset))
        else:
            self._database.execute(
                'UPDATE entry SET position = ?, item = ? WHERE position = ?',
                (self.last, item, row.position))

    def _remove(self, row: _Row, path: tuple[Any, ...]) -> None:
        self._note_removed(row, path)
        self._database.execute(
            'DELETE FROM entry WHERE position = ?', (row.position,))

    def _remove_until(
            self, number: int, position: int, path: tuple[Any, ...]) -> None:
        """Remove the items of a set at or before a position, but kept ones."""
        last = _NO_ROW
        while rows := self._database.execute(
                'SELECT id, position, item, subset FROM entry '
                'WHERE parent = ? AND position > ? AND position <= ? '
                'AND position NOT IN (SELECT position FROM kept) '
                'ORDER BY position LIMIT ?',
                (number, last, position, _PAGE)).fetchall():
            for key, last, *row in rows:
                self._remove(_Row(last, *row), (*path, stored_id(key)))

    def _note_removed(self, row: _Row, path: tuple[Any, ...]) -> None:
        """Report that a row goes, and remove what its subset has."""
        if row.subset is None:
            self._note('removed', path, stored_value(row.item))
            return
        self._note('removed', path, Subset())
        self._database.execute(
            # In a damaged file, UNION ALL could run in a circle.
            'WITH RECURSIVE gone (number) AS (VALUES (?) UNION '
            'SELECT subset FROM entry JOIN gone ON parent = number '
            'WHERE subset IS NOT NULL) '
            'DELETE FROM entry WHERE parent IN (SELECT number FROM gone)',
            (row.subset,))

    def _note(self, kind: str, path: tuple[Any, ...], item: Any) -> None:
        self.changes.note(kind, path, item)
