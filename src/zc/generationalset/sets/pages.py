"""Pages: a large answer in parts, in the order of ids.

Changes don't move an id in this order, so a *place* is enough to go on: for
each set on the way to it, the last id that was read.  A page is what is there
when it is read.  What changes meanwhile comes at the end, when the client asks
since the lowest generation of its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any, cast

from zc.generationalset.answers import Answer, SubsetUpdates
from zc.generationalset.pages import Place, Span, StalePlace
from zc.generationalset.sets import btrees, facts, members
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.records import (
    GONE,
    MISSING,
    Index,
    Path,
    SetIndex,
)
from zc.generationalset.sets.updates import head
from zc.generationalset.sets.view import log_range

#: How many ids a page looks at, at most, whether it lists them or not.
LOOKED_AT = 50_000
#: How many ids that a client keeps need as much room as an entry.
ROOM = 6


def page_since(
        gset: BaseSet, since: int, since_epoch: str | None,
        generation_of: Callable[[BaseSet], int], span: Span) -> Answer:
    """Return a page of the answer of the protocol."""
    root, path = members.locate(gset)
    answer = head(gset, since, since_epoch, generation_of(root))
    name = answer['epoch'] or ''
    place = span.places.get(name, ())
    if (span.places and 'reset' in answer) or (place and not _is_place(place)):
        raise StalePlace('the page is of another set')
    reader = _Reader(
        members.tree_index(gset, root), 0 if 'reset' in answer else since,
        span)
    born = members.born(gset) if path else 0
    page = reader.updates(gset, path, born, (name,), place[1:])
    if reader.next is not None:
        answer['next'] = reader.next
    return cast(Answer, answer | page)


def _is_place(place: Place) -> bool:
    numbers = [*place[1::3], *place[2::3]]
    return (len(place) % 3 == 1 and len(place) > 1
            and all(type(number) is int for number in numbers))


class _Reader:
    """Reads a page, for a client's generation.

    A place is the epoch of the set that is served, and then, for each set on
    the way: whether all of it is listed, when it joined its superset, and the
    last id that was read.
    """

    def __init__(self, index: Index, since: int, span: Span) -> None:
        self._index = index
        self._since = since
        self._cursor_of = span.cursor_of
        self._room = span.limit * ROOM
        self._ids = LOOKED_AT
        #: The cursor of the next page; None if this is the last one.
        self.next: str | None = None

    def updates(
            self, gset: BaseSet, path: Path, born: int, above: tuple[Any, ...],
            rest: tuple[Any, ...]) -> dict[str, Any]:
        """Return a part of the updates of a set.

        It has ``contents`` if all of the set is listed, and this part is the
        last one.

        born
            The generation at which the set came into this tree.
        above
            The place, as far as it leads to this set.
        rest
            The rest of the place at which the previous page ended, if that
            was within this set.
        """
        index = self._index.at(path)
        whole = self._is_whole(gset, index, born, rest)
        since = self._since if self._since >= born else 0
        after = rest[2] if rest else MISSING
        removals: list[Any] = []
        adds: list[Any] = []
        kept: list[Any] = []
        here = (*above, int(whole), facts.joined(gset) or 0)
        if len(rest) > 3:
            adds += self._resumed(gset, path, born, here, rest)
        entries = _entries_after(gset, index, after)
        while self.next is None and (entry := next(entries, None)):
            id, generation, ob = entry
            if generation > since:
                ob = btrees.get(gset, id) if ob is MISSING else ob
                if isinstance(ob, BaseSet):
                    adds.append(self._subset(
                        ob, (*path, id), born, (*here, id), ()))
                elif ob is not GONE and ob is not MISSING:
                    adds.append((id, ob))
                elif not whole:
                    removals.append(id)
                self._room -= ROOM
            elif whole and _is_there(gset, generation, ob):
                kept.append(id)
                self._room -= 1
            self._ids -= 1
            if self._is_full:
                self.next = self.next or self._cursor_of((*here, id))
        if whole:
            return {'contents' if self.next is None else 'adds': adds} | (
                {'keep': kept} if kept else {})
        return ({'removals': removals} if removals else {}) | (
            {'adds': adds} if adds else {})

    def _is_whole(
            self, gset: BaseSet, index: SetIndex, born: int,
            rest: tuple[Any, ...]) -> bool:
        """Tell whether all of a set is listed, not what changed."""
        whole = self._since < max(born, 1) or (
            self._since < log_range(gset, index)[0])
        if not rest:
            return whole
        if whole and not rest[0]:
            raise StalePlace('the set has forgotten removals meanwhile')
        return bool(rest[0])

    @property
    def _is_full(self) -> bool:
        return self._room <= 0 or self._ids <= 0

    def _resumed(
            self, gset: BaseSet, path: Path, born: int, here: tuple[Any, ...],
            rest: tuple[Any, ...]) -> list[SubsetUpdates]:
        """Return the next part of a subset, unless another one replaced it."""
        _, _, id, *below = rest
        subset = members.get(gset, id)
        if not isinstance(subset, BaseSet) or (
                facts.joined(subset) or 0) != below[1]:
            return []  # the client gets the other one in the end
        return [self._subset(
            subset, (*path, id), born, (*here, id), tuple(below))]

    def _subset(
            self, subset: BaseSet, path: Path, born: int,
            above: tuple[Any, ...], rest: tuple[Any, ...]) -> SubsetUpdates:
        born = max(born, facts.joined(subset) or 0)
        return SubsetUpdates(
            id=path[-1], **self.updates(subset, path, born, above, rest))


def _is_there(gset: BaseSet, generation: int, ob: Any) -> bool:
    """Tell whether an entry of ``_entries_after`` is no removal."""
    return ob is not GONE and generation not in gset.removals


def _entries_after(
        gset: BaseSet, index: SetIndex, after: Any,
) -> Iterator[tuple[Any, int, Any]]:
    """Return ids, with their generations and what records say, in order.

    The object is MISSING if the B-trees have it, or none.
    """
    changed = index.entries
    try:
        if after is MISSING:
            stored = gset.generations.items()
            later = sorted(changed)
        else:
            stored = gset.generations.items(after, excludemin=True)
            next(iter(stored), None)  # without C, only this compares ids
            later = sorted(id for id in changed if id > after)
    except TypeError as error:
        raise StalePlace('the page has ids of another kind') from error
    return merge(
        ((id, generation, MISSING) for id, generation in stored
         if id not in changed),
        ((id, *changed[id]) for id in later), key=itemgetter(0))
