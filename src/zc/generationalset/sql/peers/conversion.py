"""Values of columns between SQLite and PostgreSQL, without loss.

Between databases of one kind, values stay as they are.  Otherwise, those of
PostgreSQL are sent, and the side that has SQLite converts them.  A pair of
types is refused if one of them can't have what the other one has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from uuid import UUID

from zc.generationalset.sql import documents
from zc.generationalset.sql.errors import WrongValue

_SQLITE, _POSTGRESQL = 'sqlite ', 'postgresql '


class Conversion(NamedTuple):
    """How a column's values become those that are sent, and come back.

    Both functions raise WrongValue.
    """

    sent: Callable[[Any], Any]
    received: Callable[[Any], Any]


def conversion(here: str, there: str) -> Conversion | None:
    """Return how the values of a column are converted, for two forms.

    None if the values of one form would be others in the other one.

    >>> conversion('sqlite TEXT', 'postgresql uuid').sent(
    ...     '00000000-0000-0000-0000-000000000001')
    UUID('00000000-0000-0000-0000-000000000001')

    here, there
        From ``Database.form``.
    """
    if here == there:
        return _SAME
    if here.startswith(_POSTGRESQL) and there.startswith(_SQLITE):
        return _SAME if _of_sqlite(
            there.removeprefix(_SQLITE),
            here.removeprefix(_POSTGRESQL)) else None
    if here.startswith(_SQLITE) and there.startswith(_POSTGRESQL):
        return _of_sqlite(here.removeprefix(_SQLITE),
                          there.removeprefix(_POSTGRESQL))
    return None


def _of_sqlite(affinity: str, type: str) -> Conversion | None:
    """Return the conversion for a column of SQLite and one of PostgreSQL.

    affinity
        JSON for a column that is declared so; it has JSON's values.
    """
    if (affinity, type) in _EXACT:
        return _EXACT[affinity, type]
    if affinity == 'JSON':
        return _SAME if type in ('json', 'jsonb') else _array(type, _same)
    if affinity == 'TEXT':
        return _AS_TEXT.get(type) or _array(type, _load) or (
            _LIKE_TEXT if type not in _NOT_TEXT else None)
    if affinity == 'NUMERIC' and type in _NEVER_NUMBERS:
        return _AS_TEXT[type]  # such a text is no number
    return None


def _optional(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else change(value)


def _made(
        sent: Callable[[Any], Any], received: Callable[[Any], Any],
) -> Conversion:
    return Conversion(_optional(sent), _optional(received))


def _is(*kinds: type) -> Callable[[Any], Any]:
    """Return a function that returns values of some types only."""
    def check(value: Any) -> Any:
        if type(value) not in kinds:
            raise _wrong(' or '.join(kind.__name__ for kind in kinds), value)
        return value
    return check


def _wrong(expected: str, value: Any) -> WrongValue:
    return WrongValue(f'expected {expected}, got {value!r:.60}')


def _bool(value: Any) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise _wrong('0 or 1', value)
    return bool(value)


def _real(value: Any) -> float:
    """Return a float that SQLite stores as it is, in a column of REAL."""
    if type(value) is not float or math.isnan(value) or (
            value == 0 and math.copysign(1, value) < 0):
        raise _wrong('a double without NaN and -0.0, which SQLite has only as '
                     'text', value)
    return value


def _of_text(
        parse: Callable[[str], Any], write: Callable[[Any], str],
) -> Conversion:
    """Return the conversion of a text that is written in one way only.

    What has no object of Python, such as an infinite date, is text on both
    sides.  Any other text is refused, whether this Python reads it or not.
    """
    def sent(value: Any) -> Any:
        _is(str)(value)
        try:
            found = parse(value)
        except (ValueError, InvalidOperation):
            if _has_no_object(value):
                return value
            raise _wrong('a text as PostgreSQL writes it', value) from None
        if write(found) != value:
            raise _wrong(f'{write(found)!r}', value)
        return found

    def received(value: Any) -> str:
        return value if type(value) is str else write(value)

    return _made(sent, received)


#: Dates and times that PostgreSQL has, and Python doesn't.
_has_no_object = re.compile(
    r'-?infinity|24:00:00|[0-9]{5,}-[-0-9:. +]+|[-0-9:. +]+ BC').fullmatch


def _number(value: str) -> Any:
    number = Decimal(value)
    return number if number.is_finite() else float(value)


def _write_number(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return _FLOATS.get(repr(value), repr(value))


#: How PostgreSQL writes numbers that aren't finite.
_FLOATS = {'nan': 'NaN', 'inf': 'Infinity', '-inf': '-Infinity'}


def _load(value: Any) -> Any:
    try:
        found = documents.load(_is(str)(value))
    except ValueError as error:
        raise WrongValue(f'expected JSON: {error}') from error
    if isinstance(found, documents.Unreadable):
        raise _wrong('JSON that Python reads', value)
    return found


def _dump(value: Any) -> str:
    try:
        return documents.canonical(value)
    except (TypeError, ValueError) as error:
        raise _wrong('what JSON has', value) from error


def _dump_array(value: Any) -> str:
    try:
        return _dump(documents.in_json(value))
    except (TypeError, ValueError) as error:
        raise _wrong('what JSON has', value) from error


def _same(value: Any) -> Any:
    return value


def _array(type: str, load: Callable[[Any], Any]) -> Conversion | None:
    """Return the conversion of an array that is JSON in SQLite, if any.

    load
        Makes a list of what the column of SQLite has.
    """
    base = type.removesuffix('[]')
    if base == type or type in _NOT_TEXT:
        return None
    element = _AS_TEXT.get('double precision' if base == 'real' else base)

    def sent(value: Any) -> Any:
        if isinstance(value, list):
            return list(map(sent, value))
        if base == 'numeric' and isinstance(value, int | float):
            return Decimal(repr(value))
        return element.sent(value) if element and isinstance(value, str) \
            else value

    def sent_whole(value: Any) -> Any:
        found = load(value)  # text if its first index isn't 1
        return found if isinstance(found, str) else sent(found)

    return _made(sent_whole, _same if load is _same else _dump_array)


_SAME = Conversion(_same, _same)
_INTEGER = _made(_is(int), _is(int))
_BOOLEAN = _made(_bool, lambda value: int(_is(bool)(value)))
_LIKE_TEXT = _made(_is(str), _is(str))
_JSON = _made(_load, _dump)
#: Returns the text for a value of a column of JSON.
as_json = _JSON.received

_INTEGERS = 'smallint', 'integer', 'bigint'
_EXACT = {
    **{(affinity, type): _INTEGER for type in _INTEGERS
       for affinity in ('INTEGER', 'NUMERIC')},
    ('INTEGER', 'boolean'): _BOOLEAN, ('NUMERIC', 'boolean'): _BOOLEAN,
    ('REAL', 'double precision'): _made(_is(float), _real),
    ('REAL', 'real'): _made(_is(float), _real),
    ('BLOB', 'bytea'): _made(_is(bytes), _is(bytes)),
}
_AS_TEXT = {
    'numeric': _of_text(_number, _write_number),
    'double precision': _of_text(float, _write_number),
    'date': _of_text(date.fromisoformat, date.isoformat),
    'time without time zone': _of_text(time.fromisoformat, time.isoformat),
    'uuid': _of_text(UUID, str),
    **{type: _of_text(
        datetime.fromisoformat, lambda value: value.isoformat(' '))
        for type in ('timestamp without time zone',
                     'timestamp with time zone')},
    'json': _JSON, 'jsonb': _JSON,
}
_NEVER_NUMBERS = frozenset([
    'date', 'time without time zone', 'timestamp without time zone',
    'timestamp with time zone', 'uuid'])
_NOT_TEXT = frozenset([
    *_INTEGERS, 'real', 'boolean', 'bytea', 'bytea[]', 'json[]', 'jsonb[]'])
