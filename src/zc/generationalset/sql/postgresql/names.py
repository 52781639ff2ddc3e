"""Names and texts within SQL statements."""

from __future__ import annotations

from collections.abc import Iterable

from zc.generationalset.sql.tables import Table


def quoted(name: str) -> str:
    """Return an identifier of SQL.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string of SQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    """Return identifiers with commas.

    >>> listed(['id', 'name'])
    '"id", "name"'
    """
    return ', '.join(map(quoted, names))


def own(statement: str) -> str:
    """Put in what is before the names of own tables and indexes.

    >>> own('SELECT id FROM {gset}identity')
    'SELECT id FROM gset.identity'
    """
    return statement.format(gset='gset.', index='')


def full_name(table: Table) -> str:
    """Return the name of a table, with its schema.

    >>> full_name(Table('public', 'orders', ('id',), ()))
    '"public"."orders"'
    """
    return f'{quoted(table.schema)}.{quoted(table.name)}'
