"""Whether the tables of two sides fit; that is known before a row is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.peers.conversion import Conversion, conversion
from zc.generationalset.sql.peers.errors import BadMessage, Unfit
from zc.generationalset.sql.peers.versions import Pair
from zc.generationalset.sql.served import View
from zc.generationalset.sql.tables import Column, Table, named


class Shape(NamedTuple):
    """What the other side must know of a table.

    key
        The names of the columns of the key.
    columns
        The form of each column, by its name.
    counted
        The column of the key that the database counts up, or ''.
    """

    key: tuple[str, ...]
    columns: Mapping[str, str]
    counted: str


#: The types of keys that are counted up, if they have a default.
_INTEGERS = ('sqlite INTEGER', 'postgresql smallint', 'postgresql integer',
             'postgresql bigint')


def found(database: Database, names: Sequence[str]) -> dict[str, Table]:
    """Return tables by the names that both sides use.

    names
        Those of tables, with their schemas or without.

    Raises DatabaseError for a name of no table, or of several.
    """
    there = database.tables()
    tables = {}
    for name in names:
        wanted = named(there, name)
        if len(wanted) != 1 or wanted[0].name in tables:
            raise DatabaseError(
                f'expected the name of one table, got {name}; there are '
                f'{", ".join(map(str, there)) or "none"}')
        tables[wanted[0].name] = wanted[0]
    return tables


def seen(
        database: Database, views: Iterable[View]) -> dict[str, Table]:
    """Return tables as somebody sees them, by the names that both sides use.

    Raises DatabaseError for a table that isn't tracked, and what ``View.of``
    raises.
    """
    with database.reading() as reading:
        return {table.name: table for table in [
            view.of(reading) for view in views]}


def part(tables: Iterable[Table]) -> str:
    """Return what differs if other rows of tables are seen; '' for all rows.
    """
    conditions = sorted((str(table), table.condition) for table in tables
                        if table.condition is not None)
    return hashlib.sha256(repr(conditions).encode()).hexdigest()[:12] \
        if conditions else ''


def shapes(
        database: Database, tables: Mapping[str, Table]) -> dict[str, Shape]:
    return {name: _shape(database, table) for name, table in tables.items()}


def _shape(database: Database, table: Table) -> Shape:
    columns = {column.name: database.form(column) for column in table.columns
               if not column.is_generated}
    counted = next((column.name for column in table.columns if _is_counted(
        table, column, columns.get(column.name, ''))), '')
    return Shape(table.key, columns, counted)


def _is_counted(table: Table, column: Column, form: str) -> bool:
    return (column.name in table.key and column.has_default
            and form in _INTEGERS)


def told(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Return shapes as a member of a message."""
    return {name: [list(each.key), dict(each.columns), each.counted]
            for name, each in shapes.items()}


def heard(member: Mapping[str, Any]) -> dict[str, Shape]:
    """Return shapes from a message.  Raises BadMessage."""
    shapes = {}
    for name, parts in member.items():
        match parts:
            case [list() as key, dict() as columns, str(counted)] if all(
                    type(each) is str for each in [*key, *columns.values()]):
                shapes[name] = Shape(tuple(key), columns, counted)
            case _:
                raise BadMessage('expected the description of a table, got '
                                 f'{parts!r:.100}')
    return shapes


def paired(
        tables: Mapping[str, Table], here: Mapping[str, Shape],
        there: Mapping[str, Shape]) -> dict[str, Pair]:
    """Return the pairs of tables that both sides have named.

    Raises Unfit, which names table and column, if something doesn't fit.
    """
    _check_names('tables', '', here.keys(), there.keys())
    return {name: _pair(name, tables[name], here[name], there[name])
            for name in sorted(here)}


def check_counted(client: Mapping[str, Shape]) -> None:
    """Raise Unfit if a client would give a key that others give, too."""
    for name, shape in client.items():
        if shape.counted:
            raise Unfit(
                f'table {name}, column {shape.counted}: expected a key that '
                "the client's database does not count up, as others count up "
                'to the same; take UUIDs, or, in SQLite, INT instead of '
                'INTEGER if programs choose the keys')


def _check_names(what: str, where: str, here: Any, there: Any) -> None:
    for name in sorted(set(here) ^ set(there)):
        side = 'this side' if name in here else 'the other side'
        raise Unfit(f'{where}expected the same {what} on both sides, only '
                    f'{side} has {name}')


def _pair(name: str, table: Table, here: Shape, there: Shape) -> Pair:
    _check_names('columns', f'table {name}: ', here.columns, there.columns)
    if here.key != there.key:
        raise Unfit(
            f'table {name}: expected the same key on both sides, got '
            f'{", ".join(here.key)} and {", ".join(there.key)}')
    if not here.key:
        raise Unfit(f'table {name}: expected a primary key')
    found = {column: _conversion(name, column, form, there.columns[column])
             for column, form in sorted(here.columns.items())}
    return Pair(name, table, tuple([found[column] for column in here.key]),
                {column: convert for column, convert in found.items()
                 if column not in here.key})


def _conversion(name: str, column: str, here: str, there: str) -> Conversion:
    made = conversion(here, there)
    if made is None:
        raise Unfit(
            f'table {name}, column {column}: expected types whose values are '
            f'the same on both sides, got {here} and {there}')
    return made
