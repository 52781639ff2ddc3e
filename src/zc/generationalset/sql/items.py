"""Rows as items of sets."""

from __future__ import annotations

from typing import Any, NamedTuple

from zc.generationalset import wire
from zc.generationalset.sql.database import Row
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.tables import Key, Table


class Item(NamedTuple):
    """A row as an item: an object with a member for each column."""

    table: Table
    row: Row

    @property
    def value(self) -> dict[str, Any]:
        return dict(zip(
            [column.name for column in self.table.columns], self.row.values,
            strict=True))

    def __wire__(self) -> bytes:
        return wire.encode_value(self.value)


def columns_of(table: Table, item: Any) -> dict[str, Any]:
    """Return the values that an item has for columns.

    item
        As ``wire`` decodes it.

    Raises WrongValue for what can't be a row of the table.
    """
    if type(item) is not dict:
        raise WrongValue(f'table {table}: expected an object with a member '
                         'for each column, got another value')
    names = [column.name for column in table.columns]
    unknown = sorted(item.keys() - set(names))
    if unknown:
        raise WrongValue(f'table {table}: expected columns of '
                         f'{", ".join(names)}, got {", ".join(unknown)}')
    return item


def values_of(table: Table, key: Key, item: Any) -> dict[str, Any]:
    """Return the values that an item has for columns, without the key.

    Raises WrongValue, also if the item has another key.
    """
    values = dict(columns_of(table, item))
    for name, wanted in zip(table.key, key, strict=True):
        if name in values and values.pop(name) != wanted:
            raise WrongValue(f'table {table}, column {name}: expected '
                             f'{wanted!r}, as in the path')
    return values
