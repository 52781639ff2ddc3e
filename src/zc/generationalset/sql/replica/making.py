"""Tables that are made for the rows that come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zc.generationalset.sql.database import Applying
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.tables import Table

#: The name of the key's column if items don't have the id.
_ID = 'id'


def make_table(
        applying: Applying, name: str, entries: Sequence[tuple[Any, Any]],
) -> Table:
    """Make a table for items with their ids.

    O(entries).

    The columns are the members of the items.  Those that are the same as the
    ids are the primary key; if there are none, it is another column, id.

    Raises WrongValue for an item that isn't an object, and DatabaseError if no
    type fits all values of a column.
    """
    for id, item in entries:
        if type(item) is not dict:
            raise WrongValue(f'table {name}: expected objects, got the item '
                             f'{id!r}, which is none')
    columns: dict[str, list[Any]] = {}
    for _, item in entries:
        for column, value in item.items():
            columns.setdefault(column, []).append(value)
    first = entries[0][0]
    ids = [id if isinstance(first, tuple) else (id,) for id, _ in entries]
    key = []
    for place in range(len(ids[0])):
        values = [id[place] for id in ids]
        column = _key_column(
            [each for each in columns if each not in key], columns, values)
        columns = {column: values, **columns} if column not in columns \
            else columns
        key.append(column)
    return applying.create(name, key, columns)


def _key_column(
        names: Sequence[str], columns: dict[str, list[Any]],
        ids: Sequence[Any]) -> str:
    """Return the column that has the ids; a new one if none has."""
    same = [name for name in names if columns[name] == ids]
    if _ID in same:
        return _ID
    if same:
        return same[0]
    name = _ID
    while name in columns:
        name += '_'
    return name
