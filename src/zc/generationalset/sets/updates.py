"""What changed since a generation, as dictionaries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.sets.btrees import GONE, MISSING, SettledSet
from zc.generationalset.sets.records import Path, Recent, SetChanges

if TYPE_CHECKING:
    from zc.generationalset.sets.journal import Journal
    from zc.generationalset.sets.members import TreeMember


def check_generation(generation: int) -> None:
    if not isinstance(generation, int):
        raise TypeError(
            f'expected a generation, an integer, got {generation!r}')


def updates_since(
        member: TreeMember, since: int, journal: Journal | None, path: Path,
        current: int) -> dict[str, Any]:
    """Return what is newer than ``since``, under the generation ``current``.

    The journal, of the root, alone answers if it goes back far enough.
    """
    updates: dict[str, Any] = {'generation': current}
    if since <= current:
        _add_since(updates, member, max(since, 0), journal, path, False)
    return updates


def client_updates_since(
        member: TreeMember, since: int, since_epoch: str | None,
        epoch: str | None, journal: Journal | None, path: Path, current: int,
) -> dict[str, Any]:
    """Return the answer of the protocol, with pairs of id and object."""
    updates = {'epoch': epoch, 'since': since, 'generation': current}
    if since == 0:
        reset = None
    elif since_epoch != epoch:
        updates['since_epoch'] = since_epoch
        reset = 'epoch'
    elif since > current:
        reset = 'ahead'
    elif path and since < _born(member):
        reset = 'replaced'
    else:
        _add_since(updates, member, since, journal, path, True)
        return updates
    if reset is not None:
        updates['reset'] = reset
    reader = _KeyedReader(_unsettled(member, journal, path))
    reader.add(updates, member, path, 0, whole=True)
    return updates


def _add_since(
        updates: dict[str, Any], member: TreeMember, since: int,
        journal: Journal | None, path: Path, keyed: bool) -> None:
    """Add what is newer, from as few objects of the database as possible."""
    if journal is not None and not (path and member._joined() is None):
        if since >= journal.start and _add_recent(
                updates, journal.recent, path, since, keyed):
            return
        if since >= journal.base and _add_recent(
                updates, journal.unsettled, path, since, keyed):
            return
    reader = (_KeyedReader if keyed else _Reader)(
        _unsettled(member, journal, path))
    reader.add(updates, member, path, since)


_NOTHING = Recent(0, ())


def _unsettled(
        member: TreeMember, journal: Journal | None, path: Path) -> Recent:
    """Return what the B-trees of a set and its subsets don't know yet."""
    if journal is None or (path and member._joined() is None):
        return _NOTHING
    return journal.unsettled


def _add_recent(
        updates: dict[str, Any], recent: Recent, path: Path, since: int,
        keyed: bool) -> bool:
    """Add what records say, for a client that has all that is older.

    Return False, having added nothing, if so many ids were removed that a
    set forgets some: the answer then depends on all that is in it.
    """
    recently = recent.sets.get(path)
    if recently is None:
        return True
    removals: list[Any] = []
    adds: list[Any] = []
    for id, (generation, ob) in reversed(recently.changes.items()):
        if generation <= since:
            break
        if ob is GONE:
            removals.append(id)
        elif ob is MISSING:
            ob = SubsetUpdates(id=id)
            if not _add_recent(ob, recent, (*path, id), since, keyed):
                return False
            adds.append(ob)
        else:
            adds.append((id, ob) if keyed else ob)
    if removals:
        if len(removals) >= recently.bound:
            return False
        removals.reverse()
        updates['removals'] = removals
    if adds:
        adds.reverse()
        updates['adds'] = adds
    return True


class _Reader:
    """Reads B-trees, and what isn't settled on top of them."""

    def __init__(self, unsettled: Recent) -> None:
        self._unsettled = unsettled

    def add(
            self, updates: dict[str, Any], member: TreeMember, path: Path,
            since: int, born: int | None = None, whole: bool = False,
    ) -> None:
        """Add a set's removals and adds, or contents, to its updates.

        ``born`` is the generation at which the set came into this tree: a
        client from before that has nothing of it.
        """
        if born is None:
            born = _born(member) if path else 0
        if since < born:
            since = 0
        later = self._unsettled.at(path)
        floor, oldest = _log_range(member, later)
        if not (whole or since < floor):
            removals = _removals_since(member, since, later)
            adds = self._objects(member, since, later)
            # A client that isn't below the floor, but below all removals
            # that are logged, may be given either answer.
            if (not floor or since >= oldest or len(removals) + len(adds)
                    <= member._known_length() + later.length):
                if removals:
                    updates['removals'] = removals
                if adds:
                    updates['adds'] = self._listed(
                        adds, member, path, since, born, False)
                return
        updates['contents'] = self._listed(
            self._objects(member, 0, later), member, path, since, born, True)

    def _objects(
            self, member: TreeMember, since: int, later: SetChanges) -> Any:
        return list(member._objects_since(since, later))

    def _listed(
            self, objects: Any, member: TreeMember, path: Path,
            since: int, born: int, contents: bool) -> Any:
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
        self.add(updates, subset, (*path, id), since, born, whole)
        return updates


class _KeyedReader(_Reader):
    """Reads pairs of id and object, and only as they are asked for."""

    def _objects(
            self, member: TreeMember, since: int, later: SetChanges) -> Any:
        return _Entries(lambda: member._pairs_since(since, later))

    def _listed(
            self, objects: Any, member: TreeMember, path: Path,
            since: int, born: int, contents: bool) -> Any:
        return _Entries(lambda: (
            self._subset(ob, member, path, since, born, contents)
            if isinstance(ob, SettledSet) else (id, ob)
            for id, ob in objects))


class _Entries:
    """Entries that are read whenever they are iterated over.

    There may be a million of them.
    """

    def __init__(self, entries: Callable[[], Iterator[Any]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Any]:
        return self._entries()

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _born(member: TreeMember) -> int:
    return max(superset._joined() or 0 for superset in member._supersets())


def _log_range(member: TreeMember, later: SetChanges) -> tuple[int, float]:
    """Return the floor, and the oldest generation in the removal log.

    As they will be when the later changes, too, are settled.
    """
    floor = member._known_floor()
    excess = member._known_removed() - member.maximum_removals
    if later.changes:
        excess += sum(ob is GONE for _, ob in later.changes.values())
        if excess > 0:
            excess -= sum(generation in member.removals
                          for generation in later.superseded)
    if not floor and excess <= 0:
        return 0, 0  # nothing was ever forgotten
    generations = _removal_generations(member, later)
    if excess > 0:
        floor = max(floor, *islice(generations, excess))
    return floor, next(generations, math.inf)


def _removal_generations(
        member: TreeMember, later: SetChanges) -> Iterator[int]:
    for generation in member.removals:
        if generation not in later.superseded:
            yield generation
    for generation, ob in later.changes.values():
        if ob is GONE:
            yield generation


def _removals_since(
        member: TreeMember, since: int, later: SetChanges) -> list[Any]:
    """Return the ids of removals that are newer than a generation."""
    if not later.changes:
        return list(member.removals.values(since + 1))
    return [
        id for generation, id in member.removals.items(since + 1)
        if generation not in later.superseded
    ] + [
        id for id, (generation, ob) in later.changes.items()
        if ob is GONE and generation > since]
