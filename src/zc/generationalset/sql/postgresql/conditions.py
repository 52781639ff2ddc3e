"""Conditions of rows: which can be followed, and how they stand in queries.

Nobody would notice that a condition begins or ceases to hold if it depended on
anything but the row.  PostgreSQL itself knows that, as it accepts no such
condition for an index.  So an index is tried, and taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.errors import InvalidObjectDefinition
from psycopg_pool import ConnectionPool

from zc.generationalset.sql.conditions import (
    PLACE,
    REMEMBERED,
    condition,
    filled,
    names,
)
from zc.generationalset.sql.errors import DatabaseError, WrongValue
from zc.generationalset.sql.postgresql import triggers
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.layout import Tracked
from zc.generationalset.sql.postgresql.names import quoted
from zc.generationalset.sql.postgresql.values import text_of
from zc.generationalset.sql.tables import Column, Condition


def placed(text: str, taken: int) -> str:
    r"""Return a condition as a part of a statement.

    taken
        How many parameters of the statement come before.

    >>> placed('a = \0::text OR b = \0::int', 2)
    'a = $3::text OR b = $4::int'
    """
    return filled(text, [
        f'${taken + place}' for place in range(1, 1 + text.count(PLACE))])


def note_columns(tracked: Tracked) -> str:
    """Return the names that notes have, as those of the table's columns."""
    table = tracked.table
    return ', '.join([
        f'{name} AS {quoted(column)}' for name, column in [
            *zip(triggers.keys(table), table.key, strict=True),
            *zip(triggers.olds(tracked.noted), tracked.noted, strict=True)]])


class Conditions:
    """Makes conditions of text, for the tables of a database."""

    def __init__(self, connections: ConnectionPool[Connection]) -> None:
        self._connections = connections
        self._types = lru_cache(REMEMBERED)(self._tried)
        self._check = lru_cache(REMEMBERED)(self._cast)

    def of(
            self, tracked: Tracked, where: str, parameters: Mapping[str, Any],
    ) -> Condition:
        """Return a condition.  Raises DatabaseError."""
        text, values = condition(where, parameters)
        types = self._types(tracked, text)
        try:
            texts = tuple(map(
                text_of, [Column('of a condition', type) for type in types],
                values))
            self._check(types, texts)
        except (WrongValue, psycopg.DataError) as error:
            raise DatabaseError(
                f'table {tracked.table}: expected values of the types '
                f'{", ".join(types)} for the parameters of {where}') from error
        return Condition(
            filled(text, [f'{PLACE}::{type}' for type in types]), texts)

    def _tried(self, tracked: Tracked, text: str) -> tuple[str, ...]:
        """Return the types of the parameters of a condition.

        Raises DatabaseError if it can't be followed.
        """
        try:
            with self._connections.connection() as connection, \
                    connection.transaction(force_rollback=True):
                return _try(connection, tracked, text)
        except (psycopg.ProgrammingError, psycopg.NotSupportedError,
                psycopg.DataError) as error:
            why = 'it depends on more than the row' \
                if isinstance(error, InvalidObjectDefinition) \
                else error.diag.message_primary
            columns = ', '.join([*tracked.table.key, *tracked.noted])
            raise DatabaseError(
                f'table {tracked.table}: expected a condition of columns that '
                f'are noted, which are {columns}; got '
                f'{text.replace(PLACE, ":")}: {why}') from error

    def _cast(
            self, types: tuple[str, ...], texts: tuple[str | None, ...],
    ) -> None:
        """Raise DataError for texts that are no values of some types."""
        if types:
            values = ', '.join([f'${place}::{type}' for place, type
                                in enumerate(types, 1)])
            with self._connections.connection() as connection:
                execute(connection, f'SELECT {values}', *texts)


def _try(
        connection: Connection, tracked: Tracked, text: str,
) -> tuple[str, ...]:
    notes = 'olds' if tracked.noted else 'rows'
    places = names(text)
    # Another process that does the same waits for the end of this.
    execute(connection, f'''
        CREATE TABLE gset.probe AS SELECT {note_columns(tracked)}
        FROM gset.{notes}_{tracked.number} WITH NO DATA''')
    execute(connection, 'PREPARE gset_probe AS '
            f'SELECT FROM gset.probe WHERE ({placed(text, 0)})')
    [[types]] = execute(
        connection, 'SELECT parameter_types::text[] '
        "FROM pg_catalog.pg_prepared_statements WHERE name = 'gset_probe'")
    execute(connection, 'DEALLOCATE gset_probe')
    if len(types) != len(places):
        raise DatabaseError('expected parameters outside of texts and '
                            f'comments, got {text.replace(PLACE, ":")}')
    for name, type in zip(places, types, strict=True):
        execute(connection, f'ALTER TABLE gset.probe ADD COLUMN {name} {type}')
    execute(connection, 'CREATE INDEX ON gset.probe ((1)) '
            f'WHERE ({filled(text, places)})')
    return tuple(types)
