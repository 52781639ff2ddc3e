"""The operators of sets.  They compare by id, and keep right operands."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from zc.generationalset.sets import btrees, changes
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.members import has

if TYPE_CHECKING:
    from zc.generationalset.sets.set import GenerationalSet

    T = TypeVar('T', bound=GenerationalSet)


def union(left: T, right: GenerationalSet) -> T:
    others = ((id, ob) for id, ob in right.items() if not has(left, id))
    return _filled(left, chain(left.items(), others))


def intersection(left: T, right: GenerationalSet) -> T:
    return _filled(
        left, ((id, ob) for id, ob in left.items() if has(right, id)))


def difference(left: T, right: GenerationalSet) -> T:
    return _filled(
        left, ((id, ob) for id, ob in left.items() if not has(right, id)))


def symmetric_difference(left: T, right: GenerationalSet) -> T:
    return _filled(left, chain(
        ((id, ob) for id, ob in left.items() if not has(right, id)),
        ((id, ob) for id, ob in right.items() if not has(left, id))))


def is_subset(left: GenerationalSet, right: GenerationalSet) -> bool:
    return len(left) <= len(right) and all(
        has(right, id) for id in left.ids())


def is_superset(left: GenerationalSet, right: GenerationalSet) -> bool:
    return is_subset(right, left)


def is_proper_subset(left: GenerationalSet, right: GenerationalSet) -> bool:
    return len(left) < len(right) and is_subset(left, right)


def is_proper_superset(left: GenerationalSet, right: GenerationalSet) -> bool:
    return is_proper_subset(right, left)


def update(left: T, right: GenerationalSet) -> T:
    for id, ob in list(right.items()):
        if not has(left, id):
            left.add(_own(ob), id)
    return left


def intersection_update(left: T, right: GenerationalSet) -> T:
    for id in list(left.ids()):
        if not has(right, id):
            del left[id]
    return left


def difference_update(left: T, right: GenerationalSet) -> T:
    for id in list(right.ids()):
        if has(left, id):
            del left[id]
    return left


def symmetric_difference_update(left: T, right: GenerationalSet) -> T:
    for id, ob in list(right.items()):
        if has(left, id):
            del left[id]
        else:
            left.add(_own(ob), id)
    return left


def _filled(model: T, items: Any) -> T:
    """Return a set without a superset, like another set, with some items."""
    # The class may have a constructor of its own.
    result = model.__class__.__new__(model.__class__)
    state: Any = model.__getstate__()
    result.__setstate__({**state, 'id': None, 'parent': None})
    btrees.make_empty(result)
    changes.begin_history(result, 1)
    result.__dict__.pop('generation', None)  # of old releases
    for id, ob in items:
        result.add(_own(ob), id)
    return result


def _own(ob: Any) -> Any:
    """Return an object to add to another set; for a subset, a copy.

    A set is in at most one superset, so the subset would leave its own.
    """
    if not isinstance(ob, BaseSet):
        return ob
    subset: Any = ob
    copy = _filled(subset, subset.items())
    copy.__dict__['id'] = ob.id  # this may be a property
    return copy
