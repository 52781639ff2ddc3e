"""Records: changes that aren't in the B-trees yet, and their index."""

from __future__ import annotations

import enum
import io
import pickle
from typing import Any, NoReturn, TypeAlias

import persistent

from zc.generationalset.sets import zeo


class _Marker(enum.Enum):
    GONE = 'in place of an object: the id was removed'
    MISSING = 'no such object'


GONE, MISSING = _Marker

Path: TypeAlias = 'tuple[Any, ...]'
#: A path of subset ids, the id, the change of length (1, 0 or -1), the
#: generation of the id's previous change (0 if there is none), and the object.
#: For a removal, instead of the object, the number of removals that the set
#: remembers.
Record: TypeAlias = 'tuple[Path, Any, int, int, Any]'


class _NotPlain(Exception):
    pass


class _PlainPickler(pickle.Pickler):
    """Pickles only objects that are made of strings, numbers and tuples."""

    def reducer_override(self, ob: object) -> NoReturn:
        raise _NotPlain


def pack(records: tuple[Record, ...]) -> dict[str, Any]:
    """Return records as the state of a persistent object.

    ZODB calls a function for each object in a pickle, to find persistent
    objects.  Ids are many, and hardly ever persistent, so they are pickled
    apart.  That halves the time of a commit, and of a conflict.
    """
    ids: Any = tuple([record[:-1] for record in records])
    out = io.BytesIO()
    try:
        _PlainPickler(out, 3).dump(ids)
        ids = out.getvalue()
    except _NotPlain:
        pass  # ZODB must look at each of them
    return {'ids': ids, 'objects': tuple([record[-1] for record in records])}


def unpack(state: dict[str, Any]) -> tuple[Record, ...]:
    """Return the records in a state that ``pack`` made, if there are any."""
    ids = state.get('ids', ())
    if isinstance(ids, bytes):
        ids = pickle.loads(ids)  # noqa: S301, in a pickle of ZODB anyway
    objects = state.get('objects', ())
    return tuple([(*id, ob) for id, ob in zip(ids, objects, strict=True)])


class Recorder(persistent.Persistent):
    """An object that keeps records of the changes after a generation."""

    start: int
    records: tuple[Record, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        zeo.order_for(self._p_jar)
        state: dict[str, Any] = super().__getstate__()
        records = state.pop('records', ())
        if records:
            state.update(pack(records))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        state['records'] = unpack(state)
        state.pop('ids', None)
        state.pop('objects', None)
        super().__setstate__(state)

    @property
    def index(self) -> Index:
        """An index of the records."""
        index: Index | None = getattr(self, '_v_index', None)
        if index is None or index.records is not self.records:
            self._v_index = index = Index(self.start, self.records)
        return index


class SetIndex:
    """An index of the records of one set."""

    __slots__ = 'bound', 'entries', 'length', 'subsets', 'superseded'

    def __init__(self) -> None:
        #: id -> (generation, object), the oldest change first.  The object is
        #: GONE for a removed id.  It is MISSING for a subset in which
        #: something changed: the B-trees have that subset.
        self.entries: dict[Any, tuple[int, Any]] = {}
        #: Generations in the B-trees whose entries changed later.  Records
        #: have them, because looking them up would load much of a B-tree.
        self.superseded: set[int] = set()
        #: Ids of subsets in which something changed.
        self.subsets: set[Any] = set()
        #: The change of length.
        self.length = 0
        #: The number of removals that the set remembers.
        self.bound = 0

    def set(self, id: Any, generation: int, ob: Any) -> None:
        self.entries.pop(id, None)  # so that the latest change comes last
        self.entries[id] = generation, ob


_NO_SET_RECORDS = SetIndex()


class Index:
    """An index of records: for each path, the SetIndex of its set."""

    def __init__(self, base: int, records: tuple[Record, ...]) -> None:
        self.sets: dict[Path, SetIndex] = {}
        for generation, record in enumerate(records, base + 1):
            self._note(generation, record)
        self.records = records

    def append(self, generation: int, record: Record) -> None:
        self._note(generation, record)
        self.records += (record,)

    def at(self, path: Path) -> SetIndex:
        return self.sets.get(path, _NO_SET_RECORDS)

    def _note(self, generation: int, record: Record) -> None:
        path, id, change, previous, ob = record
        index = self._made(path)
        if change < 0:
            index.bound, ob = ob, GONE
        index.length += change
        index.superseded.add(previous)
        index.set(id, generation, ob)
        for depth in range(len(path)):
            superset = self._made(path[:depth])
            superset.set(path[depth], generation, MISSING)
            superset.subsets.add(path[depth])

    def _made(self, path: Path) -> SetIndex:
        index = self.sets.get(path)
        if index is None:
            index = self.sets[path] = SetIndex()
        return index


NO_RECORDS = Index(0, ())
