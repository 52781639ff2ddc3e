"""Items of a set as rows of its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zc.generationalset.parts import Path
from zc.generationalset.sql.database import Values
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.items import values_of
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.updates import Updates

#: Types of ids whose equal values of the same type are the same.
_PLAIN = frozenset([int, str])


def rows_of(
        table: Table, path: Path, entries: Iterable[tuple[Any, Any]],
) -> list[Values]:
    """Return the values of rows for pairs of id and item.

    O(entries).

    path
        That of the set.

    Raises WrongValue for an item that can't be a row of the table.
    """
    names = {column.name for column in table.columns}
    key = table.key[0] if len(table.key) == 1 else None
    rows = []
    for id, item in entries:
        # Mostly, the item is the row.
        if type(item) is dict and type(id) in _PLAIN \
                and type(item.get(key)) is type(id) and item[key] == id \
                and item.keys() <= names:
            rows.append(item)
        else:
            rows.append(_row(table, (*path, id), item))
    return rows


def _row(table: Table, path: Path, item: Any) -> Values:
    """Return the values of an item's row."""
    if isinstance(item, Updates):
        raise WrongValue(f'table {table}: expected rows, got the set {path}')
    try:
        key = table.key_of(path[-1])
    except ValueError as error:
        raise WrongValue(str(error)) from error
    return {**dict(zip(table.key, key, strict=True)),
            **values_of(table, key, item)}


def filled(
        names: Sequence[str], rows: Sequence[Values],
) -> tuple[tuple[str, ...], Sequence[Values]]:
    """Return rows with the same columns, and these.

    What a row lacks is NULL.

    names
        Columns that are among them.

    >>> filled(['a'], [{'a': 1}, {'a': 2, 'b': 3}])
    (('a', 'b'), [{'a': 1, 'b': None}, {'a': 2, 'b': 3}])
    """
    shapes = dict.fromkeys(map(tuple, rows))
    columns = tuple(dict.fromkeys(
        [*names, *(name for shape in shapes for name in shape)]))
    if shapes.keys() - {columns}:
        empty: Values = dict.fromkeys(columns)
        rows = [{**empty, **row} for row in rows]
    return columns, rows


def keys_of(table: Table, ids: Iterable[Any]) -> list[Key]:
    """Return the keys of ids, but of those that no row can have."""
    keys = []
    for id in ids:
        try:
            keys.append(table.key_of(id))
        except ValueError:
            continue
    return keys
