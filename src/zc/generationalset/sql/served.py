"""Which tables are served, and under which ids."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from zc.generationalset.answers import Position
from zc.generationalset.sql.database import Database, Reading
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.tables import Table, named


class View(NamedTuple):
    """What somebody sees of a table.

    .. code-block:: python

        View('orders', ['id', 'total'], 'owner = :user', {'user': 'ann'})

    table
        The name of the table; with its schema, if there are several.
    columns
        Names of columns; those of the key are always seen.  None for all.
    where
        A condition in SQL for the rows that are seen.  It depends on columns
        whose old values are noted, and on nothing else but its parameters.
    parameters
        The values of parameters, such as ``:user``.
    """

    table: str
    columns: Collection[str] | None = None
    where: str = ''
    parameters: Mapping[str, Any] = {}

    def of(self, reading: Reading) -> Table:
        """Return the table as it is seen.

        Raises DatabaseError for an unknown column, and what ``filtered``
        raises.
        """
        table = reading.table(self.table)
        if self.columns is not None:
            names = {*self.columns, *table.key}
            columns = [each for each in table.columns if each.name in names]
            if len(columns) < len(names):
                unknown = names - {each.name for each in columns}
                raise DatabaseError(f'table {table}: there is no column '
                                    f'{", ".join(sorted(unknown))}')
            table = table._replace(columns=tuple(columns))
        if self.where:
            table = reading.filtered(table, self.where, self.parameters)
        return table


class Served:
    """The tables that a tree has at its top, by the ids of their sets."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = dict(views)
        self._digest = hashlib.sha256(repr([
            (id, view.table, None if view.columns is None
             else sorted(view.columns), view.where,
             sorted(view.parameters.items()))
            for id, view in self._views.items()]).encode()).hexdigest()[:12]

    @property
    def ids(self) -> list[str]:
        return list(self._views)

    def table(self, reading: Reading, id: object) -> Table | None:
        """Return the table with an id, as it is now; None for another id."""
        view = self._views.get(id) if isinstance(id, str) else None
        return None if view is None else view.of(reading)

    def tables(self, reading: Reading) -> dict[str, Table]:
        return {id: view.of(reading) for id, view in self._views.items()}

    def position(self, position: Position) -> Position:
        """Return the position of the tree, for one of the database.

        If other tables are served, or other rows of them, clients start over.
        """
        return position._replace(epoch=f'{position.epoch}.{self._digest}')

    def of_database(self, position: Position) -> Position | None:
        """Return the position of the database, for one of the tree."""
        epoch, _, digest = (position.epoch or '').rpartition('.')
        return position._replace(epoch=epoch) \
            if digest == self._digest else None


def views_of(database: Database, names: Sequence[str]) -> dict[str, View]:
    """Return views of whole tables.

    names
        Names of tracked tables, each with its schema or without.

    Raises DatabaseError for a table that isn't tracked.
    """
    tracked = database.tracked()
    return {name: View(_found(tracked, name)) for name in names}


def _found(tracked: Sequence[Table], name: str) -> str:
    found = named(tracked, name)
    if len(found) != 1:
        names = ', '.join(map(str, tracked)) or 'none'
        raise DatabaseError(
            f'expected a tracked table, one of {names}; got {name}')
    return str(found[0])
