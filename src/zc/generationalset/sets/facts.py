"""Facts of a set that releases 0.1 to 0.4 didn't store.

For a set of such a release, these functions compute them, until a change
stores them.
"""

from __future__ import annotations

from typing import Any

from zc.generationalset.sets.base import UNKNOWN, BaseSet, told_id
from zc.generationalset.sets.wrappers import bare


def is_old(gset: BaseSet) -> bool:
    """Tell whether no release after 0.4 has changed the set."""
    return gset._floor == UNKNOWN


def superset(gset: BaseSet) -> Any:
    """Return the superset, or the set that this one will join, or None.

    Old releases removed a subset without changing it.  So a subset that isn't
    listed, and has had items, was removed.
    """
    parent = bare(gset.parent)
    if (parent is None or not is_old(gset) or _is_listed(gset)
            or not gset.generations):
        return parent
    return None


def joined(gset: BaseSet) -> int | None:
    """Return the generation at which the set joined its superset, or None.

    For a root, it is 0.
    """
    if superset(gset) is None:
        return 0
    if is_old(gset):
        return _last_change(gset) if _is_listed(gset) else None
    if gset._p_jar is None and gset._born is not None \
            and not _is_listed(gset):
        # The set joined in a transaction that was aborted.  An abort doesn't
        # change objects back that were never stored.
        return None
    return gset._born


def floor(gset: BaseSet) -> int:
    """Return the generation below which a client must get everything.

    An old set doesn't say what it forgot.  It forgot the oldest removals
    first, so if a removal is left, no newer one is forgotten.  Otherwise, a
    client from before the last change may have missed anything.  For an old
    subset this is always so: if it joined late, its items kept numbers that
    may be lower than its clients'.
    """
    if not is_old(gset):
        return gset._floor
    if superset(gset) is None and gset.removals:
        return int(gset.removals.minKey()) - 1
    if joined(gset) is None:
        return 0  # the set is empty
    return _last_change(gset)


def length(gset: BaseSet) -> int:
    """Return how many objects are in the B-trees."""
    return len(gset.contents) if gset._length == UNKNOWN else gset._length


def removed(gset: BaseSet) -> int:
    """Return how many removals are in the B-trees."""
    return len(gset.removals) if gset._removed == UNKNOWN else gset._removed


def old_generation(gset: BaseSet) -> int:
    """Return the generation that old releases stored in each set."""
    generation: int = gset.__dict__.get('generation', 1)
    return generation


def _last_change(gset: BaseSet) -> int:
    """Return the last change of an old set, from it or its superset."""
    own = old_generation(gset)
    if superset(gset) is None:
        return own
    listed: int = gset.parent.generations.get(_listed_id(gset), 0)
    return max(own, listed)


def _is_listed(gset: BaseSet) -> bool:
    """Tell whether the parent has the set in its B-trees."""
    parent = gset.parent
    generation = parent.generations.get(_listed_id(gset), 0)
    return parent.contents.get(generation) is gset


def _listed_id(gset: BaseSet) -> Any:
    return told_id(gset.parent, gset)
