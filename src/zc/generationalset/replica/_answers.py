"""Answers as replicas read them: checked first, then applied."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from zc.generationalset.interfaces import SubsetUpdates, check_epoch


class Misfit(ValueError):
    """An answer to another question than the replica would ask.

    It is late, or came twice, or another process was faster.  Ignore it, and
    ask again when you like.
    """


class Change(NamedTuple):
    """What an answer changed in a replica.

    >>> Change('removed', ('people', 'ann'), {'name': 'Ann'}).path[-1]
    'ann'
    """

    #: 'added', 'changed' or 'removed'.
    kind: str
    #: Ids, those of subsets first.
    path: tuple[Any, ...]
    #: The item; of what was removed, the old one.  For a subset, a `Subset`.
    item: Any


class Subset(dict[Any, Any]):
    """The items of a subset; not an item that is a dictionary."""


class Level(NamedTuple):
    """What an answer says of one set."""

    #: What isn't in the entries is gone.
    whole: bool
    #: Ids.
    removals: list[Any]
    #: Pairs of id and item; for a subset, of id and level.
    entries: Iterable[tuple[Any, Any]]


#: Makes a pair of id and item, or subset, of an entry.
Pair = Callable[[Any], tuple[Any, Any]]


def expected(what: str, got: Any) -> ValueError:
    return ValueError(f'expected {what}, got {reprlib.repr(got)}')


def check_mapping(updates: Any) -> None:
    if not isinstance(updates, Mapping):
        raise expected('updates, a dictionary', updates)


def check_question(updates: Mapping[str, Any]) -> None:
    """Check the members that say what an answer answers, and for whom."""
    since = number(updates, 'since', 0)
    generation = number(updates, 'generation', 1)
    for name in 'epoch', 'since_epoch':
        if not isinstance(updates.get(name), str | None):
            raise expected(f'{name}, a string or None', updates[name])
    if 'epoch' not in updates:
        raise expected('an epoch', updates)
    if updates['epoch'] is not None:
        check_epoch(updates['epoch'])
    if 'reset' in updates:
        if not isinstance(updates['reset'], str):
            raise expected('reset, a string', updates['reset'])
        if 'contents' not in updates:
            raise expected('contents, because of reset', updates)
    elif generation < since:
        raise expected(
            f'a generation of at least {since}, or reset', generation)


def number(updates: Mapping[str, Any], name: str, least: int) -> int:
    value = updates.get(name)
    if type(value) is not int or value < least:
        raise expected(f'{name}, an integer of at least {least}', value)
    return value


def check_fit(
        updates: Mapping[str, Any], generation: int, epoch: str | None,
) -> None:
    """Raise Misfit unless this is the answer to what a replica has."""
    since = updates['since']
    if since != generation:
        raise Misfit(f'expected an answer to generation {generation}, '
                     f'got one to {since}')
    since_epoch = updates.get('since_epoch', updates['epoch'])
    if generation and since_epoch != epoch:
        raise Misfit(f'expected an answer to epoch {epoch!r}, '
                     f'got one to {since_epoch!r}')


def keyed(entry: Any) -> tuple[Any, Any]:
    """Return the pair of an entry of keyed updates."""
    if isinstance(entry, SubsetUpdates) and 'id' in entry:
        return entry['id'], entry
    if isinstance(entry, tuple) and len(entry) == 2:
        return entry
    raise expected('an entry, (id, item) or SubsetUpdates with id', entry)


def read(updates: Mapping[str, Any], pair: Pair) -> Level:
    """Return what updates say of a set, entries being read as needed."""
    whole = 'contents' in updates
    if whole and (updates.get('removals') or updates.get('adds')):
        raise expected('contents, or removals and adds', updates)
    removals = list(_listed(updates, 'removals'))
    for id in removals:
        _check_id(id)
    entries = _listed(updates, 'contents' if whole else 'adds')
    return Level(whole, removals, _pairs(entries, pair))


def _listed(updates: Mapping[str, Any], name: str) -> Iterable[Any]:
    value = updates.get(name, ())
    if not isinstance(value, Iterable) or isinstance(
            value, str | bytes | Mapping):
        raise expected(f'{name}, a list', value)
    return value


def _pairs(
        entries: Iterable[Any], pair: Pair) -> Iterator[tuple[Any, Any]]:
    for entry in entries:
        id, ob = pair(entry)
        _check_id(id)
        yield id, read(ob, pair) if isinstance(ob, SubsetUpdates) else ob


def _check_id(id: Any) -> None:
    if id is None or id != id:  # NaN
        raise expected('an id', id)
    try:
        hash(id)
    except TypeError:
        raise expected('an id, which is hashable', id) from None


def held(level: Level) -> Level:
    """Return a level with all its entries read, all the way down."""
    return level._replace(entries=[
        (id, held(ob) if isinstance(ob, Level) else ob)
        for id, ob in level.entries])


#: Equal values of these may be written in different ways, which are not the
#: same to a user: 1.50 and 1.5, 9 o'clock in Paris and 8 o'clock in London.
_WRITTEN: dict[type, Callable[[Any], str]] = {
    Decimal: str, datetime: datetime.isoformat, time: time.isoformat,
    float: repr}

#: Those that can't be changed in place.
_FIXED = (str, int, float, bool, type(None), bytes, Decimal, datetime, time)


def is_echo(old: Any, new: Any) -> bool:
    """Tell whether an item that arrives is what the replica has already.

    The same object isn't, unless it is of a type that can't change: a set in
    the same process may have changed it in place.
    """
    if old is new:
        return isinstance(new, _FIXED)
    try:
        return _same(old, new)
    except Exception:  # objects that can't be compared may differ
        return False


def _same(old: Any, new: Any) -> bool:
    """Tell whether values are equal, and of the same types: 1 isn't True."""
    if type(old) is not type(new):
        return False
    if isinstance(new, dict):
        return len(old) == len(new) and all(
            key in old and _same(old[key], value)
            for key, value in new.items())
    if isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    written = _WRITTEN.get(type(new))
    if written is not None:
        return written(old) == written(new)
    return bool(old == new)
