"""What changed in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zc.generationalset.chunks import chunks
from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.items import Item
from zc.generationalset.sql.tables import Key, Table

#: How many rows are read, and kept, at a time.
CHUNK = 1000


def news(reading: Reading, table: Table, since: int) -> dict[str, Any]:
    """Return the updates of a table since a generation; {} for none."""
    if since < reading.floor(table):
        return {'contents': contents(reading, table)}
    if since >= reading.position.generation:
        return {}
    keys, place = reading.some_changes(table, since, (), CHUNK)
    if not place:
        return listed(reading, table, keys)
    # Too many to keep, so they are read twice: removals come first.
    return {'removals': _removals(reading, table, since),
            'adds': _adds(reading, table, since)}


def are_many(updates: Any) -> bool:
    """Tell whether the updates of a table list many changes.

    To find the first one may take long.
    """
    return isinstance(updates.get('removals'), Iterator)


def listed(
        reading: Reading, table: Table, keys: Sequence[Key],
) -> dict[str, Any]:
    """Return the updates for rows that changed."""
    updates: dict[str, Any] = {}
    rows = list(reading.rows(table, keys))
    there = {row.key for row in rows}
    removals = [table.id_of(key) for key in keys if key not in there]
    if removals:
        updates['removals'] = removals
    if rows:
        updates['adds'] = [entry(table, Item(table, row)) for row in rows]
    return updates


def contents(reading: Reading, table: Table) -> Iterator[Any]:
    """Yield the entries of all rows."""
    for row in reading.scan(table):
        yield entry(table, Item(table, row))


def _removals(
        reading: Reading, table: Table, since: int) -> Iterator[Any]:
    for keys in _changes(reading, table, since):
        there = {row.key for row in reading.rows(table.narrow, keys)}
        for key in keys:
            if key not in there:
                yield table.id_of(key)


def _adds(reading: Reading, table: Table, since: int) -> Iterator[Any]:
    for keys in _changes(reading, table, since):
        for row in reading.rows(table, keys):
            yield entry(table, Item(table, row))


def _changes(
        reading: Reading, table: Table, since: int) -> Iterator[list[Key]]:
    """Yield the keys of what may have changed, some at a time."""
    return chunks(reading.changes(table, since), CHUNK)


def entry(table: Table, item: Item) -> tuple[Any, Item]:
    return table.id_of(item.row.key), item
