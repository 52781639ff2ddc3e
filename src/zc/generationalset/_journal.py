"""The journal: recent changes of a tree of sets, resolving conflicts.

Every change of a tree writes its journal, one small object at the root.  If
two transactions change different ids at the same time, the storage calls
``_p_resolveConflict``, which puts the later transaction's records behind
those that were committed first, and thereby gives them new generations.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeAlias

import persistent
from transaction.interfaces import NoTransaction
from ZODB.POSException import ConflictError

from zc.generationalset._settled import GONE, MISSING

if TYPE_CHECKING:
    from zc.generationalset._tree import TreeMember

Path: TypeAlias = 'tuple[Any, ...]'
#: Path of subset ids, id, change of length (1, 0 or -1), and the object; for
#: a removal, in place of the object, the bound of the log that it goes to.
Record: TypeAlias = 'tuple[Path, Any, int, Any]'

#: With this many records a writer may checkpoint, with twice as many it must.
LIMIT = 32
#: The chance that it does.  If all writers did it at once, all but one of
#: them would conflict.
CHANCE = 1 / 8
#: The newest records stay, so that a transaction that began before them can
#: still be compared with what was committed meanwhile.
KEEP = 12
#: A stored journal with more bytes than this is checkpointed, whatever the
#: number of its records: objects that aren't persistent are stored in it.
MAXIMUM_BYTES = 8192
#: A transaction with more changes than this writes the others to the B-trees.
BULK = 256

_STARTS = object()


class Recent:
    """What a journal's records say, by path."""

    def __init__(self, base: int, records: tuple[Record, ...]) -> None:
        self.records: tuple[Record, ...] = ()
        #: path -> id -> (generation, object), oldest change first.  The object
        #: is GONE for a removed id, and MISSING for a subset below which
        #: something changed: that one has to be had from the B-trees.
        self.changes: dict[Path, dict[Any, tuple[int, Any]]] = {}
        self.lengths: dict[Path, int] = {}
        for generation, record in enumerate(records, base + 1):
            self._note(generation, record)
        self.records = records

    def append(self, generation: int, record: Record) -> None:
        self._note(generation, record)
        self.records += (record,)

    def _note(self, generation: int, record: Record) -> None:
        path, id, change, ob = record
        self._set(path, id, generation, GONE if change < 0 else ob)
        self.lengths[path] = self.lengths.get(path, 0) + change
        for depth in range(len(path)):
            self._set(path[:depth], path[depth], generation, MISSING)

    def _set(self, path: Path, id: Any, generation: int, ob: Any) -> None:
        changes = self.changes.setdefault(path, {})
        changes.pop(id, None)  # so that the latest change comes last
        changes[id] = generation, ob


class Journal(persistent.Persistent):
    """The generation of a tree, and its changes since the checkpoint."""

    #: Generations up to this one were handed out, and so must not change.
    fixed = 0
    #: The changes after ``base``, each one generation.
    records: tuple[Record, ...] = ()

    def __init__(self, base: int) -> None:
        #: The checkpoint: everything up to here is in the B-trees.
        self.base = base

    @property
    def generation(self) -> int:
        return self.base + len(self.records)

    @property
    def recent(self) -> Recent:
        recent: Recent | None = getattr(self, '_v_recent', None)
        if recent is None or recent.records is not self.records:
            self._v_recent = recent = Recent(self.base, self.records)
        return recent

    # The current transaction

    def started(self) -> int | None:
        """Return where this transaction's own changes start, if it has any.

        ``_p_changed`` doesn't tell: savepoints clear it.  Nor can the answer
        be kept here, since a savepoint lets go of changed objects.
        """
        if self._p_jar is None:
            return None
        try:
            data = self._p_jar.transaction_manager.get().data(_STARTS)
        except (KeyError, NoTransaction):
            return None
        start: int | None = data.get((self._p_jar, self._p_oid))
        return start

    def start(self) -> int:
        """Return the generation before this transaction's first change.

        Called before every change.
        """
        transaction = self._p_jar.transaction_manager.get()
        try:
            data = transaction.data(_STARTS)
        except KeyError:
            data = {}
            transaction.set_data(_STARTS, data)
        start: int = data.setdefault(
            (self._p_jar, self._p_oid), self.generation)
        return start

    def hand_out(self) -> int:
        """Return the generation, for somebody who may tell a client."""
        generation = self.generation
        start = self.started()
        if start is not None and generation > max(start, self.fixed):
            self.fixed = generation
        return generation

    # Changes

    def is_direct(self) -> bool:
        """Tell whether changes go straight to the B-trees."""
        return self._p_jar is None or self.base > self.start()

    def is_bulk(self) -> bool:
        return self.generation - self.start() >= BULK

    def append(self, root: TreeMember, record: Record) -> None:
        """Add a record, after a checkpoint if one is due."""
        self._make_room(root)
        path = record[0]
        if path:
            # One path, pickled once.
            record = next((other[0] for other in self.records
                           if other[0] == path), path), *record[1:]
        recent = self.recent
        recent.append(self.generation + 1, record)
        self.records = recent.records

    def _make_room(self, root: TreeMember) -> None:
        start, count = self.start(), len(self.records)
        if start <= self.base:
            return
        if self._p_estimated_size > MAXIMUM_BYTES:
            self.checkpoint(root, start)
        elif count >= LIMIT and (
                count >= 2 * LIMIT or random.random() < CHANCE):
            self.checkpoint(root, max(self.base, start - KEEP))

    def checkpoint(self, root: TreeMember, upto: int) -> None:
        """Move the records up to a generation into the B-trees."""
        count = upto - self.base
        if count:
            root._absorb(Recent(self.base, self.records[:count]))
            self.records = self.records[count:]
            self.base = upto

    def settle(self, root: TreeMember) -> None:
        """Move all records into the B-trees; their numbers are then fixed."""
        self.checkpoint(root, self.generation)

    # Conflicts

    def _p_resolveConflict(
            self, old: dict[str, Any], committed: dict[str, Any],
            new: dict[str, Any]) -> dict[str, Any]:
        """Put this transaction's records behind those committed meanwhile.

        This runs in the storage, perhaps on another machine: objects are
        references there, and ids are all that can be compared.
        """
        ancestor = _generation(old)
        theirs = _since(committed, ancestor)
        mine = _since(new, ancestor)
        if new.get('fixed', 0) > ancestor:
            raise ConflictError('a new generation was handed out')
        if old['base'] not in (committed['base'], new['base']):
            raise ConflictError('both transactions made a checkpoint')
        _compare(theirs, mine)
        base = max(committed['base'], new['base'])
        paths = {record[0]: record[0] for record in theirs}
        return {
            **committed, 'base': base,
            'records': (
                *_since(committed, base),
                *((paths.get(path, path), *rest) for path, *rest in mine)),
        }


def _generation(state: dict[str, Any]) -> int:
    generation: int = state['base'] + len(state.get('records', ()))
    return generation


def _since(state: dict[str, Any], generation: int) -> tuple[Record, ...]:
    """Return the records after a generation."""
    if _generation(state) < generation:
        raise ConflictError('a state from before the common one: an undo')
    if state['base'] > generation:
        raise ConflictError('new records were moved to the B-trees')
    records: tuple[Record, ...] = state.get('records', ())
    return records[generation - state['base']:]


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
        # Two ids that can't be compared can't be in one set.  Nothing else
        # may leave a resolver either: the storage would log it as its own.
        raise ConflictError(f'ids that can not be compared: {error}') from None
