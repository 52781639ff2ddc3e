"""Copies of sets, by ``copy.deepcopy`` or ``pickle``: sets of their own.

A copy of a subset has no superset; otherwise the copy would include the whole
tree.  B-trees are written as lists, because they are chains of buckets that
are too long for recursion.
"""

from __future__ import annotations

from typing import Any

from BTrees.LOBTree import LOBTree
from BTrees.OLBTree import OLBTree

from zc.generationalset.sets import btrees, facts
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.journal import Journal
from zc.generationalset.sets.members import locate, set_index
from zc.generationalset.sets.records import MISSING

_TREES = {'contents': LOBTree, 'generations': OLBTree, 'removals': LOBTree}
_COUNTS = '_length', '_removed', '_floor'


def flat_state(member: BaseSet) -> dict[str, Any] | None:
    """Return a set's state for a copy; None for a set of an old release."""
    root, _ = locate(member)
    if root._journal is None:
        return None
    settled = _settled(member)
    state: Any = member.__getstate__()
    return {
        **state,
        **{name: list(getattr(settled, name).items()) for name in _TREES},
        **{name: getattr(settled, name) for name in _COUNTS},
        '_born': facts.joined(member),
        'parent': None,
        '_journal': root._journal.generation,
        '_epoch': root._epoch if member is root else None,
    }


def _settled(member: BaseSet) -> BaseSet:
    """Return a set's B-trees as they will be after the next checkpoint."""
    settled = BaseSet()
    for name, kind in _TREES.items():
        setattr(settled, name, kind(getattr(member, name).items()))
    settled.maximum_removals = member.maximum_removals
    settled._length = facts.length(member)
    settled._removed = facts.removed(member)
    btrees.forget(settled, facts.floor(member))
    for id, (generation, ob) in set_index(member).entries.items():
        if ob is MISSING:
            ob = btrees.get(settled, id)
        btrees.apply(settled, id, ob, generation)
    return settled


def is_flat(state: Any) -> bool:
    return isinstance(state, dict) and isinstance(
        state.get('contents'), list)


def stored_state(
        member: BaseSet, state: dict[str, Any], epoch: str,
) -> dict[str, Any]:
    """Return the state of a copy, and make the copy its subsets' superset."""
    for _, ob in state['contents']:
        if isinstance(ob, BaseSet):
            ob.__dict__.update(parent=member, _journal=None, _epoch=None)
    trees = {name: kind(state[name]) for name, kind in _TREES.items()}
    parent = member.__dict__.get('parent')
    if parent is not None:  # an item referred to it, so it was copied before
        return {**state, **trees, 'parent': parent, '_journal': None}
    return {**state, **trees, '_journal': Journal(state['_journal']),
            '_epoch': state['_epoch'] or epoch}
