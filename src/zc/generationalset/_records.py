"""Records of changes: how they are stored, and an index of them."""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn, TypeAlias

import persistent

from zc.generationalset._settled import GONE, MISSING

Path: TypeAlias = 'tuple[Any, ...]'
#: Path of subset ids, id, change of length (1, 0 or -1), and the object; for
#: a removal, in place of the object, the bound of the log that it goes to.
Record: TypeAlias = 'tuple[Path, Any, int, Any]'


class _NotPlain(Exception):
    pass


class _PlainPickler(pickle.Pickler):
    """Pickles what is made of strings, numbers, tuples, and nothing else."""

    def reducer_override(self, ob: object) -> NoReturn:
        raise _NotPlain


def pack(records: tuple[Record, ...]) -> dict[str, Any]:
    """Return the state of a persistent object that keeps records.

    ZODB calls a function for every single object in a pickle, to find the
    persistent ones.  Ids are many and hardly ever among them, so they are
    pickled apart: that halves the time of a commit, and of a conflict.
    """
    ids: Any = tuple([record[:3] for record in records])
    out = io.BytesIO()
    try:
        _PlainPickler(out, 3).dump(ids)
        ids = out.getvalue()
    except _NotPlain:
        pass  # then ZODB must look at each of them
    return {'ids': ids, 'objects': tuple([record[3] for record in records])}


def unpack(state: dict[str, Any]) -> tuple[Record, ...]:
    """Return the records in a state that pack made, if any are."""
    ids = state.get('ids', ())
    if isinstance(ids, bytes):
        ids = pickle.loads(ids)  # noqa: S301, in a pickle of ZODB anyway
    objects = state.get('objects', ())
    return tuple([(*id, ob) for id, ob in zip(ids, objects, strict=True)])


class Recorder(persistent.Persistent):
    """An object that keeps records, of the changes after a generation."""

    start: int
    records: tuple[Record, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        records = state.pop('records', ())
        if records:
            state.update(pack(records))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        records = unpack(state)
        state.pop('ids', None), state.pop('objects', None)
        super().__setstate__({**state, 'records': records})

    @property
    def recent(self) -> Recent:
        """An index of the records."""
        recent: Recent | None = getattr(self, '_v_recent', None)
        if recent is None or recent.records is not self.records:
            self._v_recent = recent = Recent(self.start, self.records)
        return recent


class Recent:
    """What some records say, by path."""

    def __init__(self, base: int, records: tuple[Record, ...]) -> None:
        #: path -> id -> (generation, object), oldest change first.  The object
        #: is GONE for a removed id, and MISSING for a subset below which
        #: something changed: that one has to be had from the B-trees.
        self.changes: dict[Path, dict[Any, tuple[int, Any]]] = {}
        #: path -> change of length
        self.lengths: dict[Path, int] = {}
        #: path -> how many removals the set keeps
        self.bounds: dict[Path, int] = {}
        for generation, record in enumerate(records, base + 1):
            self._note(generation, record)
        self.records = records

    def append(self, generation: int, record: Record) -> None:
        self._note(generation, record)
        self.records += (record,)

    def _note(self, generation: int, record: Record) -> None:
        path, id, change, ob = record
        if change < 0:
            self.bounds[path], ob = ob, GONE
        if change:
            self.lengths[path] = self.lengths.get(path, 0) + change
        self._set(path, id, generation, ob)
        for depth in range(len(path)):
            self._set(path[:depth], path[depth], generation, MISSING)

    def _set(self, path: Path, id: Any, generation: int, ob: Any) -> None:
        changes = self.changes.get(path)
        if changes is None:
            changes = self.changes[path] = {}
        changes.pop(id, None)  # so that the latest change comes last
        changes[id] = generation, ob
