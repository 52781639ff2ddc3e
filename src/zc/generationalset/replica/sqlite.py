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

Four tables
    ``replica`` has one row.  Its ``parts`` is NULL for a whole tree, or else a
    JSON array of pairs, the path and the generation of each part.  ``copy``
    has a row while pages are missing: what ``pages.Copy`` says, and the
    highest position when the copy began.  ``entry`` has a row for each item
    and subset: the number of its set, its id, and the item as JSON.  The set
    at the top has the number 0; a subset has the position at which it was
    first put.  Positions grow: what was put last comes last.  After an answer
    with contents, or the last page of some, rows that are still at an older
    position weren't listed, so they go, but for those whose positions are in
    ``kept``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Change,
    Position,
    check_answer,
    check_fits,
    check_whole,
    fitting_parts,
    is_page,
)
from zc.generationalset.pages import Copy, starts_over, turn
from zc.generationalset.parts import Path, lowest, parts_after
from zc.generationalset.replica.sqlite_file import open_file
from zc.generationalset.replica.sqlite_items import (
    StoredSet,
    damaged,
    parts_text,
    stored_parts,
)
from zc.generationalset.replica.sqlite_writer import ROOT, Writer
from zc.generationalset.updates import Lacking, read

#: Types of the only row of ``replica``.
_STATES = [[[int, epoch, int, parts]] for epoch in (str, type(None))
           for parts in (str, type(None))]
#: Types of the only row of ``copy``.
_COPIES = [[str, str, int, int]], [[str, type(None), int, int]]

#: Seconds to wait for other processes, such as for one that stores an answer
#: with a million items.
_PATIENCE = 60


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
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
        copy, _ = self._copy()
        return '' if copy is None else copy.cursor

    def _copy(self) -> tuple[Copy | None, int | None]:
        """Return how far a copy has come, and the position of its start."""
        rows = self._database.execute(
            'SELECT cursor, epoch, generation, start FROM copy LIMIT 2'
            ).fetchall()
        if not rows:
            return None, None
        if [[*map(type, row)] for row in rows] not in _COPIES:
            raise damaged('a cursor, epoch, generation and position', rows)
        [(*copy, start)] = rows
        return Copy(*copy), start

    @property
    def items(self) -> StoredSet:
        """Items by id; the item that changed last comes last."""
        return StoredSet(self._database, ROOT)

    def apply(self, updates: Mapping[str, Any]) -> Sequence[Change]:
        """Apply an answer, and return what it changed here, in order.

        O(log n) for each entry of the answer; with ``contents``, O(n).
        ``adds`` and ``contents`` are read while they are stored, and other
        processes wait.

        The changes are those of ``Replica.apply``, except that the ``Subset``
        of a change is empty.  More than a thousand changes aren't a list, but
        a sequence, most of which is in a temporary file.

        updates
            From ``wire.decode``, or ``client_updates`` of a set: an answer to
            this replica's generation and epoch, or to an earlier one, if it
            leads at least as far.

        Raises Misfit for an answer that doesn't fit, also if another process
        was faster; ValueError for what isn't an answer; and TypeError for an
        item that can't be JSON.  Then nothing is changed.
        """
        answer = check_answer(updates)
        try:
            return self._apply(answer)
        except Lacking:
            return self._start_over()

    def _apply(self, answer: Answer) -> Sequence[Change]:
        with self._database.transaction():
            state = self._state()
            copy, start = self._copy()
            if not is_page(answer):
                start = None
            elif 'cursor' not in answer:
                start = state.last
            writer = Writer(self._database, state.last, start)
            if 'cursor' not in answer:
                writer.forget_kept()
            self._change(answer, state, copy, writer)
        return writer.changes.result()

    def _start_over(self) -> Sequence[Change]:
        with self._database.transaction():
            writer = Writer(self._database, self._state().last)
            writer.empty()
            self._store(NOTHING, writer, None)
        return writer.changes.result()

    def _change(
            self, answer: Answer, state: _State, copy: Copy | None,
            writer: Writer) -> None:
        if 'parts' in answer:
            fitting = fitting_parts(answer, state.position, state.parts)
            if copy is not None:  # of the whole tree
                writer.empty()
            parts = _apply_parts(writer, answer, fitting, state.parts)
            self._store(
                Position(answer['epoch'], lowest(parts)), writer, parts)
            return
        check_whole(answer, state.parts)
        if is_page(answer):
            self._turn(answer, state.position, copy, writer)
            return
        check_fits(answer, state.position)
        change = writer.replace if starts_over(answer, copy) else writer.update
        change(ROOT, read(answer), ())
        self._store(
            Position(answer['epoch'], answer['generation']), writer, None)

    def _turn(
            self, answer: Answer, position: Position, before: Copy | None,
            writer: Writer) -> None:
        """Apply a page."""
        copy = turn(answer, position, before)
        if starts_over(answer, before):
            position = NOTHING
            writer.empty()
        writer.update(ROOT, read(answer), ())
        if copy.cursor:
            self._store(position, writer, None)
            self._database.execute(
                'INSERT INTO copy VALUES (?, ?, ?, ?)', (*copy, writer.start))
        else:
            self._store(Position(*copy[1:]), writer, None)

    def drop(self, path: Path) -> Sequence[Change]:
        """Forget a part; see ``Replica.drop``."""
        with self._database.transaction():
            state = self._state()
            parts = state.parts or {}
            del parts[path]
            writer = Writer(self._database, state.last)
            writer.drop(path)
            position = Position(state.position.epoch, lowest(parts))
            self._store(position if parts else NOTHING, writer, parts)
        return writer.changes.result()

    def _store(
            self, position: Position, writer: Writer,
            parts: dict[Path, int] | None) -> None:
        self._database.execute(
            'UPDATE replica SET generation = ?, epoch = ?, last = ?, '
            'parts = ?', (position.generation, position.epoch, writer.last + 1,
                          parts_text(parts) if parts else None))
        self._database.execute('DELETE FROM copy')

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
        writer: Writer, answer: Answer, fitting: Sequence[Mapping[str, Any]],
        held: dict[Path, int] | None) -> dict[Path, int]:
    """Apply an answer with parts, and return what parts there are then."""
    parts = parts_after(answer, [part['path'] for part in fitting], held)
    for path in (held or {}).keys() - parts:
        writer.drop(path)
    change = writer.replace if 'reset' in answer else writer.update
    for part in fitting:
        path = part['path']
        change(writer.part(path), read(part), path)
    return parts
