"""Updates: what an answer says of one set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from zc.generationalset.answers import SubsetUpdates, expected


class Updates(NamedTuple):
    """What an answer says of one set."""

    #: Whether everything is gone that isn't in the entries.
    whole: bool
    #: The ids of what is gone.
    removals: list[Any]
    #: Pairs of id and item; for a subset, of id and Updates.
    entries: Iterable[tuple[Any, Any]]
    #: The ids of what isn't in the entries, and stays as it is.
    kept: Collection[Any] = ()


class Lacking(Exception):
    """A replica lacks what an answer says it has: it must start over."""


#: Makes a pair of an entry: its id, and the item or subset.
Pair: TypeAlias = Callable[[Any], tuple[Any, Any]]


def pair(entry: Any) -> tuple[Any, Any]:
    """Return the id of an answer's entry, and its item or subset."""
    if isinstance(entry, SubsetUpdates) and 'id' in entry:
        return entry['id'], entry
    if isinstance(entry, tuple) and len(entry) == 2:
        return entry
    raise expected('an entry, (id, item) or SubsetUpdates with id', entry)


def read(updates: Mapping[str, Any], pair: Pair = pair) -> Updates:
    """Return what the updates of a set say.

    The entries are read and checked only when you iterate over them.

    pair
        Makes a pair of an entry, for updates that aren't an answer.

    Raises ValueError for what isn't updates.
    """
    check_members(updates)
    whole = 'contents' in updates
    entries = _listed(updates, 'contents' if whole else 'adds')
    return Updates(whole, _ids(updates, 'removals'), _pairs(entries, pair),
                   _ids(updates, 'keep'))


def _ids(updates: Mapping[str, Any], name: str) -> list[Any]:
    ids = list(_listed(updates, name))
    for id in ids:
        _check_id(id)
    return ids


def check_members(updates: Mapping[str, Any]) -> None:
    """Raise ValueError if the updates of a set have contents and more."""
    if 'contents' in updates and ('removals' in updates or 'adds' in updates):
        raise ValueError(
            'expected contents in the place of removals and adds, got both')


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


def held(updates: Updates) -> Updates:
    """Return updates with all their entries read, and those of subsets."""
    return updates._replace(entries=[
        (id, held(ob) if isinstance(ob, Updates) else ob)
        for id, ob in updates.entries])
