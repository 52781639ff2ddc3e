"""A transaction that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from zc.generationalset.sql.errors import Collision, Refused, WrongValue
from zc.generationalset.sql.sqlite import (
    affinity,
    json_columns,
    quoting,
    tracking,
)
from zc.generationalset.sql.sqlite.reading import SQLiteReading
from zc.generationalset.sql.tables import Key, Table


class SQLiteWriting(SQLiteReading):
    """A transaction that reads and writes; see ``Writing``."""

    def insert(
            self, table: Table, key: Key, values: Mapping[str, Any]) -> None:
        if self.add(table, {**values, **dict(zip(
                table.key, key, strict=True))}) != key:
            raise Refused(f'table {table}: expected a row with the key '
                          f'{key}, a trigger gives it another one')

    def add(self, table: Table, values: Mapping[str, Any]) -> Key:
        row = {**affinity.new_key(table, values), **values}
        affinity.check(table, row)
        what = f'({quoting.names(row)}) VALUES ({", ".join("?" * len(row))})' \
            if row else 'DEFAULT VALUES'
        cursor = self._execute(
            table, f'INSERT INTO {quoting.name(table.name)} {what} '
            f'RETURNING {quoting.names(table.key)}', *_stored(table, row))
        found = cursor.fetchall()
        if not found:
            raise Refused(f'table {table}: a trigger prevents it')
        if None in found[0]:
            raise WrongValue(f'table {table}: expected values in the key, got '
                             'null')
        return tuple(found[0])

    def update(
            self, table: Table, key: Key, values: Mapping[str, Any]) -> None:
        affinity.check(table, values)
        changes = ', '.join(f'{quoting.name(name)} = ?' for name in values)
        self._execute(
            table, f'UPDATE {quoting.name(table.name)} SET {changes} '
            f'WHERE {_is_row(table)}', *_stored(table, values), *key)

    def delete(self, table: Table, key: Key) -> None:
        self._execute(
            table, f'DELETE FROM {quoting.name(table.name)} '
            f'WHERE {_is_row(table)}', *key)

    def renew(self) -> str:
        """Begin a new epoch, and return it."""
        return tracking.renew(self.connection)

    def _execute(
            self, table: Table, statement: str, *values: Any,
    ) -> sqlite3.Cursor:
        try:
            return self.connection.execute(statement, values)
        except sqlite3.IntegrityError as error:
            raise refused(error, table) from error
        except UnicodeEncodeError as error:
            raise WrongValue(f'table {table}: expected text in Unicode, got '
                             'a lone surrogate') from error


def refused(
        error: sqlite3.IntegrityError, table: Table | None = None,
) -> Refused | WrongValue:
    """Return the error for a row that SQLite refuses."""
    text = str(error)
    where = '' if table is None else f'table {table}: '
    if 'datatype' in text or text.startswith('cannot store'):
        return WrongValue(f'{where}{text}')
    kind, _, name = text.partition(' constraint failed')
    if kind == text:  # the text of a user's trigger
        return Refused(f'{where}{text}')
    made = Collision if kind == 'UNIQUE' else Refused
    return made(f'{where}{text}', name.removeprefix(': ') or kind)


def _stored(table: Table, values: Mapping[str, Any]) -> Iterable[Any]:
    """Return the values as SQLite stores them."""
    [stored] = json_columns.dumped(table, values, [tuple(values.values())])
    return stored


def _is_row(table: Table) -> str:
    return ' AND '.join(f'{quoting.name(name)} = ?' for name in table.key)
