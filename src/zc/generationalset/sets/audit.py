"""The audit of a stored tree of sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from BTrees.check import check as check_btree
from ZODB.broken import Broken
from ZODB.POSException import POSKeyError

from zc.generationalset.sets import btrees, facts
from zc.generationalset.sets.base import UNKNOWN, BaseSet, told_id
from zc.generationalset.sets.ids import is_plain
from zc.generationalset.sets.journal import Journal
from zc.generationalset.sets.records import (
    GONE,
    MISSING,
    Index,
    Path,
    Record,
)
from zc.generationalset.sets.wrappers import bare


def check(
        gset: BaseSet,
        progress: Callable[[int], object] | None = None,
        encode: Callable[[tuple[Any, Any]], object] | None = None,
) -> list[str]:
    """Return a list of what is wrong with a set's tree; [] if all is well.

    O(n): reads every object of the tree except its items.  Changes nothing.

    >>> from zc.generationalset import VGSet, check
    >>> gset = VGSet()
    >>> gset.add('a')
    >>> check(gset)
    []

    ``progress``, if given, is called now and then with the number of entries
    that were checked.

    ``encode``, if given, is called with each pair of id and item; this reads
    the items.  ``zc.generationalset.wire.encode_entry`` raises an error for an
    item that can't be sent to clients.
    """
    audit = _Audit(progress or (lambda count: None), encode)
    return list(audit.tree(_top(gset)))


def _top(gset: BaseSet) -> BaseSet:
    """Return the root of a tree whose parents may be wrong."""
    gset = bare(gset)
    seen = set()
    while gset.parent is not None and id(gset) not in seen:
        seen.add(id(gset))
        gset = bare(gset.parent)
    return gset


class Unchecked(str):
    """A problem of the audit itself: what can't be checked, and why."""


class _Audit:

    def __init__(
            self, progress: Callable[[int], object],
            encode: Callable[[tuple[Any, Any]], object] | None) -> None:
        self._progress = progress
        self._encode = encode
        self._count = 0
        self._seen: set[int] = set()
        self._members: dict[Path, BaseSet] = {}
        self._placeholders: dict[type, bool] = {}  # class: is it of sets
        self._unchecked: set[Path] = set()

    def tree(self, root: BaseSet) -> Iterator[str]:
        if root.parent is not None:
            yield 'the supersets go in a circle'
        journal = root._journal
        if journal is None:
            # An old release, whose subsets may have any numbers.
            yield from self._member(root, (), None)
            return
        if root._epoch is None:
            yield 'the tree has no epoch'
        yield from self._member(root, (), journal.base)
        yield from self._journal(journal)

    def _member(
            self, member: BaseSet, path: Path, newest: int | None,
    ) -> Iterator[str]:
        if id(member) in self._seen:
            yield f'{_name(path)}: is in the tree twice'
            return
        self._seen.add(id(member))
        self._members[path] = member
        try:
            for problem in self._settled(member, newest):
                yield f'{_name(path)}: {problem}'
            subsets = []
            for key, ob in self._entries(member):
                if isinstance(ob, BaseSet):
                    subsets.append((key, ob))
                elif isinstance(ob, Broken) and self._stands_for_set(ob):
                    yield self._leave_out((*path, key), ob)
                else:
                    yield from self._item(path, key, ob)
            for key, subset in subsets:
                for problem in self._subset(member, subset, key, newest):
                    yield f'{_name((*path, key))}: {problem}'
        except POSKeyError as error:
            yield f'{_name(path)}: an object is missing in the database, ' \
                  f'{error}'
            return
        for key, subset in subsets:
            yield from self._member(subset, (*path, key), newest)

    def _stands_for_set(self, ob: Broken) -> bool:
        """Tell whether a placeholder is of a class of sets.

        Only one of each class is read.
        """
        kind = type(ob)
        if kind not in self._placeholders:
            state: Any = getattr(ob, '__getstate__', dict)()
            self._placeholders[kind] = (
                isinstance(state, dict) and 'generations' in state)
        return self._placeholders[kind]

    def _leave_out(self, path: Path, ob: Broken) -> Unchecked:
        self._unchecked.add(path)
        kind = type(ob)
        return Unchecked(f'{_name(path)}: not checked, since its class is not '
                         f'loaded: {kind.__module__}.{kind.__name__}')

    def _is_left_out(self, path: Path) -> bool:
        return any(path[:end] in self._unchecked
                   for end in range(1, len(path) + 1))

    def _entries(self, member: BaseSet) -> Iterator[tuple[Any, Any]]:
        """Yield id and object of everything in the B-trees."""
        for key, generation in member.generations.items():
            self._count += 1
            if self._count % 10000 == 0:
                self._progress(self._count)
            ob = member.contents.get(generation, MISSING)
            if ob is not MISSING:
                yield key, ob

    def _item(self, path: Path, key: Any, ob: Any) -> Iterator[str]:
        if self._encode is None:
            return
        try:
            self._encode((key, ob))
        except Exception as error:  # whatever the item's own code raises
            yield (f'{_name(path)}: the item {key!r} can not be sent: '
                   f'{type(error).__name__}: {error}')

    # What is settled

    def _settled(
            self, member: BaseSet, newest: int | None) -> Iterator[str]:
        odd = [key for key in member.generations if not is_plain(key)]
        if odd:
            yield _odd(odd)
        for name in 'contents', 'generations', 'removals':
            tree = getattr(member, name)
            try:
                tree._check()
                check_btree(tree)
            except AssertionError as error:
                yield f'{name}: the B-tree is damaged: {error}'
            except TypeError as error:
                yield f'{name}: its ids can not be compared: {error}'
        contents, removals = member.contents, member.removals
        yield from _index(member)
        for generation in contents:
            if generation in removals:
                yield f'generation {generation} is an object and a removal'
        yield from _counts(member)
        yield from _bounds(member, newest)

    def _subset(
            self, superset: BaseSet, subset: BaseSet, key: Any,
            newest: int | None) -> Iterator[str]:
        if bare(subset.parent) is not superset:
            yield f'its parent is {subset.parent!r}, not its superset'
        if told_id(superset, subset) != key:
            yield f'its id is {subset.id!r}'
        if subset._journal is not None or subset._epoch is not None:
            yield 'has a journal or an epoch, as only a root has'
        joined = facts.joined(subset)
        if joined is None:
            yield 'has not joined its superset'
        elif newest is not None and joined > newest:
            yield f'joined at {joined}, which is yet to come'

    # What isn't

    def _journal(self, journal: Journal) -> Iterator[str]:
        records = journal.records
        backlog = journal.backlog
        if backlog is not None and backlog.records:
            records = backlog.records + records
            if backlog.start + len(backlog.records) != journal.start:
                yield (f'journal: starts at {journal.start}, its backlog '
                       f'ends at {backlog.start + len(backlog.records)}')
        if journal.fixed > journal.generation:
            yield f'journal: {journal.fixed} was handed out, and is lost'
        before = Index(0, ())
        for generation, record in enumerate(records, journal.base + 1):
            path, key, change, _, ob = record
            if change >= 0:
                yield from self._item(path, key, ob)
            for problem in self._record(record, before):
                yield f'journal: at {generation}, {record[:-1]}: {problem}'
            before.append(generation, record)

    def _record(self, record: Record, before: Index) -> Iterator[str]:
        path, key, change, previous, ob = record
        odd = [id for id in (*path, key) if not is_plain(id)]
        if odd:
            yield _odd(odd)
            return
        member = self._members.get(path)
        if member is None:
            if not self._is_left_out(path):
                yield 'there is no such set'
            return
        if isinstance(ob, BaseSet):
            yield 'a subset is in the journal'
        entry = before.at(path).entries.get(key) or btrees.get_entry(
            member, key)
        forgotten = not entry[0] and previous <= facts.floor(member)
        if previous != entry[0] and not forgotten:
            yield f'the previous change was at {entry[0]}, not {previous}'
        present = entry[1] is not MISSING and entry[1] is not GONE
        if change != (-1 if change < 0 else int(not present)) or (
                change < 0 and not present):
            yield f'the id was {"" if present else "not "}there before'


def _odd(ids: list[Any]) -> str:
    kind = type(ids[0])
    return (f'{len(ids)} ids are stored as instances of classes, such as '
            f'{kind.__module__}.{kind.__qualname__}, without which nobody '
            'can read them; zc.generationalset.repair makes plain ones of '
            'them')


def _name(path: Path) -> str:
    return '/'.join(map(str, path)) or 'the set'


def _index(member: BaseSet) -> Iterator[str]:
    """Compare the index of ids with the entries that it points to."""
    ids: dict[int, Any] = {}
    for key, generation in member.generations.items():
        if generation in ids:
            yield f'{key!r} and {ids[generation]!r} both have {generation}'
        ids[generation] = key
        if member.removals.get(generation, key) != key:
            yield (f'the removal at {generation} is of '
                   f'{member.removals[generation]!r}, not of {key!r}')
        if generation not in member.contents \
                and generation not in member.removals:
            yield f'{key!r} has {generation}, where nothing is'
    for name in 'contents', 'removals':
        for generation in getattr(member, name):
            if generation not in ids:
                yield f'{name} has {generation}, which no id has'


def _counts(member: BaseSet) -> Iterator[str]:
    for name, expected in (('_length', len(member.contents)),
                           ('_removed', len(member.removals))):
        if getattr(member, name) not in (UNKNOWN, expected):
            yield f'{name} is {getattr(member, name)}, not {expected}'


def _bounds(member: BaseSet, newest: int | None) -> Iterator[str]:
    if not isinstance(member.maximum_removals, int) \
            or member.maximum_removals < 0:
        yield f'maximum_removals is {member.maximum_removals!r}'
    generations = [tree.maxKey() for tree in (member.contents, member.removals)
                   if tree]
    for generation in generations:
        if newest is not None and generation > newest:
            yield f'has {generation}, but the tree is at {newest}'
    if facts.is_old(member):
        return
    if newest is not None and member._floor > newest:
        yield f'the floor is {member._floor}, but the tree is at {newest}'
    if member.removals and member.removals.minKey() <= member._floor:
        yield (f'the floor is {member._floor}, but the removal at '
               f'{member.removals.minKey()} is not forgotten')
