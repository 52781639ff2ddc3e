"""The contents of one set: its B-trees, with the records on top."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from zc.generationalset.sets import btrees, facts
from zc.generationalset.sets.base import BaseSet, told_id
from zc.generationalset.sets.records import GONE, MISSING, SetIndex


def objects_since(
        gset: BaseSet, since: int, index: SetIndex) -> Iterable[Any]:
    """Return the objects newer than a generation, the oldest change first."""
    if not index.entries:
        values: Iterable[Any] = gset.contents.values(since + 1)
        return values
    return _merged(gset, since, index)


def _merged(gset: BaseSet, since: int, index: SetIndex) -> Iterator[Any]:
    superseded = _superseded(gset, index)
    for generation, ob in gset.contents.items(since + 1):
        if generation not in superseded:
            yield ob
    for _, ob in _later(gset, since, index):
        yield ob


def count_since(gset: BaseSet, since: int, index: SetIndex) -> int:
    """Return how many objects are newer than a generation; load none."""
    superseded = _superseded(gset, index)
    return sum(
        generation not in superseded
        for generation in gset.contents.keys(since + 1)
    ) + sum(generation > since and ob is not GONE
            for generation, ob in index.entries.values())


def pairs_since(
        gset: BaseSet, since: int, index: SetIndex,
) -> Iterator[tuple[Any, Any]]:
    """Yield ids and objects newer than a generation; load the objects.

    The id is taken from the object, and checked.  Only for explicit ids,
    finding them takes O(n), once.
    """
    superseded = _superseded(gset, index)
    generation_of = gset.generations.get
    explicit: dict[int, Any] = {}
    for generation, ob in gset.contents.items(since + 1):
        if generation in superseded:
            continue
        try:
            id = told_id(gset, ob)
            is_known = generation_of(id) == generation
        except (AttributeError, LookupError, TypeError, ValueError):
            is_known = False  # its generation tells the id, too
        if not is_known:
            explicit = explicit or _ids_by_generation(gset, since)
            id = explicit[generation]
        yield id, ob
    yield from _later(gset, since, index)


def ids_until(gset: BaseSet, until: int, index: SetIndex) -> Iterator[Any]:
    """Yield the ids of what didn't change after a generation.

    O(n); loads no objects.
    """
    for id, generation in gset.generations.items():
        if (generation <= until and id not in index.entries
                and generation not in gset.removals):
            yield id
    for id, (generation, ob) in index.entries.items():
        if generation <= until and ob is not GONE:
            yield id


def pairs_of_ids(
        gset: BaseSet, index: SetIndex) -> Iterator[tuple[Any, Any]]:
    """Yield all ids and objects, in the same order; load all ids.

    Objects aren't loaded until somebody uses them.
    """
    ids = {generation: id for id, generation in gset.generations.items()
           if id not in index.entries}
    for generation, ob in gset.contents.items():
        if generation in ids:
            yield ids[generation], ob
    yield from _later(gset, 0, index)


def _ids_by_generation(gset: BaseSet, since: int) -> dict[int, Any]:
    return {generation: id for id, generation in gset.generations.items()
            if generation > since}


def _later(
        gset: BaseSet, since: int, index: SetIndex,
) -> Iterator[tuple[Any, Any]]:
    """Yield the ids and objects of records."""
    for id, (generation, ob) in index.entries.items():
        if generation > since and ob is not GONE:
            yield id, btrees.get(gset, id) if ob is MISSING else ob


def _superseded(gset: BaseSet, index: SetIndex) -> set[int]:
    """Return the generations in the B-trees whose entries changed later."""
    if not index.subsets:
        return index.superseded
    return index.superseded.union(map(
        gset.generations.get, index.subsets))


def removals_since(
        gset: BaseSet, since: int, index: SetIndex) -> list[Any]:
    """Return the ids of removals that are newer than a generation."""
    if not index.entries:
        return list(gset.removals.values(since + 1))
    return [
        id for generation, id in gset.removals.items(since + 1)
        if generation not in index.superseded
    ] + [
        id for id, (generation, ob) in index.entries.items()
        if ob is GONE and generation > since]


def log_range(gset: BaseSet, index: SetIndex) -> tuple[int, float]:
    """Return the floor, and the generation of the oldest known removal.

    These are what they will be when the records are in the B-trees.
    """
    floor = facts.floor(gset)
    excess = facts.removed(gset) - gset.maximum_removals
    if index.entries:
        excess += sum(ob is GONE for _, ob in index.entries.values())
        if excess > 0:
            excess -= sum(generation in gset.removals
                          for generation in index.superseded)
    if not floor and excess <= 0:
        return 0, 0  # nothing was ever forgotten
    generations = _removal_generations(gset, index)
    if excess > 0:
        floor = max(floor, *islice(generations, excess))
    return floor, next(generations, math.inf)


def _removal_generations(
        gset: BaseSet, index: SetIndex) -> Iterator[int]:
    for generation in gset.removals:
        if generation not in index.superseded:
            yield generation
    for generation, ob in index.entries.values():
        if ob is GONE:
            yield generation
