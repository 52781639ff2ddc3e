"""Whether a column stores a value as it is.

SQLite converts many values, by the declared type of the column, and stores
others although they aren't of that type.  Clients are told instead.
"""

from __future__ import annotations

import math
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any

from zc.generationalset.sql import documents
from zc.generationalset.sql.database import Values
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.sqlite.json_columns import TYPE, is_json
from zc.generationalset.sql.sqlite.reflection import ADDED_KEY
from zc.generationalset.sql.tables import Column, Table
from zc.generationalset.sql.texts import as_text

#: Which text in a declared type decides; the first that fits.
_AFFINITIES = [
    ('INT', 'INTEGER'), ('CHAR', 'TEXT'), ('CLOB', 'TEXT'), ('TEXT', 'TEXT'),
    ('BLOB', 'BLOB'), ('REAL', 'REAL'), ('FLOA', 'REAL'), ('DOUB', 'REAL')]

#: Text that becomes a number in a column for numbers.
_is_number = re.compile(
    r'\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*', re.ASCII).fullmatch


def new_key(table: Table, values: Mapping[str, Any]) -> dict[str, str]:
    """Return new values for columns of the key that would have none.

    Raises WrongValue for a column that can't have such values.
    """
    new = {}
    for column in table.columns:
        name, type = column.name, column.type.upper()
        if name not in table.key or name in values:
            continue
        if name == ADDED_KEY:  # it gets its default after it is returned
            new[name] = str(uuid.uuid4())
        elif column.has_default:
            continue
        elif 'UUID' in type:
            new[name] = str(uuid.uuid4())
        elif affinity(type) in ('TEXT', 'BLOB'):
            new[name] = secrets.token_urlsafe(9)
        else:
            raise WrongValue(f'{_where(table, column)} ({column.type}): '
                             'expected a value, got none')
    return new


def check(table: Table, values: Mapping[str, Any]) -> None:
    """Raise WrongValue unless columns store the values as they are."""
    columns = {column.name: column for column in table.columns}
    for name, value in values.items():
        if name not in columns:
            raise WrongValue(f'table {table}: expected columns '
                             f'{", ".join(columns)}, got {name}')
        column = columns[name]
        if column.is_generated:
            raise WrongValue(f'{_where(table, column)}: expected no value, '
                             'the database computes it')
        expected = _expected(column, value, is_json(table, column))
        if expected:
            raise WrongValue(f'{_where(table, column)} ({column.type}): '
                             f'expected {expected}, got {_shown(value)}')


def stored(table: Table, rows: Sequence[Values]) -> list[Values]:
    """Return rows with the values as they will be read.

    What SQLite has no type for becomes text in a column of text: decimals,
    dates, times, UUIDs, and numbers that aren't finite.  Booleans become 0 and
    1.  JSON has its own values.  Raises WrongValue, as ``check`` does.
    """
    names = dict.fromkeys([name for shape in set(map(tuple, rows))
                           for name in shape])
    kinds = {column.name: 'JSON' if is_json(table, column)
             else affinity(column.type)
             for column in table.columns if not column.is_generated}
    unsure = [name for name in names if name not in kinds or not _keeps(
        kinds[name], [row[name] for row in rows if name in row])]
    if not unsure:
        return list(rows)
    check(table, {name: None for name in unsure if name not in kinds})
    kept = {column.name: _keeping(table, column) for column in table.columns
            if column.name in unsure}
    return [{name: kept[name](value) if name in kept else value
             for name, value in row.items()} for row in rows]


def _keeps(affinity: str, values: Sequence[Any]) -> bool:
    """Tell whether a column is sure to store values as they are.

    This is many times faster than to look at each value.
    """
    found = set(map(type, values)) - {NoneType}
    if affinity == 'BLOB' or not found:
        return found <= {str, bytes}
    if found != {_KINDS.get(affinity)}:
        return False
    given = [value for value in values if value is not None]
    if affinity == 'REAL':
        return not any(map(math.isnan, given)) and (
            0.0 not in given or not any(map(_is_negative_zero, given)))
    return affinity == 'TEXT' or (
        min(given) >= -2 ** 63 and max(given) < 2 ** 63)


#: The type whose values a column keeps, but for a few.
_KINDS = {'INTEGER': int, 'NUMERIC': int, 'REAL': float, 'TEXT': str}


def _keeping(table: Table, column: Column) -> Callable[[Any], Any]:
    """Return a function of a value that returns what will be read."""
    name, kind = column.name, affinity(column.type)
    is_document = is_json(table, column)

    def kept(value: Any) -> Any:
        written = _in_json(value) if is_document else _written(kind, value)
        check(table, {name: written})
        return _READ[kind](written) if type(written) in (int, float) \
            else written

    return kept


def type_for(values: Iterable[Any]) -> str:
    """Return a type for a column that has some values.

    It is empty, so that any value is kept, if no other one fits all.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds & {dict, list, type(documents.JSON_NULL)}:
        return TYPE
    if kinds == {bool}:
        return 'BOOLEAN'
    for kind, declared in (int, 'INTEGER'), (float, 'REAL'), (bytes, 'BLOB'):
        if kinds == {kind}:
            return declared
    is_text = kinds and all(
        isinstance(value, str) or as_text(value) is not None
        for value in values if value is not None)
    return 'TEXT' if is_text else ''


def _in_json(value: Any) -> Any:
    """Return a value as JSON has it; itself if JSON doesn't have it."""
    if value is None:
        return value
    try:
        return documents.in_json(value)
    except (TypeError, ValueError):
        return value


def _written(affinity: str, value: Any) -> Any:
    if type(value) in (str, int, bytes):
        return value
    if type(value) is bool and affinity != 'TEXT':
        return int(value)
    if affinity in ('TEXT', 'BLOB') and not (
            type(value) is float and affinity == 'BLOB'):
        text = as_text(value)
        return value if text is None else text
    return value


def _where(table: Table, column: Column) -> str:
    return f'table {table}, column {column.name}'


def _shown(value: Any) -> str:
    text = 'true' if value is True else 'false' if value is False \
        else repr(value)
    return text if len(text) <= 60 else text[:60] + '…'


def _expected(column: Column, value: Any, is_json: bool) -> str:
    """Return what a column stores as it is, or '' if it does a value."""
    if value is None:
        return ''  # whether it can be NULL is a constraint
    if is_json and not _becomes_number(column, value):
        return '' if _fits_json(value) else 'what JSON has'
    if is_json and type(value) is float and value.is_integer():
        return 'a number that stays as it is; JSON TEXT keeps any'
    if type(value) not in (int, float, str, bytes):
        return 'a number, a string, bytes or null'
    if type(value) is int and not -2 ** 63 <= value < 2 ** 63:
        return 'an integer of 64 bits'
    if value != value:
        return 'a number'
    fits, expected = _FITS[affinity(column.type)]
    return '' if fits(value) else expected


@cache
def affinity(type: str) -> str:
    """Return how a column of a declared type converts values."""
    if not type:
        return 'BLOB'
    type = type.upper()
    return next((name for part, name in _AFFINITIES if part in type),
                'NUMERIC')


def _becomes_number(column: Column, value: Any) -> bool:
    """Tell whether a column makes a number of the JSON for a value."""
    return type(value) in (int, float, Decimal) and affinity(
        column.type) not in ('TEXT', 'BLOB')


def _fits_json(value: Any) -> bool:
    try:
        documents.dump(value).encode()
    except (TypeError, ValueError):
        return False
    return True


def _fits_integer(value: Any) -> bool:
    return type(value) is int or (
        type(value) is float and value.is_integer()
        and -2 ** 63 <= value < 2 ** 63 and not _is_negative_zero(value))


def _fits_real(value: Any) -> bool:
    return not _is_negative_zero(value) if type(value) is float else (
        type(value) is int and abs(value) <= 2 ** 53)


def _fits_numeric(value: Any) -> bool:
    return not _is_negative_zero(value) if type(value) in (int, float) else (
        type(value) is str and not _is_number(value))


def _is_negative_zero(value: float) -> bool:
    """Tell whether this is -0.0, which only columns without a type keep."""
    return value == 0 and math.copysign(1, value) < 0


def _as_integer(value: float) -> float:
    """Return a number as SQLite reads it from a column for integers."""
    return int(value) if _fits_integer(value) else value


_FITS = {
    'INTEGER': (_fits_integer, 'an integer'),
    'REAL': (_fits_real, 'a number that a double can have'),
    'TEXT': (lambda value: type(value) is str, 'a string'),
    'BLOB': (lambda value: True, ''),
    'NUMERIC': (_fits_numeric, 'a number, or text that is none'),
}

_READ: dict[str, Callable[[float], float]] = {
    'INTEGER': _as_integer, 'NUMERIC': _as_integer, 'REAL': float,
    'TEXT': lambda value: value, 'BLOB': lambda value: value,
}
