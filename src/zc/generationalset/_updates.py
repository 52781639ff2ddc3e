"""What changed since a generation, as dictionaries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from zc.generationalset._journal import Path, Recent, Record
from zc.generationalset._settled import GONE, SettledSet

if TYPE_CHECKING:
    from zc.generationalset._tree import TreeMember


class SubsetUpdates(dict[str, Any]):
    """The updates of a subset, among the items of its superset.

    Equal to, and printed as, a plain dictionary.  The class tells it from an
    item that happens to be a dictionary.
    """


def updates_since(member: TreeMember, since: int) -> dict[str, Any]:
    """Return everything in a set, or its tree, that is newer than ``since``.

    The journal alone answers if it goes back far enough.
    """
    root, path = member._locate()
    journal = root._journal
    if journal is None:
        return _Reader(Recent(0, ())).read(member, path, since)
    if since >= journal.generation:
        return {}
    if since >= journal.base:
        records = journal.records[since - journal.base:]
        updates = _from_records(path, records)
        if updates is not None:
            return updates
    return _Reader(journal.recent).read(member, path, since)


class _Node:
    """The changes of one set, while they are gathered, newest first."""

    __slots__ = 'seen', 'removals', 'adds', 'updates'

    def __init__(self, updates: dict[str, Any]) -> None:
        self.updates = updates
        self.seen: set[Any] = set()
        self.removals: list[Any] = []
        self.adds: list[Any] = []


def _from_records(
        path: Path, records: tuple[Record, ...]) -> dict[str, Any] | None:
    """Return the updates that records make, below a path.

    Return None if so many ids were removed that the log of a set forgets
    some: how to answer then depends on everything that is in the set.
    """
    skip = len(path)
    nodes: dict[Path, _Node] = {path: _Node({})}
    for record_path, id, change, ob in reversed(records):
        node = nodes.get(record_path)
        if node is None:
            if record_path[:skip] != path:
                continue
            node = _open(nodes, record_path)
        if id in node.seen:
            continue
        node.seen.add(id)
        if change < 0:
            node.removals.append(id)
            if len(node.removals) >= ob:
                return None
        else:
            node.adds.append(ob)
    for node in nodes.values():
        _put_lists(node.updates, node.removals[::-1], node.adds[::-1])
    return nodes[path].updates


def _open(nodes: dict[Path, _Node], path: Path) -> _Node:
    """Make a node for a subset, listed where its latest change is."""
    superset = nodes.get(path[:-1]) or _open(nodes, path[:-1])
    nodes[path] = node = _Node(SubsetUpdates(id=path[-1]))
    superset.adds.append(node.updates)
    return node


def _put_lists(
        updates: dict[str, Any], removals: list[Any], adds: list[Any],
) -> None:
    if removals:
        updates['removals'] = removals
    if adds:
        updates['adds'] = adds


class _Reader:
    """Reads B-trees, and what the journal says on top of them."""

    def __init__(self, recent: Recent) -> None:
        self._changes = recent.changes
        self._lengths = recent.lengths

    def read(
            self, member: TreeMember, path: Path, since: int,
    ) -> dict[str, Any]:
        born = max(superset._joined() or 0
                   for superset in member._supersets())
        updates: dict[str, Any] = {}
        self._fill(updates, member, path, since, born)
        return updates

    def _fill(
            self, updates: dict[str, Any], member: TreeMember, path: Path,
            since: int, born: int, whole: bool = False) -> None:
        """Add a set's removals and adds, or contents, to its updates.

        ``born`` is the generation at which the set came into this tree: a
        client from before that has nothing of it.
        """
        if since < born:
            since = 0
        changes = self._changes.get(path, {})
        floor, oldest = _log_range(member, changes)
        if not (whole or since < floor):
            removals = list(_removals_since(member, since, changes))
            adds = list(member._objects_since(since, changes))
            length = member._known_length() + self._lengths.get(path, 0)
            # A client that isn't below the floor, but below all removals
            # that are logged, may be given either answer.
            if (not floor or since >= oldest
                    or len(removals) + len(adds) <= length):
                _put_lists(
                    updates, removals,
                    self._listed(adds, member, path, since, born, False))
                return
        contents = member._objects_since(0, changes)
        updates['contents'] = self._listed(
            contents, member, path, since, born, True)

    def _listed(
            self, objects: Iterable[Any], member: TreeMember, path: Path,
            since: int, born: int, contents: bool) -> list[Any]:
        """Put updates in the place of subsets."""
        return [
            self._subset(ob, member, path, since, born, contents)
            if isinstance(ob, SettledSet) else ob
            for ob in objects]

    def _subset(
            self, subset: Any, superset: TreeMember, path: Path, since: int,
            born: int, contents: bool) -> SubsetUpdates:
        id = superset._subset_id(subset)
        updates = SubsetUpdates(id=id)
        born = max(born, subset._joined())
        # The removal of another subset of this id may be among what the
        # superset forgot.  Then the client still has that one.
        whole = contents and since < born
        self._fill(updates, subset, (*path, id), since, born, whole)
        return updates


def _log_range(
        member: TreeMember, changes: dict[Any, Any]) -> tuple[int, float]:
    """Return the floor, and the oldest generation in the removal log.

    As they will be when the changes, too, are settled.
    """
    floor = member._known_floor()
    excess = member._known_removed() - member.maximum_removals
    if changes:
        excess += sum(ob is GONE for _, ob in changes.values())
        excess -= sum(generation in member.removals
                      for generation in member._superseded(changes)
                      if generation is not None)
    generations = _removal_generations(member, changes)
    if excess > 0:
        floor = max(floor, *islice(generations, excess))
    return floor, next(generations, math.inf)


def _removal_generations(
        member: TreeMember, changes: dict[Any, Any]) -> Iterator[int]:
    superseded = member._superseded(changes)
    for generation in member.removals:
        if generation not in superseded:
            yield generation
    for generation, ob in changes.values():
        if ob is GONE:
            yield generation


def _removals_since(
        member: TreeMember, since: int, changes: dict[Any, Any],
) -> Iterator[Any]:
    """Yield the ids of removals that are newer than a generation."""
    superseded = member._superseded(changes)
    for generation, id in member.removals.items(since + 1):
        if generation not in superseded:
            yield id
    for id, (generation, ob) in changes.items():
        if ob is GONE and generation > since:
            yield id
