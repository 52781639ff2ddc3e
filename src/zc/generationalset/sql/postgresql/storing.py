"""What columns of PostgreSQL store for values that another database has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from zc.generationalset.sql import documents
from zc.generationalset.sql.database import Values
from zc.generationalset.sql.errors import DatabaseError, WrongValue
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.loaders import selected
from zc.generationalset.sql.postgresql.sure import are_sure
from zc.generationalset.sql.postgresql.values import is_same, text_of, wrong
from zc.generationalset.sql.tables import Column, Table
from zc.generationalset.sql.texts import as_text


def stored(
        connection: Connection, table: Table, rows: Sequence[Values],
) -> list[Values]:
    """Return rows as they will be read; see ``Applying``."""
    unsure = _unsure(table, rows)
    if not unsure:
        return list(rows)
    found = [dict(row) for row in rows]
    for column, places in unsure.items():
        values = [rows[place][column.name] for place in places]
        try:
            read = _read_all(connection, column, values)
        except WrongValue as error:
            raise WrongValue(f'table {table}, {error}') from error
        for place, value in zip(places, read, strict=True):
            found[place][column.name] = value
    return found


def _unsure(
        table: Table, rows: Sequence[Values]) -> dict[Column, list[int]]:
    """Return the places of rows of whose values only PostgreSQL knows what it
    stores.
    """
    columns = {column.name: column for column in table.columns}
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        shapes[tuple(row)].append(place)
    unsure: dict[Column, list[int]] = defaultdict(list)
    for names, places in shapes.items():
        for name in names:
            if name not in columns:
                raise WrongValue(f'table {table}: expected columns '
                                 f'{", ".join(columns)}, got {name}')
            column = columns[name]
            if not are_sure(
                    column.type, [rows[place][name] for place in places]):
                unsure[column] += [place for place in places if not are_sure(
                    column.type, [rows[place][name]])]
    return unsure


def _read_all(
        connection: Connection, column: Column, values: Sequence[Any],
) -> list[Any]:
    """Return what a column stores for values.  Raises WrongValue."""
    texts = [_text(column, value) for value in values]
    try:
        with connection.transaction():  # a savepoint
            read = [value for [value] in execute(
                connection, f'SELECT {selected("t", column.type)} FROM ('
                f'SELECT n, w::{column.type} AS t '
                'FROM unnest($1::text[]) WITH ORDINALITY AS w (w, n)) AS w '
                'ORDER BY n', texts)]
    except psycopg.DataError as error:
        if len(values) == 1:
            raise WrongValue(f'{wrong(column, values[0])}: '
                             f'{error.diag.message_primary}') from error
        return [read for value in values
                for read in _read_all(connection, column, [value])]
    for value, found in zip(values, read, strict=True):
        if not _stands_for(value, found):
            raise wrong(column, value, found)
    return read


def _text(column: Column, value: Any) -> str | None:
    if column.type == 'boolean' and type(value) is int and value in (0, 1):
        return 'true' if value else 'false'
    return text_of(column, value)


def _stands_for(value: Any, stored: Any) -> bool:
    """Tell whether a value is what is stored, or its text.

    Databases without booleans have 0 and 1; those without arrays have JSON.
    """
    if isinstance(value, str) and not isinstance(stored, str):
        return as_text(stored) == value
    if isinstance(value, list) and isinstance(stored, list):
        return len(value) == len(stored) and all(
            map(_stands_for, value, stored))
    return is_same(value, stored) or (
        isinstance(stored, bool) and type(value) is int and value == stored)


#: The types of columns for values of some types.
_TYPES: list[tuple[tuple[type, ...], str]] = [
    ((bool,), 'boolean'), ((int,), 'bigint'), ((float,), 'double precision'),
    ((int, float, Decimal), 'numeric'), ((str,), 'text'), ((bytes,), 'bytea'),
    ((date,), 'date'), ((time,), 'time'), ((UUID,), 'uuid'),
    ((bool, int, float, Decimal, str, dict, list,
      type(documents.JSON_NULL)), 'jsonb')]


def type_for(table: str, column: str, values: Iterable[Any]) -> str:
    """Return a type for a column that has some values.

    Raises DatabaseError if there is none for all of them.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {datetime}:
        zoned = {value.tzinfo is not None for value in values
                 if value is not None}
        return 'timestamp' if zoned == {False} else 'timestamptz'
    for some, name in _TYPES:
        if kinds and kinds <= set(some):
            return name
    if kinds:
        names = ', '.join(sorted(kind.__name__ for kind in kinds))
        raise DatabaseError(
            f'table {table}, column {column}: expected values that a type has '
            f'in common, got {names}; make the table beforehand')
    return 'text'
