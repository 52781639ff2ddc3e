"""Keys of a table within statements."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

from zc.generationalset.sql.database import Row
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.postgresql import triggers
from zc.generationalset.sql.postgresql.connections import Connection
from zc.generationalset.sql.postgresql.loaders import base_of, selected
from zc.generationalset.sql.postgresql.names import quoted
from zc.generationalset.sql.postgresql.sure import are_sure
from zc.generationalset.sql.postgresql.values import (
    array_of,
    text_of,
    texts_of,
)
from zc.generationalset.sql.tables import Column, Key, Table

_INTEGERS = {'smallint': 1 << 15, 'integer': 1 << 31, 'bigint': 1 << 63}

#: The types of keys that a value of Python can have.
_KINDS: dict[str, type | tuple[type, ...]] = {
    'numeric': (int, float, Decimal), 'uuid': UUID, 'bytea': bytes,
    'boolean': int, 'date': (str, date),
    'timestamp without time zone': (str, datetime),
    'timestamp with time zone': (str, datetime),
}

#: The types of which each value that is sure to be stored can be a key.
_QUICK = frozenset([*_INTEGERS, 'text', 'character varying', 'uuid'])

#: The types of columns that can be keys: equal values have one form.  An
#: enum can be one, too.
KEY_TYPES = frozenset([
    *_INTEGERS, *_KINDS, 'text', 'character varying'])


class Keys:
    """What statements say of the key of a table.

    names
        The columns of the key in the tables of the schema gset.
    columns
        Those of the table itself, named t.
    """

    def __init__(self, table: Table) -> None:
        by_name = {column.name: column for column in table.columns}
        self._key = [by_name[name] for name in table.key]
        self._places = [table.columns.index(column) for column in self._key]
        self._names = triggers.keys(table)
        self._types = [base_of(column.type) for column in self._key]
        self.names = ', '.join(self._names)
        self.columns = ', '.join([f't.{quoted(name)}' for name in table.key])

    @property
    def selected(self) -> str:
        """The columns of the key, to be read."""
        return ', '.join([
            selected(name, column.type)
            for name, column in zip(self._names, self._key, strict=True)])

    @property
    def given(self) -> str:
        """The first parameters, as values of the key."""
        return self.given_from(1)

    def given_from(self, first: int) -> str:
        """Return the parameters from one on, as values of the key."""
        return ', '.join([f'${place}::{type}' for place, type
                          in enumerate(self._types, first)])

    @property
    def is_given(self) -> str:
        """The condition for the key of the first parameters."""
        return f'({self.names}) = ({self.given})'

    @property
    def arrays(self) -> str:
        """The first parameters, as arrays of values of the key."""
        return self.arrays_from(1)

    def arrays_from(self, first: int) -> str:
        """Return the parameters from one on, as arrays of the key's values.
        """
        return ', '.join([f'${place}::{type}[]' for place, type
                          in enumerate(self._types, first)])

    @property
    def wanted(self) -> str:
        """The columns of the keys that are named w."""
        return ', '.join([f'w.{name}' for name in self._names])

    @property
    def is_wanted(self) -> str:
        """The condition for the keys of ``arrays``, which are named w."""
        return ' AND '.join([
            f't.{quoted(column.name)} = w.{name}' for column, name
            in zip(self._key, self._names, strict=True)])

    def row(self, values: tuple[Any, ...]) -> Row:
        return Row(tuple([values[place] for place in self._places]), values)

    def texts(self, key: Key) -> tuple[str, ...] | None:
        """Return the texts of a key; None if no row can have it."""
        texts = []
        for column, value in zip(self._key, key, strict=True):
            text = key_text(column, value)
            if text is None:
                return None
            texts.append(text)
        return tuple(texts)

    def arrays_of(self, keys: Sequence[Key]) -> list[str]:
        """Return the parameters of ``arrays``; keys that no row can have lack.

        There are none without keys.
        """
        if not keys:
            return []
        columns = list(zip(*keys, strict=True))
        if all(type in _QUICK and are_sure(type, values)
               and None not in values
               for type, values in zip(self._types, columns, strict=True)):
            return [array_of(texts_of(column, values)) for column, values
                    in zip(self._key, columns, strict=True)]
        texts = [found for key in keys
                 if (found := self.texts(key)) is not None]
        return [array_of(column) for column in zip(*texts, strict=True)]

    @contextmanager
    def trying(self, connection: Connection, *keys: Key) -> Iterator[None]:
        """Execute a statement with keys; do nothing if they are no keys.

        Only PostgreSQL knows whether a text is a date, or a label.
        """
        if not any(isinstance(value, str) and type not in (
                'text', 'character varying')
                for key in keys
                for value, type in zip(key, self._types, strict=True)):
            yield
            return
        try:
            with connection.transaction():  # a savepoint
                yield
        except psycopg.DataError:
            pass


def new_key(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return new values for columns of the key that would have none.

    Raises WrongValue for a column that can't have such values.
    """
    new: dict[str, Any] = {}
    for column in table.columns:
        if column.name not in table.key or column.has_default \
                or column.name in values:
            continue
        base = base_of(column.type)
        if base == 'uuid':
            new[column.name] = uuid4()
        elif base in ('text', 'character varying'):
            new[column.name] = secrets.token_urlsafe(9)
        else:
            raise WrongValue(
                f'table {table}, column {column.name} ({column.type}): '
                'expected a value, got none')
    return new


def key_text(column: Column, value: Any) -> str | None:
    """Return the text of a value of a key; None if it can't be one.

    The ids 0 and 1 stand for false and true, which they equal.
    """
    base = base_of(column.type)
    if base in _INTEGERS:
        limit = _INTEGERS[base]
        if not isinstance(value, int) or not -limit <= value < limit:
            return None
        value = int(value)
    elif not isinstance(value, _KINDS.get(base, str)) or _is_other_time(
            base, value):
        return None
    elif base == 'boolean':
        if value not in (0, 1):
            return None
        value = bool(value)
    try:
        return text_of(column, value)
    except WrongValue:
        return None


def _is_other_time(base: str, value: Any) -> bool:
    """Tell whether a value is a time of another kind than a column has."""
    return isinstance(value, datetime) and (
        base == 'date'
        or (value.tzinfo is None) != (base == 'timestamp without time zone'))
