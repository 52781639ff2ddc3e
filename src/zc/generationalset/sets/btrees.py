"""The B-trees of one set.

A set has three B-trees: ``contents``, ``generations`` and ``removals``.  They
are the same since release 0.1, so databases of old releases can be used as
they are.
"""

from __future__ import annotations

from typing import Any

from BTrees.LOBTree import LOBTree
from BTrees.OLBTree import OLBTree

from zc.generationalset.sets import facts
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.records import GONE, MISSING, Index, Path


def make_empty(gset: BaseSet) -> None:
    gset.contents = LOBTree()
    gset.generations = OLBTree()
    gset.removals = LOBTree()
    gset._length = gset._removed = gset._floor = gset._born = 0


def get(gset: BaseSet, id: Any) -> Any:
    """Return the object with an id, or MISSING."""
    generation = gset.generations.get(id)
    if generation is None:
        return MISSING
    return gset.contents.get(generation, MISSING)


def get_entry(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return an id's latest generation, or 0, and its object or MISSING."""
    generation = gset.generations.get(id, 0)
    return generation, gset.contents.get(generation, MISSING)


def apply(gset: BaseSet, id: Any, ob: Any, generation: int) -> Any:
    """Make ``ob``, or GONE, the state of an id at a generation.

    Return the object that the id had before, or MISSING.
    """
    if facts.is_old(gset):
        upgrade(gset)
    if ob is GONE:
        return _remove(gset, id, generation)
    # This is first because it can fail, when ids can't be compared.
    if gset.generations.insert(id, generation):
        gset.contents[generation] = ob
        gset._length += 1
        return MISSING
    before = replace(gset, id, ob, generation)
    if before is MISSING:
        del gset.removals[gset.generations[id]]
        gset._removed -= 1
        gset.generations[id] = generation
        gset.contents[generation] = ob
        gset._length += 1
    return before


def replace(gset: BaseSet, id: Any, ob: Any, generation: int) -> Any:
    """Replace an id's object, and return the old one; or return MISSING.

    The length stays, so it isn't written, which saves an object.  If there is
    no object with the id, nothing is done.
    """
    old = gset.generations.get(id)
    if old is None:
        return MISSING
    before = _take_out(gset, old, ob)
    if before is not MISSING:
        gset.generations[id] = generation
        gset.contents[generation] = ob
    return before


def _take_out(gset: BaseSet, generation: int, ob: Any) -> Any:
    """Drop the object that ``ob`` replaces; return it, or MISSING."""
    before = gset.contents.pop(generation, MISSING)
    if before is not ob and isinstance(before, BaseSet) \
            and facts.is_old(before):
        gset.contents[generation] = before  # listed while it is upgraded
        upgrade(before)
        del gset.contents[generation]
    return before


def _remove(gset: BaseSet, id: Any, generation: int) -> Any:
    old = gset.generations.get(id)
    before: Any = MISSING
    if old is None:  # it was added and removed since the checkpoint
        gset._removed += 1
    else:
        before = _take_out(gset, old, GONE)
        if before is MISSING:
            del gset.removals[old]
        else:
            gset._length -= 1
            gset._removed += 1
    gset.generations[id] = generation
    gset.removals[generation] = id
    while gset._removed > gset.maximum_removals:
        forget(gset, gset.removals.minKey())
    return before


def forget(gset: BaseSet, floor: int) -> None:
    """Forget all removals up to a generation."""
    for generation, id in list(gset.removals.items(None, floor)):
        del gset.removals[generation]
        del gset.generations[id]
        gset._removed -= 1
    gset._floor = floor


def upgrade(gset: BaseSet) -> None:
    """Store what old releases did not store.

    Call this before the superset's entry for this set changes.
    """
    parent, floor, born = (
        facts.superset(gset), facts.floor(gset), facts.joined(gset))
    gset.parent = parent
    gset._length = len(gset.contents)
    gset._removed = len(gset.removals)
    gset._born = born
    forget(gset, floor)
    gset.__dict__.pop('generation', None)


def absorb(root: BaseSet, index: Index) -> None:
    """Move the records of a tree into the B-trees of its sets."""
    # From the bottom up: a set of an old release must know its last change
    # before its entry in its superset changes.
    paths = sorted(index.sets, key=len, reverse=True)
    for path, gset in [(path, _at(root, path)) for path in paths]:
        for id, (generation, ob) in index.sets[path].entries.items():
            if ob is MISSING:
                ob = get(gset, id)
            apply(gset, id, ob, generation)


def _at(root: BaseSet, path: Path) -> BaseSet:
    gset = root
    for id in path:
        gset = get(gset, id)
    return gset
