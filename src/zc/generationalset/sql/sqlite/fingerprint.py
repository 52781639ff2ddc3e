"""Fingerprints: what in a schema must be as it was, or changes went unnoticed.

A table that is made anew, and a trigger that is dropped and made again, get
another number in the schema, even if their text is the same.  The view that is
made last sees to it that no number is given twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.connections import Connection, column

#: The view that keeps the highest number of the schema.
LAST = 'gset_last'

#: The fingerprint of the table in the row of ``gset_tables``.
_OF_TABLE = """(
    SELECT group_concat(part, char(10)) FROM (
        SELECT rowid || ' ' || name || ' ' || ifnull(sql, '') AS part
        FROM sqlite_schema
        WHERE tbl_name = gset_tables.name AND (
            type = 'table'
            OR type = 'index' AND sql LIKE 'CREATE UNIQUE %'
            OR type = 'trigger' AND substr(name, 1, 5) = 'gset_')
        ORDER BY rowid))"""


def sealing(names: Iterable[str]) -> list[str]:
    """Return the statements that end a change of some tables' triggers."""
    return [
        f'DROP VIEW IF EXISTS {LAST}',
        f'CREATE VIEW {LAST} AS SELECT NULL',
        *(f'UPDATE gset_tables SET fingerprint = {_OF_TABLE} '
          f'WHERE name = {quoting.text(name)}' for name in names)]


def differing(connection: Connection) -> list[str]:
    """Return the names of tables whose fingerprint isn't what it was."""
    return column(connection, 'SELECT name FROM gset_tables '
                  f'WHERE fingerprint IS NOT {_OF_TABLE}')
