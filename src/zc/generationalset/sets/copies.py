"""Copies of sets, by ``copy.deepcopy`` or ``pickle``, are sets of their own.

A copy of a subset has no superset, or the whole tree would come along.
B-trees are written as lists: they are chains of buckets, too long for
recursion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from BTrees.LOBTree import LOBTree
from BTrees.OLBTree import OLBTree

from zc.generationalset.sets.btrees import MISSING, SettledSet
from zc.generationalset.sets.journal import Journal

if TYPE_CHECKING:
    from zc.generationalset.sets.members import TreeMember

_TREES = {'contents': LOBTree, 'generations': OLBTree, 'removals': LOBTree}
_COUNTS = '_length', '_removed', '_floor'


def flat_state(member: TreeMember) -> dict[str, Any] | None:
    """Return all of a set for a copy, None for one of an old release."""
    root, _ = member._locate()
    if root._journal is None:
        return None
    settled = _settled(member)
    state: Any = member.__getstate__()
    return {
        **state,
        **{name: list(getattr(settled, name).items()) for name in _TREES},
        **{name: getattr(settled, name) for name in _COUNTS},
        '_born': member._joined(),
        'parent': None,
        '_journal': root._journal.generation,
        '_epoch': root._epoch if member is root else None,
    }


def _settled(member: TreeMember) -> SettledSet:
    """Return the B-trees of a set as they will be with the next checkpoint."""
    settled = SettledSet()
    for name, kind in _TREES.items():
        setattr(settled, name, kind(getattr(member, name).items()))
    settled.maximum_removals = member.maximum_removals
    settled._length = member._known_length()
    settled._removed = member._known_removed()
    settled._raise_floor(member._known_floor())
    for id, (generation, ob) in member._unsettled().changes.items():
        if ob is MISSING:
            ob = settled._settled_get(id)
        settled._apply(id, ob, generation)
    return settled


def is_flat(state: Any) -> bool:
    return isinstance(state, dict) and isinstance(
        state.get('contents'), list)


def stored_state(
        member: TreeMember, state: dict[str, Any], epoch: str,
) -> dict[str, Any]:
    """Return the state of a copy, which takes its subsets to itself."""
    for _, ob in state['contents']:
        if isinstance(ob, SettledSet):
            ob.__dict__.update(parent=member, _journal=None, _epoch=None)
    trees = {name: kind(state[name]) for name, kind in _TREES.items()}
    parent = member.__dict__.get('parent')
    if parent is not None:  # it was taken before, by an item's reference
        return {**state, **trees, 'parent': parent, '_journal': None}
    return {**state, **trees, '_journal': Journal(state['_journal']),
            '_epoch': state['_epoch'] or epoch}
