"""What ``gset import`` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from zc.generationalset import wire
from zc.generationalset.client import Client, Position
from zc.generationalset.commands import Failure
from zc.generationalset.commands.listing import (
    MARKS,
    Path,
    columns,
    line,
    show_path,
)
from zc.generationalset.commands.talking import connect
from zc.generationalset.commands.terminal import progress
from zc.generationalset.replica import Change, Subset
from zc.generationalset.replica.echo import is_echo

#: The most changes, and about the most bytes, of a batch.  They are far below
#: the server's limits, so that other writers needn't wait long.
CHANGES = 1_000
BYTES = 4_000_000


class Contents:
    """The items and the sets of an input, by their paths."""

    def __init__(self) -> None:
        self.items: dict[Path, Any] = {}
        self.sets: dict[Path, None] = {}  # those above come first

    def add(self, path: Path, item: Any) -> None:
        """Add an item, or a Subset.

        Raises ValueError if something else is there.
        """
        above = [path[:length] for length in range(1, len(path))]
        is_set = isinstance(item, Subset)
        for each in [*above, path] if is_set else above:
            if each in self.items:
                raise ValueError(f'{show_path(each)} is an item, and a set')
            self.sets[each] = None
        if is_set:
            return
        if path in self.sets:
            raise ValueError(f'{show_path(path)} is an item, and a set')
        if path in self.items and not _equal(self.items[path], item):
            raise ValueError(f'{show_path(path)} is there twice')
        self.items[path] = item

    def changes(self, replica: Mapping[Any, Any]) -> Iterator[Change]:
        """Yield what makes these contents part of a replica.

        Raises Failure if one has an item where the other has a set.
        """
        for path in self.sets:
            there = _find(replica, path)
            if there is None:
                yield Change('added', path, Subset())
            elif not isinstance(there[0], Subset):
                raise Failure(f'{show_path(path)}: expected a set, but the '
                              'server has an item', 1)
        for path, item in self.items.items():
            there = _find(replica, path)
            if there is None:
                yield Change('added', path, item)
            elif isinstance(there[0], Subset):
                raise Failure(f'{show_path(path)}: expected an item, but the '
                              'server has a set', 1)
            elif not _equal(there[0], item):
                yield Change('changed', path, item)


def _find(items: Mapping[Any, Any], path: Path) -> tuple[Any] | None:
    """Return what is at a path, alone in a tuple; None if nothing is."""
    found: Any = items
    for id in path:
        if not isinstance(found, Mapping) or id not in found:
            return None
        found = found[id]
    return found,


def _equal(one: Any, other: Any) -> bool:
    return (wire.encode_value(one) == wire.encode_value(other)
            or is_echo(one, other))


def bring(options: argparse.Namespace) -> int:
    """Put the contents of an input into a served set."""
    contents = _contents(options.file)
    with connect(options.url, options.token_file, None) as client:
        changes = _changes(client, contents, options)
        if not options.dry_run:
            _write(client, contents, changes, options)
    replaced = sum(change.kind == 'changed' for change in changes)
    count = len(contents.sets) + len(contents.items)
    print(f'{len(changes) - replaced:,} added, {replaced:,} replaced, '
          f'{count - len(changes):,} equal'
          + ('; nothing was written' if options.dry_run else ''))
    return 0


def _changes(
        client: Client, contents: Contents, options: argparse.Namespace,
) -> list[Change]:
    """Return what has to be written.

    Raises Failure if that would replace something, and the user doesn't want
    that.
    """
    client.sync()
    changes = list(contents.changes(client.replica.items))
    replaced = [change for change in changes if change.kind == 'changed']
    is_refused = replaced and not options.replace
    if options.dry_run or is_refused:
        width = columns()
        for kind, path, item in changes if options.dry_run else replaced:
            print(line(MARKS[kind], path, item, width))
    if is_refused:
        raise Failure(f'the server has other items at {len(replaced):,} of '
                      'these paths; --replace replaces them', 1)
    return changes


def _contents(name: str) -> Contents:
    if name == '-':
        return _read(sys.stdin.buffer, 'the input')
    try:
        with open(name, 'rb') as file:
            return _read(file, name)
    except OSError as error:
        raise Failure(f'can not read {name}: {error}') from error


def _read(file: IO[bytes], name: str) -> Contents:
    contents = Contents()
    for number, text in enumerate(file, 1):
        if text.strip():
            try:
                contents.add(*_entry(text))
            except ValueError as error:
                raise Failure(f'{name}, line {number}: {error}') from error
    return contents


def _entry(text: bytes) -> tuple[Path, Any]:
    """Return the path and the item, or an empty Subset, of a line."""
    entry = wire.parse(text)
    if not isinstance(entry, dict) or not isinstance(
            entry.get('path'), list) or not entry['path']:
        raise ValueError('expected an object with "path", a list of ids, as '
                         'gset get --json prints it')
    path = tuple(map(wire.id_from_plain, entry['path']))
    what = {name: value for name, value in entry.items()
            if name not in ('path', 'position')}
    if what == {'set': True}:
        return path, Subset()
    if list(what) != ['item']:
        raise ValueError('expected either "item" or "set": true beside '
                         f'"path", got {", ".join(what) or "nothing"}')
    return path, wire.value_from_plain(what['item'], strict=True)


def _write(
        client: Client, contents: Contents, changes: list[Change],
        options: argparse.Namespace) -> None:
    """Make changes, first all sets.

    Unless items are to be replaced, the items have a condition, so those that
    others add meanwhile stay.  The sets must be there before the position of
    this condition, because the items of a newer set count as changed.
    """
    sets = [('set', change.path) for change in changes
            if isinstance(change.item, Subset)]
    with progress() as tell:
        done = 0

        def send(writes: Iterable[tuple[Any, ...]],
                 since: Position | None) -> None:
            nonlocal done
            for batch in _batches(writes):
                client.batch(batch, unchanged_since=since)
                done += len(batch)
                tell(f'{done:,} of {len(changes):,} written')

        send(sets, None)
        items = _changes(client, contents, options) if sets else changes
        send([('put', change.path, change.item) for change in items],
             None if options.replace else client.position)


def _batches(
        writes: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    batch: list[tuple[Any, ...]] = []
    size = 0
    for write in writes:
        length = sum(len(wire.encode_value(item)) for item in write[2:])
        if batch and (len(batch) == CHANGES or size + length > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += length
    if batch:
        yield batch
