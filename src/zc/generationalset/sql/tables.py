"""Tables, as all kinds of databases describe them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

#: The values of a row's key columns, in the order of the key.
Key: TypeAlias = tuple[Any, ...]


class Column(NamedTuple):
    """A column of a table.

    type
        The declared type, as the database spells it.
    is_generated
        Whether the database computes the values, so that nobody writes them.
    has_default
        Whether a row may be inserted without a value.
    """

    name: str
    type: str
    is_nullable: bool = True
    is_generated: bool = False
    has_default: bool = False


class Condition(NamedTuple):
    """A condition in SQL, and the values of its parameters, in order."""

    text: str
    values: tuple[Any, ...]


class Table(NamedTuple):
    """A table that is tracked, or could be.

    schema
        The schema of PostgreSQL; empty if the kind has none.
    key
        The names of the columns of the primary key.
    columns
        Those that are served, the key's among them, in the table's order.
    condition
        Which rows are served; None for all.  A reading gives it.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    condition: Condition | None = None

    def __str__(self) -> str:
        return f'{self.schema}.{self.name}' if self.schema else self.name

    @property
    def narrow(self) -> Table:
        """The table with the columns of its key alone."""
        return self._replace(columns=tuple([
            column for column in self.columns if column.name in self.key]))

    def id_of(self, key: Key) -> Any:
        """Return the id of a row in the set of its table.

        >>> Table('', 'orders', ('id',), ()).id_of((7,))
        7
        >>> Table('', 'lines', ('order', 'number'), ()).id_of((7, 1))
        (7, 1)
        """
        return key[0] if len(self.key) == 1 else key

    def key_of(self, id: Any) -> Key:
        """Return the key of an id.  Raises ValueError if no row can have it.
        """
        key: Key = (id,) if len(self.key) == 1 else id
        if not isinstance(key, tuple) or len(key) != len(self.key):
            raise ValueError(f'expected {len(self.key)} values for the key '
                             f'{", ".join(self.key)} of {self}, got {id!r}')
        return key


def named(tables: Iterable[Table], name: str) -> list[Table]:
    """Return the tables that a name may mean, with its schema or without.

    >>> orders = Table('public', 'orders', (), ())
    >>> named([orders], 'orders') == named([orders], 'public.orders')
    True
    """
    tables = list(tables)
    return [table for table in tables if str(table) == name] or [
        table for table in tables if table.name == name]
