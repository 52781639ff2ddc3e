"""Answers: what changed since a generation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from zc.generationalset.answers import Answer, SubsetUpdates
from zc.generationalset.parts import Parts
from zc.generationalset.sets import facts
from zc.generationalset.sets.base import BaseSet, told_id
from zc.generationalset.sets.members import (
    born,
    epoch,
    get_entry,
    locate,
    tree_index,
)
from zc.generationalset.sets.records import (
    GONE,
    MISSING,
    Index,
    Path,
    SetIndex,
)
from zc.generationalset.sets.view import (
    count_since,
    ids_until,
    log_range,
    objects_since,
    pairs_since,
    removals_since,
)


def check_generation(generation: int) -> None:
    if not isinstance(generation, int):
        raise TypeError(
            f'expected a generation, an integer, got {generation!r}')


def updates_since(
        gset: BaseSet, since: int, generation_of: Callable[[BaseSet], int],
) -> dict[str, Any]:
    """Return what is newer than a generation.

    generation_of
        Called with the root; returns the generation that the client has then.
    """
    root, path = locate(gset)
    current = generation_of(root)
    if since > current:
        return {'generation': current}
    since = since if since > 0 else 0
    return {'generation': current, **_news(gset, root, path, since, False)}


def client_updates_since(
        gset: BaseSet, since: int, since_epoch: str | None,
        generation_of: Callable[[BaseSet], int], parts: Parts = (),
) -> Answer:
    """Return the answer of the protocol, with pairs of id and object."""
    root, path = locate(gset)
    answer = head(gset, since, since_epoch, generation_of(root))
    known = 0 if 'reset' in answer else since
    if parts:
        answer['parts'] = _parts(gset, root, path, parts, known)
        return answer
    if known:
        news = _news(gset, root, path, since, keyed=True)
        return cast(Answer, answer | news)
    reader = _KeyedReader(tree_index(gset, root), 0)
    came = born(gset) if path else 0
    return cast(Answer, answer | reader.contents(gset, path, came))


def head(
        gset: BaseSet, since: int, since_epoch: str | None, current: int,
) -> Answer:
    """Return the beginning of an answer, which says whether it is a reset."""
    root, path = locate(gset)
    answer: Answer = {
        'epoch': epoch(gset, root, path), 'since': since,
        'generation': current}
    if since and since_epoch != answer['epoch']:
        answer['since_epoch'] = since_epoch
        answer['reset'] = 'epoch'
    elif since > current:
        answer['reset'] = 'ahead'
    elif path and 0 < since < born(gset):
        answer['reset'] = 'replaced'
    return answer


def _parts(
        gset: BaseSet, root: BaseSet, path: Path, parts: Parts, since: int,
) -> list[dict[str, Any]]:
    """Return what is new in some subsets.

    Most have nothing new: then the journal has no records of them.
    """
    journal = root._journal
    index = None
    if journal is not None and since:
        index = journal.index_since(since)
    sets = None if index is None else index.sets
    return [
        {'path': ids} if sets is not None and _is_quiet(gset, path, ids, sets)
        else {'path': ids, **_part(gset, root, path, ids, since)}
        for ids in parts]


def _is_quiet(
        gset: BaseSet, path: Path, ids: Path, sets: Mapping[Path, SetIndex],
) -> bool:
    """Tell whether there are no records of a subset.

    Strings are stored in the same way in all sets of a tree.
    """
    return all(type(id) is str for id in ids) and (
        *path, *map(gset.stored_id, ids)) not in sets


def _part(
        gset: BaseSet, root: BaseSet, path: Path, ids: Path, since: int,
) -> dict[str, Any]:
    """Return what is new in the subset to which ids lead, if there is one.

    What isn't there is empty.  Without a record of when it went, nobody knows
    whether a client has something of it.
    """
    reader = _KeyedReader(tree_index(gset, root), since)
    for id in ids:
        changed, ob = _member(gset, id)
        if not isinstance(ob, BaseSet):
            gone = max(changed, born(gset), reader.floor(gset, path))
            return {} if 0 < since >= gone else {'contents': []}
        path = *path, told_id(gset, ob)
        gset = ob
    came = born(gset)
    if 0 < since >= came:
        return _news(gset, root, path, since, keyed=True)
    return reader.contents(gset, path, came)


def _member(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return an id's latest generation, or 0, and its object or MISSING."""
    try:
        return get_entry(gset, gset.stored_id(id))
    except TypeError:
        return 0, MISSING  # no set with these ids can have it


def _news(
        gset: BaseSet, root: BaseSet, path: Path, since: int, keyed: bool,
) -> dict[str, Any]:
    """Return what is newer, from as few objects of the database as possible.

    If the journal goes back far enough, only the journal is read.
    """
    journal = root._journal
    if journal is not None and not (path and facts.joined(gset) is None):
        index = journal.index_since(since)
        if index is not None:
            updates = _recorded(index, path, since, keyed)
            if updates is not None:
                return updates
    kind = _KeyedReader if keyed else _Reader
    return kind(tree_index(gset, root), since).updates(gset, path, born(gset))


def _recorded(
        index: Index, path: Path, since: int, keyed: bool,
) -> dict[str, Any] | None:
    """Return the updates from records, for a client that has all older ones.

    Return None if so many ids were removed that a set forgets some, because
    then the answer depends on all its contents.
    """
    updates: dict[str, Any] = {}
    records = index.sets.get(path)
    if records is None:
        return updates
    removals: list[Any] = []
    adds: list[Any] = []
    for id, (generation, ob) in reversed(records.entries.items()):
        if generation <= since:
            break
        if ob is GONE:
            removals.append(id)
        elif ob is MISSING:
            below = _recorded(index, (*path, id), since, keyed)
            if below is None:
                return None
            adds.append(SubsetUpdates(id=id, **below))
        else:
            adds.append((id, ob) if keyed else ob)
    if removals:
        if len(removals) >= records.bound:
            return None
        removals.reverse()
        updates['removals'] = removals
    if adds:
        adds.reverse()
        updates['adds'] = adds
    return updates


class _Reader:
    """Reads B-trees, and records on top of them, for a client's generation."""

    def __init__(self, index: Index, since: int) -> None:
        self._index = index
        self._since = since

    def floor(self, gset: BaseSet, path: Path) -> int:
        """Return the floor of a set."""
        return log_range(gset, self._index.at(path))[0]

    def updates(self, gset: BaseSet, path: Path, born: int) -> dict[str, Any]:
        """Return a set's removals and adds, or its contents if needed.

        born
            The generation at which the set came into this tree.  A client from
            before that has nothing of the set.
        """
        since = self._since if self._since >= born else 0
        index = self._index.at(path)
        floor, oldest = log_range(gset, index)
        if since < floor:
            return self.contents(gset, path, born)
        removals = removals_since(gset, since, index)
        adds = self._objects(gset, since, index)
        # A client below all remembered removals, but not below the floor, may
        # get either answer; it gets the shorter one.
        if floor and since < oldest and len(removals) + count_since(
                gset, since, index) > facts.length(gset) + index.length:
            return self.contents(gset, path, born)
        updates: dict[str, Any] = {}
        if removals:
            updates['removals'] = removals
        if adds:
            updates['adds'] = self._listed(
                adds, lambda ob: self._subset(ob, gset, path, born))
        return updates

    def contents(
            self, gset: BaseSet, path: Path, born: int) -> dict[str, Any]:
        """Return the contents of a set."""
        objects = self._objects(gset, 0, self._index.at(path))
        return {'contents': self._listed(
            objects, lambda ob: self._in_contents(ob, gset, path, born))}

    def _objects(self, gset: BaseSet, since: int, index: SetIndex) -> Any:
        return list(objects_since(gset, since, index))

    def _listed(
            self, objects: Any, updates_of: Callable[[BaseSet], Any]) -> Any:
        """Replace subsets by their updates."""
        return [updates_of(ob) if isinstance(ob, BaseSet) else ob
                for ob in objects]

    def _subset(
            self, subset: BaseSet, superset: BaseSet, path: Path, born: int,
    ) -> SubsetUpdates:
        id = told_id(superset, subset)
        born = max(born, facts.joined(subset) or 0)
        return SubsetUpdates(id=id, **self.updates(subset, (*path, id), born))

    def _in_contents(
            self, subset: BaseSet, superset: BaseSet, path: Path, born: int,
    ) -> SubsetUpdates:
        """Return the updates of a subset whose superset lists its contents.

        The superset may have forgotten the removal of another subset with this
        id.  Then the client still has that one.
        """
        joined = facts.joined(subset) or 0
        if self._since >= max(born, joined):
            return self._subset(subset, superset, path, born)
        id = told_id(superset, subset)
        return SubsetUpdates(
            id=id, **self.contents(subset, (*path, id), max(born, joined)))


class _KeyedReader(_Reader):
    """Reads pairs of id and object, and only when you iterate over them."""

    def contents(
            self, gset: BaseSet, path: Path, born: int) -> dict[str, Any]:
        """Return the contents of a set.

        A client from after ``born`` has what is not newer than itself.
        """
        since = self._since
        if not 0 < since >= born:
            return super().contents(gset, path, born)
        index = self._index.at(path)
        return {
            'contents': self._listed(
                self._objects(gset, since, index),
                lambda ob: self._in_contents(ob, gset, path, born)),
            'keep': _Entries(lambda: ids_until(gset, since, index))}

    def _objects(self, gset: BaseSet, since: int, index: SetIndex) -> Any:
        return _Entries(lambda: pairs_since(gset, since, index))

    def _listed(
            self, objects: Any, updates_of: Callable[[BaseSet], Any]) -> Any:
        return _Entries(lambda: (
            updates_of(ob) if isinstance(ob, BaseSet) else (id, ob)
            for id, ob in objects))


class _Entries:
    """Entries that are read each time you iterate over them.

    They aren't kept, because there may be a million.
    """

    def __init__(self, entries: Callable[[], Iterator[Any]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Any]:
        return self._entries()

    def __bool__(self) -> bool:
        return any(True for _ in self)
