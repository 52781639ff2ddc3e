"""Values of fields, as columns have them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from zc.generationalset.merging import ABSENT
from zc.generationalset.sql.tables import Column
from zc.generationalset.sync.errors import Refused
from zc.generationalset.sync.kinds import Kind

#: What is in the names of types of text; those of integers have INT.
_TEXTS = 'CHAR', 'CLOB', 'TEXT'
_FLOATS = 'real', 'double precision'


class Cell:
    """A field in a column.

    SQLite has numbers, texts, and JSON only.  A column of text, of either
    database, can have a value of any kind.

    has_types
        Whether the database has more types than SQLite.
    """

    def __init__(self, kind: Kind, column: Column, has_types: bool) -> None:
        self._kind = kind
        self._column = column
        self._has_types = has_types
        self._is_structured = (
            column.type in ('json', 'jsonb') or column.type.endswith('[]')
        ) if has_types else 'JSON' in column.type.upper()

    def stored(self, value: Any) -> Any:
        """Return what the column has for a value; None for NULL.

        The database may still refuse it.  Raises Refused.
        """
        if value is None or value is ABSENT:
            return None
        try:
            return self._stored(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Refused(f'column {self._column.name}: expected a value of '
                          f'the type {self._column.type}, got {value!r:.100}'
                          ) from error

    def _stored(self, value: Any) -> Any:
        if self._kind.name in ('set', 'json'):
            plain = self._kind.plain(value)
            return plain if self._is_structured else json.dumps(
                plain, ensure_ascii=False)
        if is_text(self._column):
            return self._kind.text(value)
        if self._has_types and self._column.type == 'uuid':
            return UUID(value)
        if isinstance(value, Decimal) and (
                not self._has_types or self._column.type in _FLOATS):
            return _number(value)
        if self._has_types or isinstance(value, bytes):
            return value
        return int(value) if isinstance(value, bool) \
            else self._kind.plain(value)

    def value(self, stored: Any) -> Any:
        """Return the value of what the column has; ABSENT for NULL.

        What has no value is returned as it is; it doesn't fit.
        """
        kind = self._kind
        if stored is None:
            return ABSENT
        if isinstance(stored, UUID):
            return str(stored)
        if kind.name == 'bool' and type(stored) is int and stored in (0, 1):
            return bool(stored)
        if kind.name == 'int' and isinstance(stored, float | Decimal) \
                and stored % 1 == 0:
            return int(stored)
        if isinstance(stored, str) and not self._is_structured:
            return kind.from_text(stored)
        return kind.from_plain(stored)


def _number(value: Decimal) -> Any:
    """Return the number that is exactly this one, or its text."""
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def is_text(column: Column) -> bool:
    """Tell whether a column is one of text."""
    type = column.type.upper()
    return 'INT' not in type and not type.endswith('[]') and any(
        part in type for part in _TEXTS)
