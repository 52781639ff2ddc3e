"""Answers: what changed since a generation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from zc.generationalset.answers import Answer, SubsetUpdates
from zc.generationalset.sets import facts
from zc.generationalset.sets.base import BaseSet, told_id
from zc.generationalset.sets.members import born, epoch, locate, tree_index
from zc.generationalset.sets.records import (
    GONE,
    MISSING,
    Index,
    Path,
    SetIndex,
)
from zc.generationalset.sets.view import (
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
    updates: dict[str, Any] = {'generation': current}
    if since <= current:
        updates.update(_news(gset, root, path, max(since, 0), keyed=False))
    return updates


def client_updates_since(
        gset: BaseSet, since: int, since_epoch: str | None,
        generation_of: Callable[[BaseSet], int]) -> Answer:
    """Return the answer of the protocol, with pairs of id and object."""
    root, path = locate(gset)
    current, current_epoch = generation_of(root), epoch(gset, root, path)
    answer: Answer = {
        'epoch': current_epoch, 'since': since, 'generation': current}
    came = born(gset) if path else 0
    if since and since_epoch != current_epoch:
        answer['since_epoch'] = since_epoch
        answer['reset'] = 'epoch'
    elif since > current:
        answer['reset'] = 'ahead'
    elif 0 < since < came:
        answer['reset'] = 'replaced'
    elif since:
        news = _news(gset, root, path, since, keyed=True)
        return cast(Answer, answer | news)
    reader = _KeyedReader(tree_index(gset, root), 0)
    return cast(Answer, answer | reader.contents(gset, path, came))


def _news(
        gset: BaseSet, root: BaseSet, path: Path, since: int, keyed: bool,
) -> dict[str, Any]:
    """Return what is newer, from as few objects of the database as possible.

    If the journal goes back far enough, only the journal is read.
    """
    journal = root._journal
    if journal is not None and not (path and facts.joined(gset) is None):
        if since >= journal.start:
            updates = _recorded(journal.index, path, since, keyed)
            if updates is not None:
                return updates
        if since >= journal.base:
            updates = _recorded(journal.full_index, path, since, keyed)
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
        if floor and since < oldest and len(removals) + len(adds) \
                > facts.length(gset) + index.length:
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

    def __len__(self) -> int:
        return sum(1 for _ in self)
