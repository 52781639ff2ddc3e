"""Rows in a form that all kinds of databases have in common.

A value is in the form in which SQLite stores it, as that has the fewest types.
The form tells apart what ``wire`` tells apart: 1 and 1.0, 0.0 and -0.0, text
and bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from zc.generationalset.sql.peers.conversion import as_json, conversion
from zc.generationalset.sql.sqlite.json_columns import is_json
from zc.generationalset.sql.tables import Column, Key, Table
from zc.generationalset.sql.texts import as_text

Values: TypeAlias = 'tuple[Any, ...]'
Change: TypeAlias = 'Callable[[Any], Any]'

#: The bytes of a hash.
SIZE = 16

#: Writes dates, decimals and UUIDs as their texts.
_pack = msgspec.msgpack.Encoder().encode

#: The types of keys that have objects of their own in PostgreSQL, and text in
#: SQLite.  For other types, PostgreSQL takes text, too.
_KEYS: dict[str, Change] = {'uuid': UUID, 'numeric': Decimal}


def _number(value: Any) -> Any:
    return int(value) if type(value) is bool else value


def _change(table: Table, column: Column) -> Change | None:
    """Return what makes the form of a column's values; None for nothing."""
    if not table.schema:  # only PostgreSQL has schemas
        return _json if is_json(table, column) else None
    type = re.sub(r'\([^)]*\)', '', column.type)
    if type == 'boolean':
        return _number
    if type == 'numeric':
        return _digits
    if type.endswith('[]') or type.startswith(('json', 'timestamp')):
        made = conversion('sqlite TEXT', f'postgresql {type}')
        return made and made.received
    return None


def _digits(value: Any) -> Any:
    """Return the text of a number that isn't finite."""
    return as_text(value) if type(value) is float else value


def _json(value: Any) -> Any:
    return value if type(value) is bytes else as_json(value)




class Form:
    """The form of the rows of a table.

    The columns of the key come first; those of both sides have one order.
    """

    def __init__(self, table: Table) -> None:
        columns = {column.name: column for column in table.columns}
        others = sorted(columns.keys() - set(table.key))
        #: The table with its columns in the order of the form.
        self.table = table._replace(columns=tuple([
            columns[name] for name in (*table.key, *others)]))
        self._names = list(columns)
        self._size = len(table.key)
        self._changes = [
            (place, change) for place, column
            in enumerate(self.table.columns)
            if (change := _change(table, column)) is not None]

    def key(self, values: Values) -> Key:
        """Return the key of a row, as its database has it."""
        return values[:self._size]

    def named(self, values: Iterable[Any]) -> dict[str, Any]:
        """Return values by the names of columns, in the table's order."""
        named = dict(zip([column.name for column in self.table.columns],
                         values, strict=True))
        return {name: named[name] for name in self._names}

    def packed(
            self, rows: Iterable[Values],
    ) -> Iterator[tuple[Values, bytes, bytes]]:
        """Yield each row with the form of its key, and with that of itself.

        Equal rows of any databases have equal forms.
        """
        size = self._size
        for row in rows:
            plain = self._plain(row) if self._changes else row
            try:
                yield row, _pack(plain[:size]), _pack(plain)
            except UnicodeEncodeError:
                plain = tuple(map(_escaped, plain))
                yield row, _pack(plain[:size]), _pack(plain)

    def parts(self, row: Values) -> dict[str, bytes]:
        """Return the form of each value, by the name of its column."""
        return self.named([
            _pack(_escaped(value)) for value in self._plain(row)])

    def _plain(self, row: Values) -> Values:
        plain = list(row)
        for place, change in self._changes:
            plain[place] = change(plain[place])
        return tuple(plain)


def key_for(table: Table, key: Key) -> Key:
    """Return the key of a row on the other side, as a table has it."""
    if not table.schema:
        return tuple(map(_plain_key, key))
    types = {column.name: column.type.partition('(')[0]
             for column in table.columns}
    return tuple([_parsed(types[name], value) for name, value
                  in zip(table.key, key, strict=True)])


def _plain_key(value: Any) -> Any:
    text = None if type(value) is float else as_text(value)
    return _number(value) if text is None else text


def _parsed(type: str, value: Any) -> Any:
    """Return a value for a key; the text itself if it isn't of the type."""
    if isinstance(value, str) and type in _KEYS:
        try:
            return _KEYS[type](value)
        except (ValueError, ArithmeticError):
            pass
    return value


def _escaped(value: Any) -> Any:
    """Return something else than text for text that isn't UTF-8."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return msgspec.msgpack.Ext(
                1, value.encode(errors='surrogateescape'))
    return value


def hashed(packed: bytes) -> bytes:
    """Return a hash of 128 bits."""
    return blake2b(packed, digest_size=SIZE).digest()
