"""A transaction that makes rows what another database has.

Triggers of users are dropped within the transaction, and made again at its
end: nobody else sees that, whatever happens.  Those of the tracking stay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from zc.generationalset.answers import Position
from zc.generationalset.sql.database import Values
from zc.generationalset.sql.errors import DatabaseError, WrongValue
from zc.generationalset.sql.sqlite import (
    affinity,
    json_columns,
    quoting,
    references,
    reflection,
)
from zc.generationalset.sql.sqlite.connections import Connection
from zc.generationalset.sql.sqlite.notes import SQLiteNotes
from zc.generationalset.sql.sqlite.writing import SQLiteWriting, refused
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.sql.touched import Touched


class SQLiteApplying(SQLiteWriting):
    """See ``Applying``.  The connection doesn't enforce foreign keys."""

    def __init__(self, connection: Connection, position: Position) -> None:
        self._named = {
            table.name: table for table in reflection.tables(connection)}
        super().__init__(connection, position, self._named)
        #: The triggers that were dropped, as statements, by tables.
        self._silent: dict[str, list[str]] = {}
        self._touched = Touched()

    def find(self, name: str) -> Table | None:
        return self._named.get(name)

    def stored(self, table: Table, rows: Sequence[Values]) -> list[Values]:
        return affinity.stored(table, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.connection.execute('SAVEPOINT gset')
        silent = dict(self._silent)
        try:
            yield
        except BaseException:
            self._silent = silent  # the others are there again
            if self.connection.in_transaction:  # it may have been ended
                self.connection.execute('ROLLBACK TO gset')
                self.connection.execute('RELEASE gset')
            raise
        self.connection.execute('RELEASE gset')

    def delete_all(self, table: Table, keys: Sequence[Key]) -> None:
        if not keys:
            return
        where = ' AND '.join(f'{quoting.name(name)} = ?' for name in table.key)
        self._execute_all(
            table, f'DELETE FROM {quoting.name(table.name)} WHERE {where}',
            keys)
        self._touched.lose(table)

    def update_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        changed = [name for name in names if name not in table.key]
        if changed:
            where = ' AND '.join(
                f'{quoting.name(name)} = ?' for name in table.key)
            places = itemgetter(*map(names.index, (*changed, *table.key)))
            # Constraints may ask for REPLACE, which would displace others.
            self._execute_all(
                table, f'UPDATE OR ABORT {quoting.name(table.name)} SET '
                + ', '.join(f'{quoting.name(name)} = ?' for name in changed)
                + f' WHERE {where}',
                list(map(places, json_columns.dumped(table, names, rows))))
            self._touched.write(table, names, rows)
            self._touched.change(table)

    def insert_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        self._execute_all(
            table, f'INSERT OR ABORT INTO {quoting.name(table.name)} '
            f'({quoting.names(names)}) '
            f'VALUES ({", ".join("?" * len(names))})',
            json_columns.dumped(table, names, rows))
        self._touched.write(table, names, rows)

    def _execute_all(
            self, table: Table, statement: str,
            rows: Iterable[Sequence[Any]]) -> None:
        self._silence(table)
        try:
            self.connection.executemany(statement, rows)
        except sqlite3.IntegrityError as error:
            raise refused(error, table) from error
        except UnicodeEncodeError as error:
            raise WrongValue(f'table {table}: expected text in Unicode, got '
                             'a lone surrogate') from error

    def _silence(self, table: Table) -> None:
        """Drop the triggers of users, until the end of the transaction."""
        if table.name in self._silent:
            return
        found = self.connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' "
            'AND tbl_name = ? AND substr(name, 1, 5) <> ?',
            (table.name, reflection.OURS)).fetchall()
        self._silent[table.name] = [statement for _, statement in found]
        for name, _ in found:
            self.connection.execute(f'DROP TRIGGER {quoting.name(name)}')

    def check_references(self, tables: Iterable[Table] = ()) -> None:
        for table in tables:
            self._touched.read_whole(table)
        references.check(
            self.connection, list(self._named.values()), self._touched)

    @property
    def notes(self) -> SQLiteNotes:
        return SQLiteNotes(self.connection)

    def create(
            self, name: str, key: Sequence[str],
            columns: Mapping[str, Sequence[Any]]) -> Table:
        lines = [f'{quoting.name(column)} {affinity.type_for(values)}'.strip()
                 + ' NOT NULL' * (column in key)
                 for column, values in columns.items()]
        try:
            self.connection.execute(
                f'CREATE TABLE {quoting.name(name)} ({", ".join(lines)}, '
                f'PRIMARY KEY ({quoting.names(key)}))')
        except sqlite3.OperationalError as error:
            # Such as for names that differ in upper and lower case alone.
            raise DatabaseError(f'table {name}: expected names that SQLite '
                                f'can have; {error}') from error
        self._named |= {table.name: table for table
                        in reflection.tables(self.connection)}
        return self._named[name]

    def finish(self) -> None:
        """Make triggers again, before the transaction is committed."""
        for statements in self._silent.values():
            for statement in statements:
                self.connection.execute(statement)
