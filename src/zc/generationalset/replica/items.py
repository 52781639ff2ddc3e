"""The items of a replica in memory, and how updates change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from zc.generationalset.answers import Change, Subset, SubsetUpdates
from zc.generationalset.parts import Path
from zc.generationalset.replica.echo import is_echo
from zc.generationalset.updates import Lacking, Updates


def update(
        items: dict[Any, Any], updates: Updates, path: Path,
        changes: list[Change]) -> None:
    """Change the items of a set as its updates say."""
    gone = _unlisted(items, updates) if updates.whole else updates.removals
    remove(items, gone, path, changes)
    _enter(items, updates, path, set(), changes)


def replace(
        items: dict[Any, Any], updates: Updates, path: Path,
        changes: list[Change]) -> None:
    """Make the items of a set those that updates list, and no others.

    The server says that the client has none of these.  The items that are
    here only serve to find what changes.
    """
    remove(items, _unlisted(items, updates), path, changes)
    _enter(items, updates, path, set(items), changes)


#: ``update`` or ``replace``.
Apply = Callable[[dict[Any, Any], Updates, Path, list[Change]], None]


def _unlisted(items: dict[Any, Any], updates: Updates) -> list[Any]:
    rest = dict.fromkeys(items)
    for id in chain((id for id, _ in updates.entries), updates.kept):
        rest.pop(id, None)
    return list(rest)


def check_kept(items: Mapping[Any, Any], updates: Updates) -> None:
    """Raise Lacking unless a set, and its subsets, have all that is kept."""
    if not all(id in items for id in updates.kept):
        raise Lacking
    for id, ob in updates.entries:
        if isinstance(ob, Updates):
            check_kept(subset_at(items, (id,)), ob)


def subset_at(items: Mapping[Any, Any], path: Path) -> Mapping[Any, Any]:
    """Return the items of the subset at a path; none if it isn't there."""
    for id in path:
        items = items.get(id, _NOTHING)
        if not isinstance(items, Subset):
            return _NOTHING
    return items


_NOTHING = Subset()


def remove(
        items: dict[Any, Any], ids: list[Any], path: Path,
        changes: list[Change]) -> None:
    for id in ids:
        if id in items:
            changes.append(Change('removed', (*path, id), items.pop(id)))


def _enter(
        items: dict[Any, Any], updates: Updates, path: Path, stale: set[Any],
        changes: list[Change]) -> None:
    """Put the entries of updates; ``stale`` has ids of subsets to replace."""
    for id, ob in updates.entries:
        if isinstance(ob, Updates):
            subset = _put_subset(items, id, path, changes)
            change = replace if id in stale else update
            change(subset, ob, (*path, id), changes)
            stale.discard(id)
        else:
            _put(items, id, ob, path, changes)


def put_page(
        items: dict[Any, Any], updates: Updates, path: Path,
        remaining: dict[Path, dict[Any, None]], changes: list[Change],
) -> None:
    """Put the entries of a page into a set.

    With the last page of its contents, what no page has listed goes.

    remaining
        Path of a set -> the ids that it had before the first page, and that no
        page has listed.
    """
    rest = remaining.setdefault(path, dict.fromkeys(items))
    remove(items, updates.removals, path, changes)
    for id, ob in updates.entries:
        rest.pop(id, None)
        if isinstance(ob, Updates):
            subset = _put_subset(items, id, path, changes)
            put_page(subset, ob, (*path, id), remaining, changes)
        else:
            _put(items, id, ob, path, changes)
    for id in updates.kept:
        rest.pop(id, None)
    if updates.whole:
        remove(items, list(rest), path, changes)


def part(
        items: dict[Any, Any], path: Path, changes: list[Change],
) -> dict[Any, Any]:
    """Return the subset that is a part; make it if it isn't there."""
    for depth, id in enumerate(path):
        if id not in items:
            _put_subset(items, id, path[:depth], changes)
        items = items[id]
    return items


def drop(
        items: dict[Any, Any], path: Path, changes: list[Change]) -> None:
    """Remove a part, and the sets above it that have nothing else."""
    sets = [items]
    for id in path[:-1]:
        sets.append(sets[-1][id])
    depth = len(path) - 1
    while depth and len(sets[depth]) == 1:
        depth -= 1
    remove(sets[depth], [path[depth]], path[:depth], changes)


def _put_subset(
        items: dict[Any, Any], id: Any, path: Path, changes: list[Change],
) -> Subset:
    """Move a subset, which may be new, to the end, and return it."""
    subset = items.pop(id, _MISSING)
    if not isinstance(subset, Subset):
        if subset is not _MISSING:
            changes.append(Change('removed', (*path, id), subset))
        subset = Subset()
        changes.append(Change('added', (*path, id), subset))
    items[id] = subset
    return subset


def _put(
        items: dict[Any, Any], id: Any, item: Any, path: Path,
        changes: list[Change]) -> None:
    """Put an item at the end."""
    old = items.pop(id, _MISSING)
    if isinstance(old, Subset):
        changes.append(Change('removed', (*path, id), old))
        old = _MISSING
    items[id] = item
    if old is _MISSING:
        changes.append(Change('added', (*path, id), item))
    elif not is_echo(old, item):
        changes.append(Change('changed', (*path, id), item))


_MISSING = object()


def entries(items: dict[Any, Any]) -> Iterator[Any]:
    """Yield the entries of contents."""
    for id, item in items.items():
        if isinstance(item, Subset):
            yield SubsetUpdates(id=id, contents=entries(item))
        else:
            yield id, item
