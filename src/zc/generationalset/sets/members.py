"""A set as a member of a tree: its place, and its contents.

The contents of a set are in its B-trees and, on top of them, in the records of
the root's journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ZODB.interfaces import IBroken
from ZODB.POSException import POSError

from zc.generationalset.sets import btrees, facts, transactions
from zc.generationalset.sets.base import BaseSet, told_id
from zc.generationalset.sets.epochs import derived_epoch
from zc.generationalset.sets.records import (
    GONE,
    MISSING,
    NO_RECORDS,
    Index,
    Path,
    SetIndex,
)
from zc.generationalset.sets.wrappers import bare

# Where a set is


def locate(gset: BaseSet) -> tuple[BaseSet, Path]:
    """Return the root, and the ids that lead from it to the set."""
    if gset.__class__ is not type(gset):  # hardly ever, so no call
        gset = bare(gset)
    if gset.parent is None:
        return gset, ()
    path: Path = ()
    superset = facts.superset(gset)
    while superset is not None:
        path = told_id(superset, gset), *path
        gset, superset = superset, facts.superset(superset)
    return gset, path


def chain(gset: BaseSet) -> Iterator[BaseSet]:
    """Yield the set, its superset, and so on up to the root."""
    member: BaseSet | None = gset
    while member is not None:
        yield member
        member = facts.superset(member)


def born(gset: BaseSet) -> int:
    """Return the generation at which the set came into its tree, or 0."""
    return max(facts.joined(member) or 0 for member in chain(gset))


def epoch(gset: BaseSet, root: BaseSet, path: Path) -> str | None:
    """Return the string that names the set, and its history.

    A subset's epoch is made of everything that makes it this subset: the
    tree's epoch, and for each set on the way here the id, and when it joined.
    So nobody can take a generation of the subset for one of its sibling.
    """
    if not path:
        return root._epoch
    joined = [facts.joined(member) for member in chain(gset)][:-1]
    return derived_epoch(root._epoch, path, tuple(joined))


# Generations, of a root


def handed_out_generation(root: BaseSet) -> int:
    """Return the generation to a caller that may tell a client."""
    journal = root._journal
    if journal is None:
        return facts.old_generation(root)
    return journal.hand_out()


def generation_before(root: BaseSet) -> int:
    """Return the generation before this transaction's own changes."""
    journal = root._journal
    if journal is None:
        return facts.old_generation(root)
    began = None
    if journal._p_jar is not None:
        began = transactions.began(journal)
    return journal.generation if began is None else began


# Records


def tree_index(gset: BaseSet, root: BaseSet) -> Index:
    """Return the index of the tree's records, if the set has joined it."""
    journal = root._journal
    if journal is None or facts.joined(gset) is None:
        return NO_RECORDS
    return journal.full_index


def set_index(gset: BaseSet) -> SetIndex:
    """Return the index of the records of the set."""
    root, path = locate(gset)
    return tree_index(gset, root).at(path)


def layers(gset: BaseSet) -> list[SetIndex]:
    """Return the same index in parts, the latest first, or none."""
    root, path = locate(gset)
    journal = root._journal
    if journal is None or facts.joined(gset) is None:
        return []
    return [layer.sets[path] for layer in journal.layers()
            if path in layer.sets]


# Contents


def get_entry(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return an id's latest generation, or 0, and its object or MISSING.

    Raises TypeError if the id can't be compared with the set's ids.
    """
    for layer in layers(gset):
        if id in layer.entries:
            generation, ob = layer.entries[id]
            if ob is GONE:
                return generation, MISSING
            if ob is not MISSING:
                return generation, ob
    return btrees.get_entry(gset, id)


def get(gset: BaseSet, id: Any) -> Any:
    """Return the object with an id, or MISSING, also for what is no id."""
    try:
        return get_entry(gset, id)[1]
    except TypeError:
        return MISSING


def has(gset: BaseSet, id: Any) -> bool:
    return get(gset, id) is not MISSING


def present(gset: BaseSet, id: Any) -> tuple[int, Any]:
    """Return the entry of an id; raise KeyError if it isn't here."""
    try:
        entry = get_entry(gset, id)
    except TypeError:
        raise KeyError(id) from None
    if entry[1] is MISSING:
        raise KeyError(id)
    return entry


def member_id(gset: BaseSet, ob: Any) -> Any:
    """Return the id of an object, or an id itself, if here; or MISSING."""
    try:
        ob = bare(ob)
        id = told_id(gset, ob)
        if has(gset, id):
            return id
    except POSError:
        raise  # unreadable doesn't mean missing
    except (AttributeError, LookupError, TypeError, ValueError):
        if IBroken.providedBy(ob):
            raise  # nobody knows its id
    id = gset.stored_id(ob)
    try:
        return id if has(gset, id) else MISSING
    except (AttributeError, ValueError):
        # An object was compared with ids.  ``get`` handles TypeError; any
        # other error comes from the object's own comparison.
        return MISSING


def length(gset: BaseSet) -> int:
    return facts.length(gset) + sum(layer.length for layer in layers(gset))
