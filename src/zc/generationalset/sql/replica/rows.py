"""Items of a set as rows of its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
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
    values = values_of(table, key, item)
    # Equal ids have one form, but 1.0 and 1.00 in a column aren't the same.
    own = {name: item[name] for name in table.key if name in item}
    return {**dict(zip(table.key, key, strict=True)), **own, **values}


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


def check_keys(
        table: Table, rows: Sequence[Values], stored: Iterable[Key]) -> None:
    """Raise WrongValue if a removal's id wouldn't find a row.

    O(rows).

    The id 1.5 doesn't say whether a column of text has 1.5 or 1.50.

    rows
        As they came.
    stored
        Their keys, as the table has them.
    """
    stored = list(stored)
    for place, name in enumerate(table.key):
        if Decimal in {type(row[name]) for row in rows} \
                and str in {type(key[place]) for key in stored}:
            raise WrongValue(
                f'table {table}, column {name}: expected a type in which '
                'equal decimal numbers are one key, got text')


def keys_of(table: Table, ids: Iterable[Any]) -> list[Key]:
    """Return the keys of ids, but of those that no row can have."""
    keys = []
    for id in ids:
        try:
            keys.append(table.key_of(id))
        except ValueError:
            continue
    return keys
