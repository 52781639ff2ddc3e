"""The journal: the latest changes of a tree, and its conflicts.

Every change of a tree writes its journal, one small object at the root.  If
two transactions change different ids at the same time, the storage calls
``_p_resolveConflict``.  That puts the records of the later transaction behind
those that were committed first, and so gives them new generations.

The whole journal is written with every commit, and read three times in every
conflict, so it must be small.  A *checkpoint*, which moves records into the
B-trees, writes many buckets, so it should be rare.  Therefore records go from
the journal to its *backlog*, some at a time, and from there to the B-trees,
many at a time.
"""

from __future__ import annotations

from typing import Any

from ZODB.POSException import ConflictError

from zc.generationalset.sets import transactions
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.btrees import absorb
from zc.generationalset.sets.records import (
    NO_RECORDS,
    Index,
    Path,
    Record,
    Recorder,
    pack,
    unpack,
)

#: The least number of records that are moved to the backlog at a time.
SLICE = 16
#: If writers compete, so many of the newest records stay.  So a transaction
#: that began before them can still be compared with them.
KEEP = 10
#: Competing writers take turns.  A writer that doesn't take its turn for so
#: many generations loses it.  (A checkpoint takes long on a slow network.)
PATIENCE = 64
#: If there are this many records, any writer moves them.
TOO_MANY = 128
#: Writers count as competing for so many generations after a conflict.
MEMORY = 200
#: A backlog with this many records goes to the B-trees.
BACKLOG = 96
#: A journal with more bytes than this goes to the backlog, and such a backlog
#: to the B-trees, whatever the number of records, because objects that aren't
#: persistent are stored in them.
MAXIMUM_BYTES = 8192
#: A transaction with more changes writes the rest to the B-trees.
BULK = 256


class Backlog(Recorder):
    """Records after the last checkpoint and before those of the journal."""

    __module__ = 'zc.generationalset'  # for pickles

    def append(
            self, root: BaseSet, start: int, records: tuple[Record, ...],
    ) -> None:
        """Add records; if there are many, make a checkpoint."""
        if (len(self.records) >= BACKLOG
                or self._p_estimated_size > MAXIMUM_BYTES):
            self.checkpoint(root)
        if not self.records:
            self.start = start
        self.records += records

    def checkpoint(self, root: BaseSet) -> None:
        """Move all records into the B-trees."""
        if self.records:
            absorb(root, self.index)
            self.records = ()


class Journal(Recorder):
    """The generation of a tree, and its latest changes."""

    __module__ = 'zc.generationalset'

    #: Older records that aren't in the B-trees yet.
    backlog: Backlog | None = None
    #: Generations up to this one were handed out, so they must not change.
    fixed = 0
    #: The generation at which a conflict was last resolved.
    resolved: int | None = None
    #: The connection that moves the next records, and since when.
    turn: tuple[int, int] | None = None

    def __init__(self, start: int) -> None:
        self.start = start

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self._p_jar is None and self.backlog is not None:
            # In a copy, in memory, records may change their places.
            self.records = self.backlog.records + self.records
            self.start -= len(self.backlog.records)
            self.backlog = None

    @property
    def generation(self) -> int:
        return self.start + len(self.records)

    def hand_out(self) -> int:
        """Return the generation to a caller that may tell a client."""
        generation = self.start + len(self.records)
        if self._p_jar is not None:
            began = transactions.began(self)
            if began is not None and generation > max(began, self.fixed):
                self.fixed = generation
                transactions.fix_at_commit(self)
        return generation

    # Contents

    @property
    def base(self) -> int:
        """The last checkpoint: everything up to here is in the B-trees."""
        backlog = self.backlog
        if backlog is None or not backlog.records:
            return self.start
        return backlog.start

    def layers(self) -> list[Index]:
        """Return the indexes of journal and backlog, the latest first."""
        backlog = self.backlog
        if backlog is None or not backlog.records:
            return [self.index] if self.records else []
        return [self.index, backlog.index]

    @property
    def full_index(self) -> Index:
        """An index of all records, with those of the backlog."""
        backlog = self.backlog
        if backlog is None or not backlog.records:
            return self.index
        return self._index_with(backlog, backlog.start)

    def index_since(self, generation: int) -> Index | None:
        """Return an index that has all records after a generation.

        None if some of them are in the B-trees already.
        """
        if generation >= self.start:
            return self.index
        backlog = self.backlog
        if (backlog is None or generation < backlog.start
                or not backlog.records):
            return None
        return self._index_with(backlog, generation)

    def _index_with(self, backlog: Backlog, generation: int) -> Index:
        """Return an index that has all records after a generation.

        It is kept, and has no more than that at first: most clients are only a
        few changes behind.
        """
        older, newer, base, index = getattr(
            self, '_v_index_with_backlog', (None, None, 0, NO_RECORDS))
        if (older is not backlog.records or newer is not self.records
                or base > generation):
            older, newer = backlog.records, self.records
            index = Index(
                generation, older[generation - backlog.start:] + newer)
            self._v_index_with_backlog = older, newer, generation, index
        result: Index = index
        return result

    # Index

    def is_direct(self) -> bool:
        """Tell whether changes go straight to the B-trees."""
        return self._p_jar is None or self.start > transactions.begin(self)

    def is_bulk(self) -> bool:
        return self.generation - transactions.begin(self) >= BULK

    def append(self, root: BaseSet, record: Record) -> None:
        """Add a record; if there is little room, make room before."""
        self._make_room(root)
        path = record[0]
        if path:
            record = self._same_path(path), *record[1:]
        index = self.index
        index.append(self.generation + 1, record)
        self.records = index.records

    def _same_path(self, path: Path) -> Path:
        """Return an equal path that is here, so that it is pickled once."""
        for other, *_ in self.records:
            if other == path:
                return other
        return path

    def _make_room(self, root: BaseSet) -> None:
        began = transactions.begin(self)
        committed = began - self.start
        if committed <= 0:
            return
        if self._p_estimated_size > MAXIMUM_BYTES:
            self._move(root, began)
        elif self.resolved is None or began - self.resolved > MEMORY:
            if committed >= SLICE:
                self._move(root, began)
        elif committed >= SLICE + KEEP and (
                self._is_my_turn(began) or committed >= TOO_MANY):
            self._move(root, began - KEEP)

    def _is_my_turn(self, began: int) -> bool:
        """Tell whether it is this connection's turn to move records.

        If several connections moved records at once, all but one would
        conflict.  So the first connection that sees that a move is due asks
        for the turn, and moves the records in its next transaction.  If that
        takes too long, another connection asks for the turn.
        """
        me = transactions.token(self._p_jar)
        if self.turn is not None:
            token, generation = self.turn
            if token == me and generation <= began:
                return True
            if began - generation < PATIENCE:
                return False
        self.turn = me, began + 1
        return False

    def _move(self, root: BaseSet, upto: int) -> None:
        """Move records to the backlog, which fixes their numbers."""
        count = upto - self.start
        if self.backlog is None:
            self.backlog = Backlog()
        self.backlog.append(root, self.start, self.records[:count])
        self.records = self.records[count:]
        self.start = upto
        self.turn = None

    def skip(self, generation: int) -> None:
        """Go on after a generation; there must be no records."""
        if self.start < generation:
            self.start = generation

    def settle(self, root: BaseSet) -> None:
        """Move all records into the B-trees, which fixes their numbers."""
        if self._p_jar is not None:
            transactions.begin(self)
        if self.records:
            self._move(root, self.generation)
        if self.backlog is not None:
            self.backlog.checkpoint(root)

    # Conflicts

    def _p_resolveConflict(
            self, old: dict[str, Any], committed: dict[str, Any],
            new: dict[str, Any]) -> dict[str, Any]:
        """Put this transaction's records behind those committed meanwhile.

        This runs in the storage, maybe on another machine.  There, objects are
        only references, so only ids can be compared.
        """
        ancestor = _Side(old).generation
        theirs, mine = _Side(committed), _Side(new)
        if min(theirs.generation, mine.generation) < ancestor:
            raise ConflictError('undo: a generation would fall')
        if new.get('fixed', 0) > ancestor:
            raise ConflictError('a new generation was handed out')
        if max(theirs.start, mine.start) > ancestor:
            raise ConflictError('new records were moved')
        if old['start'] not in (theirs.start, mine.start):
            raise ConflictError('both transactions moved records')
        later = theirs.since(ancestor)
        _compare(later, mine.since(ancestor))
        ahead = theirs if theirs.start > mine.start else mine
        asking = new if committed.get('turn') == old.get('turn') else committed
        return {
            **ahead.state,
            **pack(theirs.since(ahead.start)
                   + _put_behind(later, mine.since(ancestor), ancestor)),
            'turn': asking.get('turn'),
            'resolved': theirs.generation,
        }


def _put_behind(
        theirs: tuple[Record, ...], mine: tuple[Record, ...], ancestor: int,
) -> tuple[Record, ...]:
    """Return the records of one side, to be put after the other's."""
    paths = {record[0]: record[0] for record in theirs}
    return tuple([
        (paths.get(path, path), id, change,
         previous + len(theirs) if previous > ancestor else previous, ob)
        for path, id, change, previous, ob in mine])


class _Side:
    """One of the states that meet in a conflict."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.start: int = state['start']
        self.records = unpack(state)
        self.generation = self.start + len(self.records)

    def since(self, generation: int) -> tuple[Record, ...]:
        return self.records[generation - self.start:]


def _compare(
        theirs: tuple[Record, ...], mine: tuple[Record, ...]) -> None:
    """Raise ConflictError if two transactions can't both be right."""
    for path, id, *_ in mine:
        for other_path, other_id, *_ in theirs:
            if path == other_path and _same(id, other_id):
                raise ConflictError('both transactions changed an id')


def _same(id: Any, other: Any) -> bool:
    try:
        return not (id < other or other < id)
    except Exception as error:
        # Two ids that can't be compared can't be in one set.  A resolver must
        # raise only ConflictError: the storage would log any other error as
        # its own.
        raise ConflictError(f'ids that can not be compared: {error}') from None
