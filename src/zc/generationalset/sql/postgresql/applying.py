"""A transaction that makes rows what another database has.

The role of the session is that of a replica, so no triggers fire but those of
the tracking, and nobody enforces foreign keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege

from zc.generationalset.sql.database import Values
from zc.generationalset.sql.errors import (
    Collision,
    DatabaseError,
    Refused,
)
from zc.generationalset.sql.postgresql import catalog, references, storing
from zc.generationalset.sql.postgresql.catalog import Relation
from zc.generationalset.sql.postgresql.conditions import Conditions
from zc.generationalset.sql.postgresql.connections import (
    Connection,
    execute,
    told,
)
from zc.generationalset.sql.postgresql.keys import Keys
from zc.generationalset.sql.postgresql.layout import Layout, Tracked, findable
from zc.generationalset.sql.postgresql.loaders import base_of
from zc.generationalset.sql.postgresql.moment import Moment
from zc.generationalset.sql.postgresql.names import (
    listed,
    quoted,
)
from zc.generationalset.sql.postgresql.notes import PostgreSQLNotes
from zc.generationalset.sql.postgresql.values import (
    array_of,
    lines_of,
    texts_of,
)
from zc.generationalset.sql.postgresql.writing import PostgreSQLWriting
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.sql.touched import Touched

#: How many rows go to COPY at a time.
CHUNK = 1000

_SCHEMA = '''
    SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)'''

# Triggers that fire unless the role is that of a replica; those of foreign
# keys are among them.
_TRIGGERS = '''
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_trigger
        WHERE tgrelid = $1 AND tgenabled = 'O')'''

# With the role of a replica, nobody would check these.
_DEFERRABLE = '''
    SELECT conname FROM pg_catalog.pg_constraint
    WHERE conrelid = $1 AND contype IN ('p', 'u', 'x') AND condeferrable'''


class PostgreSQLApplying(PostgreSQLWriting):
    """See ``Applying``."""

    def __init__(
            self, connection: Connection, layout: Layout, moment: Moment,
            conditions: Conditions) -> None:
        super().__init__(
            connection, layout, moment, moment.generation + 1, conditions)
        self._is_replica = _become_replica(connection)
        self._relations = self._users()
        self._others: dict[str, Tracked] = {}
        self._touched = Touched()

    def _users(self) -> dict[str, Relation]:
        return {str(relation.table): findable(relation)
                for relation in catalog.users_relations(self._connection)
                if relation.kind in 'rp'}

    def find(self, name: str) -> Table | None:
        found = [relation.table for relation in self._relations.values()
                 if name == str(relation.table)] or [
                     relation.table for relation in self._relations.values()
                     if name == relation.table.name]
        return found[0] if len(found) == 1 else None

    def _tracked(self, name: str) -> Tracked:
        if name in self._layout.names or name not in self._relations:
            return super()._tracked(name)
        if name not in self._others:
            [relation] = catalog.with_leaves(
                self._connection, [self._relations[name]])
            self._others[name] = Tracked(0, relation, '', ())
        return self._others[name]

    def stored(self, table: Table, rows: Sequence[Values]) -> list[Values]:
        return storing.stored(self._connection, table, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    def delete_all(self, table: Table, keys: Sequence[Key]) -> None:
        if not keys:
            return
        of = Keys(table)
        with self._changing(table):
            execute(self._connection, f'''
                DELETE FROM {self._relation(table).target} t
                USING unnest({of.arrays}) AS w ({of.names})
                WHERE {of.is_wanted}''', *of.arrays_of(keys))
        self._touched.lose(table)

    def update_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        types = {column.name: column.type for column in table.columns}
        values = {name: f'w.c{place}::{types[name]}'
                  for place, name in enumerate(names, 1)}
        is_row = ' AND '.join([f't.{quoted(name)} = {values[name]}'
                               for name in table.key])
        for name in table.key:
            if base_of(types[name]) != 'numeric':  # equal ones may differ
                del values[name]
        if not (rows and values):
            return
        settings = ', '.join([f'{quoted(name)} = {value}'
                              for name, value in values.items()])
        places = range(1, len(names) + 1)
        arrays = ', '.join([f'${place}::text[]' for place in places])
        given = ', '.join([f'c{place}' for place in places])
        with self._changing(table):
            execute(self._connection, f'''
                UPDATE {self._relation(table).target} t SET {settings}
                FROM unnest({arrays}) AS w ({given}) WHERE {is_row}''',
                *map(array_of, self._texts_of(table, names, rows)))
        self._touched.write(table, names, rows)
        self._touched.change(table)

    def insert_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        statement = (f'COPY {self._relation(table).name} ({listed(names)}) '
                     'FROM STDIN')
        with self._changing(table), \
                self._connection.cursor() as cursor, \
                cursor.copy(statement.encode()) as copy:
            for first in range(0, len(rows), CHUNK):
                copy.write(lines_of(self._texts_of(
                    table, names, rows[first:first + CHUNK])))
        self._touched.write(table, names, rows)

    def _texts_of(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> list[list[str | None]]:
        """Return the texts of rows, by columns."""
        by_name = {column.name: column for column in table.columns}
        return [texts_of(by_name[name], values) for name, values
                in zip(names, zip(*rows, strict=True), strict=True)]

    @contextmanager
    def _changing(self, table: Table) -> Iterator[None]:
        """Raise Collision, and Refused, for errors of a change."""
        if str(table) not in self._touched.tables:
            self._check_silence(table, self._relation(table).oid)
        try:
            with told():
                yield
        except Refused as error:
            text = f'table {table}: {error}'
            raise (Collision if isinstance(error.__cause__, (
                psycopg.errors.UniqueViolation,
                psycopg.errors.ExclusionViolation,
                # A column that only a new row can have a value for.
                psycopg.errors.GeneratedAlways)) else Refused)(
                    text, error.constraint) from error

    def _check_silence(self, table: Table, oid: int) -> None:
        """Raise DatabaseError if triggers fire, or constraints don't hold."""
        if self._is_replica:
            for [name] in execute(self._connection, _DEFERRABLE, oid):
                raise DatabaseError(
                    f'table {table}, constraint {name}: expected one that is '
                    'not deferrable, which nobody would check')
            return
        [[has_some]] = execute(self._connection, _TRIGGERS, oid)
        if has_some:
            raise DatabaseError(
                f'table {table}: its triggers and foreign keys would act on '
                'what is applied; expected a role that may prevent that: '
                f'GRANT SET ON PARAMETER session_replication_role TO '
                f'{quoted(self._connection.info.user)}')

    def check_references(self, tables: Iterable[Table] = ()) -> None:
        for table in tables:
            self._touched.read_whole(table)
        references.check(self._connection, self._relations, self._touched)

    @cached_property
    def notes(self) -> PostgreSQLNotes:
        return PostgreSQLNotes(self._connection)

    def create(
            self, name: str, key: Sequence[str],
            columns: Mapping[str, Sequence[Any]]) -> Table:
        schema, _, last = name.rpartition('.')
        [[is_schema]] = execute(self._connection, _SCHEMA, schema)
        full = f'{quoted(schema)}.{quoted(last)}' if is_schema else quoted(
            name)
        lines = [f'{quoted(column)} {storing.type_for(name, column, values)}'
                 for column, values in columns.items()]
        execute(self._connection,
                f'CREATE TABLE {full} ({", ".join(lines)}, '
                f'PRIMARY KEY ({listed(key)}))')
        self._relations = self._users()
        table = self.find(name)
        if table is None:
            raise DatabaseError(f'expected one table {name}, got more')
        return table


def _become_replica(connection: Connection) -> bool:
    """Make the session's role that of a replica; return whether it may."""
    try:
        with connection.transaction():
            execute(connection, 'SET LOCAL session_replication_role = replica')
    except InsufficientPrivilege:
        return False
    return True
