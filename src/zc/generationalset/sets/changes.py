"""Changes of a tree: objects and subsets that come, change or go.

A change goes to the journal as a record, or directly to the B-trees.  Each
change takes one generation of the tree, and calls
``zc.generationalset.notify``.
"""

from __future__ import annotations

import operator
from itertools import repeat
from typing import Any

import zc.generationalset
from zc.generationalset.interfaces import IdError
from zc.generationalset.sets import btrees, facts
from zc.generationalset.sets.base import USUAL_REMOVALS, BaseSet, told_id
from zc.generationalset.sets.epochs import new_epoch
from zc.generationalset.sets.ids import PLAIN, check_id, is_plain, plain_id
from zc.generationalset.sets.journal import Journal
from zc.generationalset.sets.members import (
    chain,
    get_entry,
    layers,
    length,
    locate,
    present,
)
from zc.generationalset.sets.records import GONE, MISSING, Path, Record
from zc.generationalset.sets.wrappers import bare

# Objects


def put(
        gset: BaseSet, id: Any, ob: Any, before: tuple[int, Any] | None = None,
) -> None:
    """Record that an id now has an object, or GONE.

    ``before`` is the id's entry, if the caller knows it.
    """
    if type(id) not in PLAIN:
        id = plain_id(id)
    zc.generationalset.notify(_put(gset, id, ob, before))


def remove(gset: BaseSet, id: Any) -> None:
    """Record that a stored id is gone; raise KeyError if it isn't here."""
    put(gset, id, GONE, present(gset, id))


def _put(
        gset: BaseSet, id: Any, ob: Any, before: tuple[int, Any] | None = None,
) -> BaseSet:
    """Record a change without calling ``notify``; return the root."""
    gset = bare(gset)
    root, path = locate(gset)
    journal = open_journal(root)
    joining = _not_joined(gset) if path else []
    if not journal.is_direct():
        if before is None:
            before = _entry_before(gset, id)
        if not (joining or journal.is_bulk() or isinstance(ob, BaseSet)
                or isinstance(before[1], BaseSet)):
            bound = gset.maximum_removals
            journal.append(root, _record(path, id, before, ob, bound))
            return root
    journal.settle(root)
    for member in joining:
        journal.skip(_newest(member))
    generation = journal.start + 1
    try:
        _apply(gset, id, ob, generation)
    except TypeError as error:
        raise _incomparable(gset, id) from error
    touch_supersets(gset, generation)
    journal.start = generation
    return root


def _record(
        path: Path, id: Any, before: tuple[int, Any], ob: Any, bound: int,
) -> Record:
    previous, old = before
    if ob is GONE:
        return path, id, -1, previous, bound
    return path, id, int(old is MISSING), previous, ob


def touch_supersets(gset: BaseSet, generation: int) -> None:
    """List a set, and its supersets, under their latest change."""
    while gset.parent is not None:
        parent = bare(gset.parent)
        id = told_id(parent, gset)
        if facts.joined(gset) is None:
            _join(gset, generation, id)
        _apply(parent, id, gset, generation)
        gset = parent


def _apply(gset: BaseSet, id: Any, ob: Any, generation: int) -> None:
    """Write a change to the B-trees; a subset that was there leaves."""
    before = btrees.apply(gset, id, ob, generation)
    if before is not ob and isinstance(before, BaseSet):
        _leave(before, generation)


def remember_more(gset: BaseSet) -> None:
    """Let a set remember about as many removals as it has items.

    A client that missed a forgotten removal gets the whole contents, which is
    more than the removals.  The bound grows in large steps, because each step
    writes the set itself, which may conflict.  It never falls, and a set that
    is to remember fewer than usual stays as it is.
    """
    count = length(gset)
    if count > 2 * gset.maximum_removals >= 2 * USUAL_REMOVALS:
        gset.maximum_removals = count


def unchanged(gset: BaseSet, since: int) -> list[Any]:
    """Return what hasn't changed since a generation.  O(n) of these."""
    root, _ = locate(gset)
    open_journal(root).settle(root)
    return list(gset.contents.values(None, since))


def forget(gset: BaseSet) -> None:
    """Make older clients get the whole contents of the set."""
    root, _ = locate(gset)
    journal = open_journal(root)
    journal.settle(root)
    generation = journal.start + 1
    touch_supersets(gset, generation)
    journal.start = generation
    btrees.forget(gset, generation)


# The simplest case is a root that isn't stored, and an object that is no set.
# Most bulk loads are such, and the general way would take longer than the
# change.


def add_unstored(gset: BaseSet, id: Any, ob: Any) -> bool:
    """Add a new object in the simplest case; return whether it was that."""
    journal = gset._journal
    if (journal is None or journal._p_jar is not None
            or journal.records or journal.backlog is not None):
        return False
    generation = journal.start + 1
    try:
        if not gset.generations.insert(id, generation):
            return False
    except TypeError as error:
        raise _incomparable(gset, id) from error
    gset.contents[generation] = ob
    gset._length += 1
    journal.start = generation
    zc.generationalset.notify(gset)
    return True


def replace_unstored(gset: BaseSet, id: Any, ob: Any) -> bool:
    """Record the change of an object in the same case."""
    journal = gset._journal
    if (journal is None or journal._p_jar is not None
            or journal.records or journal.backlog is not None
            or isinstance(ob, BaseSet)):
        return False
    generation = journal.start + 1
    try:
        before = btrees.replace(gset, id, ob, generation)
    except TypeError:
        return False
    if before is MISSING:
        return False
    if isinstance(before, BaseSet):
        _leave(before, generation)
    journal.start = generation
    zc.generationalset.notify(gset)
    return True


# The history of a root


def begin_history(root: BaseSet, generation: int) -> Journal:
    """Make a set the root of a tree, at a generation; return its journal."""
    root._journal = Journal(generation)
    root._epoch = new_epoch()
    return root._journal


def renew(gset: BaseSet) -> None:
    """Give the tree of a set a new epoch."""
    root, _ = locate(gset)
    open_journal(root)
    root._epoch = new_epoch()
    zc.generationalset.notify(root)


def open_journal(root: BaseSet) -> Journal:
    """Return the journal of a root; make it for one of an old release."""
    journal = root._journal
    if journal is None:
        journal = begin_history(
            root, max(facts.old_generation(root), _newest(root)))
        btrees.upgrade(root)
    return journal


def _close_journal(root: BaseSet) -> int:
    """Move all records to the B-trees, and drop the journal.

    The journal is changed, too, so that a transaction that writes it at the
    same time conflicts, instead of writing what nobody will read.  Return the
    generation.
    """
    journal = open_journal(root)
    journal.settle(root)
    generation = journal.start
    journal.start += 1
    root._journal = root._epoch = None
    return generation


def _newest(gset: BaseSet) -> int:
    """Return the newest generation of a set and its subsets.

    It may be ahead of the tree's, because a subset has numbers of its own when
    it joins, and old releases kept them.  If the tree gave the same numbers
    again, objects would replace each other.
    """
    subsets = [ob for ob in gset.contents.values() if isinstance(ob, BaseSet)]
    return max([tree.maxKey() for tree in (gset.contents, gset.removals)
                if tree] + [_newest(subset) for subset in subsets],
               default=0)


# Subsets


def adopt(gset: BaseSet, subset: BaseSet, id: Any) -> None:
    """Add a subset, wherever it was."""
    gset = bare(gset)
    key = _adopted_id(gset, subset, id)
    if any(member is subset for member in chain(gset)):
        raise ValueError(f'{subset!r} can not be put into itself')
    changed = []
    superset = facts.superset(subset)
    if superset not in (None, gset) and facts.joined(subset) is not None:
        changed.append(_put(superset, told_id(superset, subset), GONE))
        superset = None
    if superset is not gset or facts.joined(subset) is None:
        _take_in(gset, subset, key)
    changed.append(_put(gset, key, subset))
    for root in changed:
        zc.generationalset.notify(root)


def _adopted_id(gset: BaseSet, subset: BaseSet, id: Any) -> Any:
    key = gset.stored_id(id if subset.id is None else subset.id)
    if id is not None and gset.stored_id(id) != key:
        raise ValueError(
            f'expected the id of the subset, {key!r}, got {id!r}')
    key = check_id(subset, key)
    _entry_before(gset, key)
    _not_joined(gset)
    return key


def _take_in(gset: BaseSet, subset: BaseSet, id: Any) -> None:
    """Make a set a subset, before it is listed."""
    root, _ = locate(gset)
    journal = open_journal(root)
    journal.settle(root)
    # Clients of this tree must see the subset's items, whatever their numbers,
    # as older than the tree's next change.
    if facts.superset(subset) is None:
        journal.skip(_close_journal(subset))
    else:
        journal.skip(_newest(subset))
    if subset.id is None:
        subset.id = id
    elif not is_plain(subset.id):
        subset.id = plain_id(subset.id)
    subset.parent, subset._born = gset, None
    _join(subset, journal.start + 1, id)


def _not_joined(gset: BaseSet) -> list[BaseSet]:
    """Return the sets that join their supersets when this one changes.

    Raises TypeError if a set can't have its id in its superset.
    """
    joining = [member for member in chain(gset)
               if facts.joined(member) is None]
    for member in joining:
        _entry_before(member.parent, told_id(member.parent, member))
    return joining


def _join(subset: BaseSet, generation: int, id: Any) -> None:
    """Make a set a subset of its parent, which doesn't list it yet."""
    if facts.is_old(subset):
        btrees.upgrade(subset)
    subset._born = generation
    if subset.parent.generations.get(id) is not None:
        # Clients may have something else with this id.  Below the floor they
        # get everything, so they don't mix the two.
        btrees.forget(subset, generation)


def _leave(subset: BaseSet, generation: int) -> None:
    """Make a subset the root of a tree, whose numbers go on."""
    subset.parent = None
    begin_history(subset, generation)


# Ids that don't fit


def _entry_before(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return the entry of an id that will be added.

    Raises TypeError if it can't be compared with the ids in the set.
    """
    try:
        entry = get_entry(gset, id)
        if not entry[0]:
            for layer in layers(gset):
                for _ in map(operator.lt, repeat(id), layer.entries):
                    pass
    except TypeError as error:
        raise _incomparable(gset, id) from error
    return entry


def _incomparable(gset: BaseSet, id: Any) -> IdError:
    return IdError(
        f'expected an id that can be compared with the ids in {gset!r}, '
        f'got {id!r} ({type(id).__name__})')
