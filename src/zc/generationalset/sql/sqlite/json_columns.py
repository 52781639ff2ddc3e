"""Columns that are declared JSON: their text is JSON, and is read as that.

Text that is no JSON is a string.  A column of the key isn't among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from zc.generationalset.sql import documents
from zc.generationalset.sql.tables import Column, Table

#: The type of columns that are made for JSON.  They store text, as those that
#: are declared JSON alone make a number of "1.0", 1.
TYPE = 'JSON TEXT'


def is_json(table: Table, column: Column) -> bool:
    return column.name not in table.key and is_declared(column)


def is_declared(column: Column) -> bool:
    """Tell whether a column is declared JSON, or JSONB."""
    return 'JSON' in column.type.upper()


def places(table: Table) -> list[int]:
    """Return the places of these columns among those of a table."""
    return [place for place, column in enumerate(table.columns)
            if is_json(table, column)]


def loaded(
        places: Sequence[int], rows: Iterable[tuple[Any, ...]],
) -> Iterable[tuple[Any, ...]]:
    """Return rows as values; at some places, SQLite has JSON."""
    return _changed(rows, places, _load) if places else rows


def dumped(
        table: Table, names: Iterable[str], rows: Iterable[Sequence[Any]],
) -> Iterable[Sequence[Any]]:
    """Return values of some columns as SQLite stores them."""
    json = {table.columns[place].name for place in places(table)}
    found = [place for place, name in enumerate(names) if name in json]
    return _changed(rows, found, _dump) if found else rows


def _changed(
        rows: Iterable[Sequence[Any]], places: Sequence[int],
        change: Callable[[Any], Any],
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        values = list(row)
        for place in places:
            values[place] = change(values[place])
        yield tuple(values)


def _load(value: Any) -> Any:
    if type(value) is not str:  # NULL, a number, or JSON of SQLite's own form
        return value
    try:
        return documents.load(value)
    except ValueError:
        return value


def _dump(value: Any) -> str | None:
    return None if value is None else documents.dump(value)
