"""Facts of a set that releases 0.1 to 0.4 didn't store.

For a set of such a release they are computed, until a change stores them.
"""

from __future__ import annotations

from typing import Any

from zc.generationalset.sets.base import UNKNOWN, BaseSet, told_id
from zc.generationalset.sets.wrappers import bare


def is_old(gset: BaseSet) -> bool:
    """Tell whether no release since 0.4 has changed the set."""
    return gset._floor == UNKNOWN


def superset(gset: BaseSet) -> Any:
    """Return the superset, or the one that the set will join; None for a root.

    Old releases removed a subset without telling it.  One that isn't listed,
    and has had items, was removed.
    """
    parent = bare(gset.parent)
    if (parent is None or not is_old(gset) or _is_listed(gset)
            or not gset.generations):
        return parent
    return None


def joined(gset: BaseSet) -> int | None:
    """Return when the set joined its superset, None if it hasn't.

    It is 0 for a root.
    """
    if superset(gset) is None:
        return 0
    if is_old(gset):
        return _last_change(gset) if _is_listed(gset) else None
    if gset._p_jar is None and gset._born is not None \
            and not _is_listed(gset):
        # It joined in a transaction that was aborted.  That leaves objects as
        # they are that were not stored before.
        return None
    return gset._born


def floor(gset: BaseSet) -> int:
    """Return the generation below which a client must get everything.

    An old set doesn't say what it forgot.  It forgot the oldest removals
    first, so if one is left, no newer one is forgotten.  Otherwise a client
    from before the last change may have missed anything.  That is so for each
    old subset: when it joined late, its items kept numbers that are below
    those of its clients.
    """
    if not is_old(gset):
        return gset._floor
    if superset(gset) is None and gset.removals:
        return int(gset.removals.minKey()) - 1
    if joined(gset) is None:
        return 0  # it is empty
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
    """Return when an old set was changed, as it or its superset says."""
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
