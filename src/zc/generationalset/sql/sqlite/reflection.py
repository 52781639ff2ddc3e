"""What tables a database has, and whether they can be tracked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from zc.generationalset.sql.errors import Untrackable
from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.connections import Connection, column
from zc.generationalset.sql.tables import Column, Table

#: The prefix of all names that tracking makes.
OURS = 'gset_'
#: The column that is added to a table without a primary key.
ADDED_KEY = 'gset_key'


class Reflected(NamedTuple):
    """A table, and what only SQLite needs to know of it.

    uniques
        The columns of each unique index, with an SQL expression for the value
        that a new row has there.
    collations
        The collation of each column.
    """

    table: Table
    uniques: tuple[tuple[tuple[str, str], ...], ...]
    collations: dict[str, str]


def tables(connection: Connection) -> list[Table]:
    """Return the tables of the user; those without a key have none."""
    return [_table(connection, name) for name in column(
        connection, 'SELECT name FROM pragma_table_list WHERE schema = '
        "'main' AND type = 'table' AND substr(name, 1, 5) <> ? "
        "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name", OURS)]


def reflect(connection: Connection, name: str) -> Reflected:
    """Return a table that is to be tracked.  Raises Untrackable."""
    kinds = column(
        connection, "SELECT type FROM pragma_table_list WHERE schema = 'main' "
        'AND name = ?', name)
    if kinds != ['table']:
        what = f'a {kinds[0]} table' if kinds else 'nothing'
        raise Untrackable(f'expected a table {name}, there is {what}')
    table = _table(connection, name)
    if not table.key:
        raise Untrackable(
            f'table {name}: expected a primary key, there is none; --add-key '
            'adds a column of UUIDs')
    collations = _collations(connection, table)
    return Reflected(
        table, tuple(_uniques(connection, table, collations)), collations)


def reflect_keyless(connection: Connection, name: str) -> Reflected:
    """Return a table that is to be tracked, and to get a key.

    Raises Untrackable.
    """
    table = _table(connection, name)
    collations = _collations(connection, table)
    return Reflected(
        table._replace(key=(ADDED_KEY,)),
        (((ADDED_KEY, f'NEW.{ADDED_KEY}'),),
         *_uniques(connection, table, collations)), collations)


def _table(connection: Connection, name: str) -> Table:
    rows = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk, hidden '
        'FROM pragma_table_xinfo(?) ORDER BY cid', (name,)).fetchall()
    key = tuple([row[0] for row in sorted(rows, key=lambda row: row[4])
                 if row[4]])
    if not key and any(row[0] == ADDED_KEY for row in rows):
        key = ADDED_KEY,
    counted = _counted(connection, name, key)
    is_strict = _is_strict(connection, name)
    return Table('', name, key, tuple([
        # In other tables, ANY is a name like others, and texts that are
        # numbers become numbers.
        Column(each, '' if is_strict and type.upper() == 'ANY' else type,
               is_nullable=not notnull and each != counted,
               is_generated=hidden > 1,
               has_default=default is not None
               or each in (counted, ADDED_KEY))
        for each, type, notnull, default, _, hidden in rows]))


def _is_strict(connection: Connection, name: str) -> bool:
    return column(
        connection, "SELECT strict FROM pragma_table_list WHERE schema = "
        "'main' AND name = ?", name) == [1]


def _counted(
        connection: Connection, name: str, key: tuple[str, ...],
) -> str | None:
    """Return the column that has the number of each row, if any.

    It is the only key that has no index.
    """
    if len(key) != 1 or key == (ADDED_KEY,) or column(
            connection, 'SELECT 1 FROM pragma_index_list(?) '
            "WHERE origin = 'pk'", name):
        return None
    return key[0]


def _uniques(
        connection: Connection, table: Table, collations: dict[str, str],
) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield the columns of each unique index.

    Raises Untrackable for an index that hides which rows REPLACE displaces.
    """
    values = _values(connection, table)
    if table.key:
        yield tuple([(name, values[name]) for name in table.key])
    for index, partial in connection.execute(
            'SELECT name, partial FROM pragma_index_list(?) '
            'WHERE "unique"', (table.name,)).fetchall():
        what = f'table {table}, unique index {index}: expected '
        if partial:
            raise Untrackable(f'{what}one of all rows, got a partial one')
        names = []
        for name, collation in connection.execute(
                'SELECT name, coll FROM pragma_index_xinfo(?) WHERE key '
                'ORDER BY seqno', (index,)):
            if name is None:
                raise Untrackable(f'{what}columns, got an expression')
            if collation.upper() != collations[name].upper():
                raise Untrackable(
                    f'{what}the collation {collations[name]} of the column '
                    f'{name}, got {collation}')
            names.append(name)
        if set(names) != set(table.key):
            yield tuple([(name, values[name]) for name in names])


def _values(connection: Connection, table: Table) -> dict[str, str]:
    """Return the expression for the new value of each column.

    REPLACE puts the default where a column can't be NULL.
    """
    return {
        name: f'NEW.{quoting.name(name)}' if default is None or not notnull
        else f'ifnull(NEW.{quoting.name(name)}, ({default}))'
        for name, default, notnull in connection.execute(
            'SELECT name, dflt_value, "notnull" FROM pragma_table_xinfo(?)',
            (table.name,))}


def _collations(connection: Connection, table: Table) -> dict[str, str]:
    """Return the collation of each column.

    SQLite only tells those of indexes, so a copy of the table, without rows,
    gets one.
    """
    [statement] = column(
        connection, "SELECT sql FROM sqlite_schema WHERE type = 'table' "
        'AND name = ?', table.name)
    with closing(sqlite3.connect(':memory:')) as copy:
        try:
            copy.execute(statement)
            copy.execute(
                f'CREATE INDEX probe ON {quoting.name(table.name)} '
                f'({quoting.names(each.name for each in table.columns)})')
        except sqlite3.Error as error:
            raise Untrackable(f'table {table}: {error}') from error
        return dict(copy.execute(
            "SELECT name, coll FROM pragma_index_xinfo('probe') WHERE key"))


def check_keys(connection: Connection, table: Table) -> None:
    """Raise Untrackable if a row has a key that can't be an id."""
    for name in table.key:
        where = quoting.name(name)
        if any(each.is_nullable for each in table.columns
               if each.name == name) and name != ADDED_KEY and column(
                   connection, f'SELECT 1 FROM {quoting.name(table.name)} '
                   f'WHERE {where} IS NULL LIMIT 1'):
            raise Untrackable(
                f'table {table}, column {name}: expected values in the key, '
                'got NULL')
        if column(connection, f'SELECT 1 FROM {quoting.name(table.name)} '
                  f'WHERE {where} IN (9e999, -9e999) LIMIT 1'):
            raise Untrackable(
                f'table {table}, column {name}: expected finite numbers in '
                'the key, got an infinite one')
