"""Makes rows of a table what another database has.

Removals come first.  Then rows are changed and added.  If unique values
collide, because rows swap them, all of these rows go first, and come again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from zc.generationalset.replica.echo import is_echo
from zc.generationalset.sql.database import Applying, Values
from zc.generationalset.sql.errors import Collision, WrongValue
from zc.generationalset.sql.tables import Key, Table

#: Types whose equal values are the same.
_PLAIN = frozenset([int, str, bytes, bool, type(None)])


class Batch(NamedTuple):
    """What is to be applied to a table, as its columns have the values."""

    table: Table
    removals: list[Key]
    rows: dict[Key, Values]


class Applied(NamedTuple):
    """What changed in a row.

    kind
        'added', 'changed' or 'removed'.
    values
        Those of the row's columns; of a removed row, the old ones.
    """

    kind: str
    key: Key
    values: Values


def batch(
        applying: Applying, table: Table, removals: Iterable[Key],
        rows: Iterable[Values]) -> Batch:
    """Return what is to be applied, as the columns will have the values.

    O(rows).

    removals
        Keys of rows.  The rows needn't be there, or be possible.
    rows
        Values by column; those of the key must be among them.  Columns that
        are left out stay as they are.  Those that the database computes are
        ignored.

    Raises WrongValue for a value that its column would store as another one,
    and for an unknown column.
    """
    computed = {column.name for column in table.columns if column.is_generated}
    if computed:
        rows = [{name: value for name, value in row.items()
                 if name not in computed} for row in rows]
    stored = applying.stored(table, list(rows))
    kept = {_key(table, row): row for row in stored}
    return Batch(table, [
        key for key in _possible(applying, table, list(removals))
        if key not in kept], kept)


def _possible(
        applying: Applying, table: Table, keys: list[Key]) -> list[Key]:
    """Return keys as the table has them, without those that it can't have."""
    rows = [dict(zip(table.key, key, strict=True)) for key in keys]
    try:
        return [_key(table, row) for row in applying.stored(table, rows)]
    except WrongValue:
        return [] if len(keys) == 1 else [
            found for key in keys for found in _possible(
                applying, table, [key])]


def _key(table: Table, row: Values) -> Key:
    return tuple([row[name] for name in table.key])


def apply(applying: Applying, batch: Batch) -> list[Applied]:
    """Apply a batch; return what that changed.

    O(rows of the batch), unless unique values collide.

    Rows that are there already aren't written, so nobody is told of them.

    Raises Refused, with nothing changed; Collision if a unique value is that
    of a row that isn't in the batch.
    """
    table, removals, rows = batch
    names = [column.name for column in table.columns]
    places = {name: place for place, name in enumerate(names)}
    there = {row.key: row.values
             for row in applying.rows(table, [*removals, *rows])}
    gone = [key for key in removals if key in there]
    new = {key: row for key, row in rows.items() if key not in there}
    changed = {key: row for key, row in rows.items()
               if key in there and not _is_there(row, there[key], places)}
    old = {key: dict(zip(names, there[key], strict=True))
           for key in (*gone, *changed)}
    with applying.savepoint():
        applying.delete_all(table, gone)
        _put(applying, table, new, {key: (old[key], row)
                                    for key, row in changed.items()})
    return [*(Applied('removed', key, old[key]) for key in gone),
            *(Applied('changed', *each) for each in changed.items()),
            *(Applied('added', *each) for each in new.items())]


def _is_there(
        row: Values, old: Sequence[Any], places: Mapping[str, int]) -> bool:
    for name, value in row.items():
        was = old[places[name]]
        kind = type(value)
        if kind is type(was) and (kind in _PLAIN or _is_ordinary(value)):
            if was != value:
                return False
        elif not is_echo(was, value):
            return False
    return True


def _is_ordinary(value: Any) -> bool:
    """Tell whether this is a double that equals the same double alone."""
    return type(value) is float and (value > 0 or value < 0)


def _put(
        applying: Applying, table: Table, new: Mapping[Key, Values],
        changed: Mapping[Key, tuple[Values, Values]]) -> None:
    try:
        with applying.savepoint():
            for names, rows in _by_columns(
                    [row for _, row in changed.values()]):
                applying.update_all(table, names, rows)
            for names, rows in _by_columns(new.values()):
                applying.insert_all(table, names, rows)
    except Collision:
        if not changed:
            raise
        _replace(applying, table, new, changed)


def _replace(
        applying: Applying, table: Table, new: Mapping[Key, Values],
        changed: Mapping[Key, tuple[Values, Values]]) -> None:
    """Put rows when none of them is there, with their other columns."""
    computed = {column.name for column in table.columns if column.is_generated}
    whole = [{name: value for name, value in {**old, **row}.items()
              if name not in computed} for old, row in changed.values()]
    applying.delete_all(table, list(changed))
    for names, rows in _by_columns([*whole, *new.values()]):
        applying.insert_all(table, names, rows)


def _by_columns(
        rows: Iterable[Values],
) -> list[tuple[Sequence[str], list[tuple[Any, ...]]]]:
    """Return rows, grouped by the columns that they have."""
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row)].append(tuple(row.values()))
    return list(groups.items())
