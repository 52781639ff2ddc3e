"""Foreign keys, which SQLite doesn't enforce while rows are applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from zc.generationalset.sql.errors import Refused
from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.connections import Connection
from zc.generationalset.sql.tables import Table
from zc.generationalset.sql.touched import Touched


class Reference(NamedTuple):
    """A foreign key of a table.

    columns
        Pairs of a column, and the one of the parent that it refers to.
    """

    parent: str
    columns: tuple[tuple[str, str], ...]


def check(
        connection: Connection, tables: Sequence[Table], touched: Touched,
) -> None:
    """Raise Refused if a foreign key doesn't hold.

    O(rows that were written), unless rows went that others may refer to.
    """
    keys = {table.name: table.key for table in tables}
    for child in tables:
        for reference in _references(connection, child, keys):
            parent, columns = reference
            found = touched.to_check(
                child.name, parent, {to for _, to in columns}
                <= set(keys.get(parent, ())))
            where = '' if found is None else ' AND '.join([
                f'c.{quoting.name(name)} = ?' for name in child.key])
            for key in [()] if found is None else found:
                if connection.execute(
                        _lacking(child, reference, where), key).fetchone():
                    names = ', '.join(name for name, _ in columns)
                    raise Refused(
                        f'table {child}, column {names}: expected rows of '
                        f'{parent} for its foreign key, got values of no row',
                        'FOREIGN KEY')


def _references(
        connection: Connection, child: Table,
        keys: Mapping[str, Sequence[str]]) -> Iterator[Reference]:
    found = defaultdict(list)
    for number, place, parent, name, to in connection.execute(
            'SELECT id, seq, "table", "from", "to" '
            'FROM pragma_foreign_key_list(?) ORDER BY id, seq',
            (child.name,)).fetchall():
        # Names in a declaration may be in another case.
        parent = next((each for each in keys
                       if each.lower() == parent.lower()), parent)
        found[number, parent].append(
            (name, to or (keys.get(parent) or ['rowid'])[place]))
    for (_, parent), columns in found.items():
        yield Reference(parent, tuple(columns))


def _lacking(child: Table, reference: Reference, where: str) -> str:
    """Return a query of rows that lack the one that they refer to."""
    parent, columns = reference
    given = ' AND '.join([f'c.{quoting.name(name)} IS NOT NULL'
                          for name, _ in columns])
    # The first operand's collation is used, that of the parent.
    same = ' AND '.join([f'p.{quoting.name(to)} = c.{quoting.name(name)}'
                         for name, to in columns])
    return (f'SELECT 1 FROM {quoting.name(child.name)} AS c WHERE {given}'
            f'{where and " AND " + where} AND NOT EXISTS (SELECT 1 FROM '
            f'{quoting.name(parent)} AS p WHERE {same}) LIMIT 1')
