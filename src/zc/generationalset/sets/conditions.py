"""Whether something is still as it was at a client's position."""

from __future__ import annotations

from typing import Any

from zc.generationalset.sets import facts
from zc.generationalset.sets.base import BaseSet, told_id
from zc.generationalset.sets.members import (
    born,
    epoch,
    generation_before,
    get_entry,
    layers,
    locate,
    set_index,
)
from zc.generationalset.sets.records import MISSING, Path
from zc.generationalset.sets.view import log_range


def unchanged(
        gset: BaseSet, path: Path, since: int, since_epoch: str | None,
) -> bool:
    """Tell whether a path in a set has what it had at a position.

    What nobody can know counts as a change: positions of other epochs,
    positions that the tree hasn't reached, and removals that are forgotten.
    This transaction's own changes are changes, too.
    """
    root, own = locate(gset)
    if since and since_epoch != epoch(gset, root, own):
        return False
    return _last_change(gset, path) <= since <= generation_before(root)


def _last_change(gset: BaseSet, path: Path) -> int:
    """Return the generation since which a path has what it has now."""
    for depth, id in enumerate(path, 1):
        generation, ob = _entry(gset, gset.stored_id(id))
        if not isinstance(ob, BaseSet):
            # A subset may bring items that are older than itself.
            return max(generation, born(gset))
        if depth == len(path):
            return max(generation, born(ob))
        gset = ob
    superset = facts.superset(gset)
    if superset is None:
        return generation_before(gset)
    return _last_change(superset, (told_id(superset, gset),))


def _entry(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return an id's latest generation, and its object or MISSING.

    If the id isn't here, and no removal of it is remembered, the generation
    is the floor, because its removal may be forgotten.
    """
    try:
        generation, ob = get_entry(gset, id)
    except TypeError:  # no set can have both this id and those that are here
        generation, ob = 0, MISSING
    if not generation:
        return log_range(gset, set_index(gset))[0], ob
    # Records of what changed in a subset are newer than its own entry.
    return max([generation, *[
        layer.entries[id][0] for layer in layers(gset)
        if id in layer.entries]]), ob
