"""The client's copy of a set, in an SQLite file.

What a kill and a power failure may do
    An answer and its generation are one transaction, so the file has the
    state before or after an answer, never between.  The file is in WAL mode:
    a transaction that was committed survives the death of the process.  But
    nobody waits until the disk has it (``synchronous=NORMAL``), so a power
    failure may lose the latest answers, with their generations.  That is
    harmless: the replica asks from its older generation, and what it lost
    comes, and is reported, again.  A sync of the disk for each answer would
    cost too much.

Two tables
    ``replica`` has one row.  Its ``parts`` is NULL for a whole tree, or else a
    JSON array of pairs, the path and the generation of each part.  ``entry``
    has a row for each item and subset: the number of its set, its id, and the
    item as JSON.  The set at the top has the number 0; a subset has the
    position at which it was first put.  Positions grow: what was put last
    comes last.  After an answer with
    contents, rows that are still at an older position weren't listed, so they
    go.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Change,
    Position,
    Subset,
    Updates,
    check_answer,
    check_fits,
    check_whole,
    fitting_parts,
    read,
)
from zc.generationalset.parts import Path, lowest
from zc.generationalset.replica.echo import is_echo
from zc.generationalset.replica.sqlite_file import open_file
from zc.generationalset.replica.sqlite_items import (
    StoredSet,
    damaged,
    parts_text,
    stored_id,
    stored_parts,
    stored_value,
)
from zc.generationalset.wire import encode_id, encode_value

#: Types of the only row of ``replica``.
_STATES = [[[int, epoch, int, parts]] for epoch in (str, type(None))
           for parts in (str, type(None))]

#: Seconds to wait for other processes, such as for one that stores an answer
#: with a million items.
_PATIENCE = 60

_ROOT = 0
#: A position before all rows.
_NO_ROW = 0


class SQLiteReplica:
    """A copy of a tree of sets in a file, of any size.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), 'things.sqlite')
    >>> with SQLiteReplica(path) as replica:
    ...     replica.apply({'epoch': 'a', 'since': 0, 'generation': 3,
    ...                    'contents': [('ann', {'age': 42})]})
    [Change(kind='added', path=('ann',), item={'age': 42})]
    >>> with SQLiteReplica(path) as replica:
    ...     replica.generation, replica.epoch, dict(replica.items)
    (3, 'a', {'ann': {'age': 42}})

    Processes on one machine may share the file; it has to be on a local disk.
    Threads may share a replica if they use it one at a time.

    path
        The file; it is made if there is none.

    Raises ValueError for a file of something else, or of a newer release, and
    leaves it as it is.  Raises sqlite3.OperationalError if the file can't be
    opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._database = open_file(path, _PATIENCE)

    @property
    def generation(self) -> int:
        """The generation to present."""
        return self._state().position.generation

    @property
    def epoch(self) -> str | None:
        """The history that the generation belongs to."""
        return self._state().position.epoch

    def _state(self) -> _State:
        rows = self._database.execute(
            'SELECT generation, epoch, last, parts FROM replica LIMIT 2'
            ).fetchall()
        if [[*map(type, row)] for row in rows] not in _STATES:
            raise damaged('one generation, epoch and position', rows)
        [(generation, epoch, last, parts)] = rows
        return _State(Position(epoch, generation), last,
                      None if parts is None else stored_parts(parts))

    @property
    def parts(self) -> dict[Path, int] | None:
        """The parts of the tree that this has; see ``Replica.parts``."""
        return self._state().parts

    @property
    def items(self) -> StoredSet:
        """Items by id; the item that changed last comes last."""
        return StoredSet(self._database, _ROOT)

    def apply(self, updates: Mapping[str, Any]) -> list[Change]:
        """Apply an answer, and return what it changed here, in order.

        O(log n) for each entry of the answer; with ``contents``, O(n).  Needs
        memory for the changes.  ``adds`` and ``contents`` are read while they
        are stored, and other processes wait.

        The changes are those of ``Replica.apply``, except that the ``Subset``
        of a change is empty.

        updates
            From ``wire.decode``, or ``client_updates`` of a set: an answer to
            this replica's generation and epoch, or to an earlier one, if it
            leads at least as far.

        Raises Misfit for an answer that doesn't fit, also if another process
        was faster; ValueError for what isn't an answer; and TypeError for an
        item that can't be JSON.  Then nothing is changed.
        """
        answer = check_answer(updates)
        with self._database.transaction():
            state = self._state()
            writer = _Writer(self._database, state.last)
            parts: dict[Path, int] | None = None
            if 'parts' in answer:
                parts = _apply_parts(writer, answer, state)
            else:
                check_whole(answer, state.parts)
                check_fits(answer, state.position)
                change = writer.replace if 'reset' in answer else writer.update
                change(_ROOT, read(answer), ())
            generation = answer['generation'] if parts is None else lowest(
                parts)
            self._store(Position(answer['epoch'], generation), writer, parts)
        return writer.changes

    def drop(self, path: Path) -> list[Change]:
        """Forget a part; see ``Replica.drop``."""
        with self._database.transaction():
            state = self._state()
            parts = state.parts or {}
            del parts[path]
            writer = _Writer(self._database, state.last)
            writer.drop(path)
            position = Position(state.position.epoch, lowest(parts))
            self._store(position if parts else NOTHING, writer, parts)
        return writer.changes

    def _store(
            self, position: Position, writer: _Writer,
            parts: dict[Path, int] | None) -> None:
        self._database.execute(
            'UPDATE replica SET generation = ?, epoch = ?, last = ?, '
            'parts = ?', (position.generation, position.epoch, writer.last + 1,
                          parts_text(parts) if parts else None))

    def close(self) -> None:
        """Close the file; the replica can't be used any more."""
        self._database.close()

    def __enter__(self) -> SQLiteReplica:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _State(NamedTuple):
    position: Position
    #: The highest position that any row has had.
    last: int
    parts: dict[Path, int] | None


def _apply_parts(
        writer: _Writer, answer: Answer, state: _State) -> dict[Path, int]:
    """Apply an answer with parts, and return what parts there are then."""
    fitting = fitting_parts(answer, state.position, state.parts)
    parts = {part['path']: answer['generation'] for part in fitting}
    change = writer.update
    if 'reset' in answer:
        for path in (state.parts or {}).keys() - parts:
            writer.drop(path)
        change = writer.replace
    else:
        parts = {**(state.parts or {}), **parts}
    for part in fitting:
        path = part['path']
        change(writer.part(path), read(part), path)
    return parts


class _Row(NamedTuple):
    position: int
    #: The JSON of the item; None for a subset.
    item: Any
    #: The number of the subset; None for an item.
    subset: Any


class _Writer:
    """Applies an answer to the items of sets, in a transaction."""

    def __init__(self, database: sqlite3.Connection, last: int) -> None:
        self._database = database
        #: The highest position that any row has had.
        self.last = last
        self.changes: list[Change] = []

    def update(
            self, number: int, updates: Updates, path: tuple[Any, ...],
    ) -> None:
        """Change the items of a set as its updates say."""
        start = self.last
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
        start = self.last
        self._enter(number, updates, path, start)
        self._remove_until(number, start, path)

    def part(self, path: Path) -> int:
        """Return the number of a part; make it if it isn't there."""
        number = _ROOT
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
        """Remove the items of a set at or before a position."""
        found = self._database.execute(
            'SELECT id, position, item, subset FROM entry '
            'WHERE parent = ? AND position <= ?', (number, position))
        for key, *row in found.fetchall():
            self._note_removed(_Row(*row), (*path, stored_id(key)))
        self._database.execute(
            'DELETE FROM entry WHERE parent = ? AND position <= ?',
            (number, position))

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
        self.changes.append(Change(kind, path, item))
