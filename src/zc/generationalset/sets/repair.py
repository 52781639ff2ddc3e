"""The repair of ids that were stored with the name of a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from BTrees.LOBTree import LOBTree
from BTrees.OLBTree import OLBTree

from zc.generationalset.sets import transactions
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.ids import is_plain, repaired_id
from zc.generationalset.sets.records import Recorder
from zc.generationalset.sets.wrappers import bare


def repair(gset: BaseSet) -> int:
    """Store the ids of a set's tree without their classes.

    O(n).  Older releases stored ids as they came, such as instances of an
    application's own subclass of str.  If that class moves, nothing can be
    added to the set any more.  ``check`` finds such sets.

    >>> from zc.generationalset import GSet, repair
    >>> repair(GSet())
    0

    Return the number of sets that had such ids.  Then commit the transaction.
    """
    root = bare(gset)
    while root.parent is not None:
        root = root.parent
    journal = root._journal
    if journal is not None:
        if journal._p_jar is not None:
            transactions.begin(journal)
        _repair_records(journal)
        if journal.backlog is not None:
            _repair_records(journal.backlog)
    count = sum(map(_repair_settled, _members(root)))
    if journal is not None:
        # After this, any transaction that writes at the same time conflicts.
        journal.settle(root)
    return count


def _repair_records(recorder: Recorder) -> None:
    records = tuple([(repaired_id(path), repaired_id(id), *rest)
                     for path, id, *rest in recorder.records])
    if not all(is_plain(record[:2]) for record in recorder.records):
        recorder.records = records


def _members(member: BaseSet) -> Iterator[BaseSet]:
    yield member
    for ob in member.contents.values():
        if isinstance(ob, BaseSet):
            yield from _members(ob)


def _repair_settled(member: BaseSet) -> bool:
    ids: list[Any] = [member.id, *member.generations]
    if all(map(is_plain, ids)):
        return False
    member.id = repaired_id(member.id)
    # Iteration compares no ids; looking one up would.
    member.generations = OLBTree(
        [(repaired_id(id), generation)
         for id, generation in member.generations.items()])
    member.removals = LOBTree(
        [(generation, repaired_id(id))
         for generation, id in member.removals.items()])
    return True
