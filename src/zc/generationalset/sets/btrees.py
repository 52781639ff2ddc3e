"""Settled state: what one set has in its three B-trees.

The attribute names ``contents``, ``generations`` and ``removals`` and what
they map are those of releases 0.1 to 0.4, so that a database written by one
of them is simply opened and used.  What those releases did not store is
computed when it is needed, and stored with the set's next change.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import persistent
from BTrees.LOBTree import LOBTree
from BTrees.OLBTree import OLBTree

from zc.generationalset.sets import zeo

if TYPE_CHECKING:
    from zc.generationalset.sets.records import SetChanges


class _Marker(enum.Enum):
    GONE = 'in place of an object: the id was removed'
    MISSING = 'no such object'


GONE, MISSING = _Marker


class SettledSet(persistent.Persistent):
    """The B-trees of one set; knows nothing of trees of sets and journals."""

    id: Any
    parent: Any
    maximum_removals: int
    # None until the first change by this release: see _upgrade.
    _length: int | None = None
    _removed: int | None = None
    _floor: int | None = None
    _born: int | None = None

    def _init_settled(self) -> None:
        self.contents = LOBTree()  # generation -> object
        self.generations = OLBTree()  # id -> generation, of removals too
        self.removals = LOBTree()  # generation -> id
        self._length = 0  # of contents
        self._removed = 0  # length of removals
        self._floor = 0  # the newest removal that was forgotten
        self._born = 0  # when it joined its superset; None: not yet

    # Whoever loads or stores a set needs snapshots that lack no commit.

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        zeo.order_for(self._p_jar)

    def __getstate__(self) -> dict[str, Any]:
        zeo.order_for(self._p_jar)
        state: dict[str, Any] = super().__getstate__()
        return state

    def _settled_get(self, id: Any) -> Any:
        """Return the settled object with an id, or MISSING."""
        generation = self.generations.get(id)
        if generation is None:
            return MISSING
        return self.contents.get(generation, MISSING)

    def _settled_entry(self, id: Any) -> tuple[int, Any]:
        """Return an id's latest generation, or 0, and its object or MISSING.
        """
        generation = self.generations.get(id, 0)
        return generation, self.contents.get(generation, MISSING)

    def _apply(self, id: Any, ob: Any, generation: int) -> None:
        """Make ``ob`` (or GONE) the state of an id at a generation."""
        if self._floor is None:
            self._upgrade()
        if ob is GONE:
            self._apply_removal(id, generation)
        # First the one write that can fail, when ids can't be compared.
        elif self.generations.insert(id, generation):
            self.contents[generation] = ob
            self._length += 1  # type: ignore[operator]
        elif not self._replace(id, ob, generation):
            del self.removals[self.generations[id]]
            self._removed -= 1  # type: ignore[operator]
            self.generations[id] = generation
            self.contents[generation] = ob
            self._length += 1  # type: ignore[operator]

    def _replace(self, id: Any, ob: Any, generation: int) -> bool:
        """Replace an id's object; return whether it had one.

        The length stays, and so isn't written: that is one object less.
        """
        old = self.generations.get(id)
        if old is None or not self._take_out(old, ob, generation):
            return False
        self.generations[id] = generation
        self.contents[generation] = ob
        return True

    def _take_out(self, old: int, ob: Any, generation: int) -> bool:
        """Drop the object, if any, that ``ob`` replaces at a generation."""
        before = self.contents.pop(old, MISSING)
        if before is MISSING:
            return False
        if isinstance(before, SettledSet) and before is not ob:
            self.contents[old] = before  # listed until it has left
            before._leave(generation)
            del self.contents[old]
        return True

    def _apply_removal(self, id: Any, generation: int) -> None:
        old = self.generations.get(id)
        if old is None:  # added and removed since the checkpoint
            self._removed += 1  # type: ignore[operator]
        elif self._take_out(old, GONE, generation):
            self._length -= 1  # type: ignore[operator]
            self._removed += 1  # type: ignore[operator]
        else:
            del self.removals[old]
        self.generations[id] = generation
        self.removals[generation] = id
        self._forget()

    def _leave(self, generation: int) -> None:
        """Stand alone from a generation on."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Keep the removal log within its bound, and remember what went."""
        while self._removed > self.maximum_removals:  # type: ignore[operator]
            self._raise_floor(self.removals.minKey())

    def _raise_floor(self, floor: int) -> None:
        """Forget all removals up to a generation."""
        for generation, id in list(self.removals.items(None, floor)):
            del self.removals[generation]
            del self.generations[id]
            self._removed -= 1  # type: ignore[operator]
        self._floor = floor

    # Sets of releases 0.1 to 0.4

    def _upgrade(self) -> None:
        """Store what old releases did not know.

        Must happen before the superset's entry for this set is touched.
        """
        parent, floor, born = self._superset(), self._known_floor(), \
            self._joined()
        self.parent = parent
        self._length = len(self.contents)
        self._removed = len(self.removals)
        self._born = born
        self._raise_floor(floor)
        self.__dict__.pop('generation', None)

    def _superset(self) -> Any:
        """Return the superset, if this is one's subset, or will join it.

        Old releases removed a subset without telling it.  One that isn't
        listed, and has had items, was removed.
        """
        parent = self.parent
        if (parent is None or self._floor is not None or self._is_listed()
                or not self.generations):
            return parent
        return None

    def _is_listed(self) -> bool:
        entry = self.parent._settled_get(self.parent._subset_id(self))
        return entry is self

    def _known_floor(self) -> int:
        """Return the generation below which a client must get everything.

        An old set doesn't say what it forgot.  Removals were forgotten
        oldest first, so if one is left, nothing newer than it is forgotten.
        Otherwise, and always for subsets (old items of a subset that joined
        late are numbered below its clients), anything may have been missed
        before the last change.
        """
        if self._floor is not None:
            return self._floor
        if self._superset() is None and self.removals:
            return int(self.removals.minKey()) - 1
        if self._joined() is None:
            return 0  # it is empty
        return self._last_change()

    def _joined(self) -> int | None:
        """Return the generation at which this joined, None if it hasn't."""
        if self._superset() is None:
            return self._born or 0
        if self._floor is None:
            return self._last_change() if self._is_listed() else None
        if self._p_jar is None and self._born is not None \
                and not self._is_listed():
            # It joined in a transaction that was aborted.  That leaves
            # objects as they are that were not stored before.
            return None
        return self._born

    def _last_change(self) -> int:
        """Return when an old set was changed, as it or its superset says."""
        own: int = self.__dict__.get('generation', 1)
        if self._superset() is None:
            return own
        listed: int = self.parent.generations.get(
            self.parent._subset_id(self), 0)
        return max(own, listed)

    def _known_length(self) -> int:
        if self._length is None:
            return len(self.contents)
        return self._length

    def _known_removed(self) -> int:
        if self._removed is None:
            return len(self.removals)
        return self._removed

    # Reading together with later changes

    def _superseded(self, later: SetChanges) -> set[int]:
        """Return the settled generations of what changed later."""
        if not later.subsets:
            return later.superseded
        return later.superseded.union(map(
            self.generations.get, later.subsets))

    def _objects_since(self, since: int, later: SetChanges) -> Iterable[Any]:
        """Return the objects newer than a generation, oldest change first."""
        if not later.changes:
            values: Iterable[Any] = self.contents.values(since + 1)
            return values
        return self._merged_objects(since, later)

    def _pairs_since(
            self, since: int, later: SetChanges) -> Iterator[tuple[Any, Any]]:
        """Yield the same with their ids; loads the objects.

        An id is looked up under what the object says that it is.  Only where
        ids were given explicitly does finding them take O(n), once.
        """
        superseded = self._superseded(later)
        told_id, generation_of = self._told_id, self.generations.get
        explicit: dict[int, Any] = {}
        for generation, ob in self.contents.items(since + 1):
            if generation in superseded:
                continue
            try:
                id = told_id(ob)
                is_known = generation_of(id) == generation
            except (AttributeError, LookupError, TypeError, ValueError):
                is_known = False  # its generation tells the id, too
            if not is_known:
                explicit = explicit or self._ids_by_generation(since)
                id = explicit[generation]
            yield id, ob
        for id, (generation, ob) in later.changes.items():
            if generation > since and ob is not GONE:
                yield id, self._settled_get(id) if ob is MISSING else ob

    def _told_id(self, ob: Any) -> Any:
        """Return the id that an object says it has, or raise an error."""
        raise NotImplementedError

    def _ids_by_generation(self, since: int) -> dict[int, Any]:
        return {generation: id for id, generation in self.generations.items()
                if generation > since}

    def _merged_objects(self, since: int, later: SetChanges) -> Iterator[Any]:
        superseded = self._superseded(later)
        for generation, ob in self.contents.items(since + 1):
            if generation not in superseded:
                yield ob
        for id, (generation, ob) in later.changes.items():
            if generation > since and ob is not GONE:
                yield self._settled_get(id) if ob is MISSING else ob
