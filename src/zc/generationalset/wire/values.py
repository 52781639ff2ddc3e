"""Making values from plain JSON data, such as 5 from {"$int": "5"}."""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from zc.generationalset.wire.hashes import check_hashes
from zc.generationalset.wire.jsontext import (
    ANY,
    LIMITS,
    SAFE,
    Inexact,
    Limits,
    Text,
    WireError,
    shown_json,
)

_DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
_TIME = r'(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
_FRACTION = r'(?:\.([0-9]{1,6}))?'
_OFFSET = '(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?'

#: Python doesn't read or write integers with more digits.
is_int = re.compile('-?[1-9][0-9]{0,4299}').fullmatch
is_number = re.compile(
    r'-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?').fullmatch
is_date = re.compile(_DATE).fullmatch
is_time = re.compile(f'({_TIME}){_FRACTION}').fullmatch
is_datetime = re.compile(f'({_DATE}T{_TIME}){_FRACTION}{_OFFSET}').fullmatch
is_uuid = re.compile('[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}').fullmatch


class Extended(dict[str, Any]):
    """An extended value of an unknown kind, or a malformed one.

    >>> from zc.generationalset import wire
    >>> colour = wire.decode_value('{"$colour": "red"}')
    >>> colour, type(colour)
    ({'$colour': 'red'}, <class 'zc.generationalset.wire.Extended'>)

    An Extended is encoded as it came.  An ordinary dictionary of the same form
    is put into ``$object``:

    >>> wire.encode_value(colour), wire.encode_value({'$colour': 'red'})
    (b'{"$colour":"red"}', b'{"$object":{"$colour":"red"}}')
    """

    __module__ = 'zc.generationalset.wire'  # for pickles


_AS_IS = frozenset([str, bool, type(None)])
_decode = msgspec.json.Decoder().decode


def decode_value(
        text: Text, limits: Limits = LIMITS, strict: bool = False) -> Any:
    """Return the value in a JSON text.

    O(n).

    >>> decode_value('[1, {"$tuple": [2, 3]}]')
    [1, (2, 3)]

    With ``strict``, as on servers, extended values that are malformed or of an
    unknown kind are refused; otherwise they become ``Extended``.

    Raises WireError.
    """
    data, simple = ANY.read(text, limits)
    return data if simple else value_from_plain(data, strict)


def decode_trusted(text: bytes) -> Any:
    """Return the value in a text that ``encode_value`` made.

    O(n), ten times as fast as ``decode_value``, because nothing is checked.

    >>> decode_trusted(b'[1,{"$tuple":[2,3]}]')
    [1, (2, 3)]

    Raises WireError for what is no JSON, such as a text that a disk has
    damaged.
    """
    try:
        data = _decode(text)
    except msgspec.DecodeError as error:
        raise WireError(f'expected JSON, got: {error}') from error
    # Writers leave $ as it is.
    return value_from_plain(data) if b'"$' in text else data


def value_from_plain(data: Any, strict: bool = False) -> Any:
    """Return the value that plain JSON data represent.

    O(n), about 0.1 us for each element and member.

    >>> value_from_plain([{'$tuple': [1, {'$date': '2026-11-21'}]}])
    [(1, datetime.date(2026, 11, 21))]

    With ``strict``, as on servers, extended values that are malformed or of an
    unknown kind are refused; otherwise they become ``Extended``.

    Raises WireError only with ``strict``.
    """
    kind = type(data)
    if kind is dict:
        if len(data) == 1:
            [(name, inner)] = data.items()
            if name.startswith('$'):
                return _extended(name, inner, strict)
        return _object(data, strict)
    if kind is int or kind is float:
        if strict and not -SAFE <= data <= SAFE:
            _refuse('a number within ±(2^53 - 1), or an extended value', data)
    elif kind is list:
        return [element if type(element) in _AS_IS
                else value_from_plain(element, strict) for element in data]
    elif kind is Inexact:
        return float(data)
    return data


def _object(data: dict[str, Any], strict: bool) -> dict[str, Any]:
    return {name: member if type(member) in _AS_IS
            else value_from_plain(member, strict)
            for name, member in data.items()}


def _refuse(expected: str, got: object) -> NoReturn:
    raise WireError(f'expected {expected}, got {shown_json(got)}')


def _extended(name: str, inner: Any, strict: bool) -> Any:
    if name == '$object' and type(inner) is dict:
        return _object(inner, strict)
    value = value_from_plain(inner, strict)
    try:
        return _made(name, value)
    except WireError:
        if strict:
            raise
        return Extended({name: value})


def _made(name: str, inner: Any) -> Any:
    """Return the extended value of a name, whose inner value is read."""
    if name not in _KINDS:
        _refuse('a known extended value', name)
    kind, make = _KINDS[name]
    if type(inner) is not kind:
        what = 'a string' if kind is str else 'an array'
        _refuse(f'{what} in {name}', inner)
    return make(inner)


def _int(text: str) -> int:
    if is_int(text):
        number = int(text)
        if not -SAFE <= number <= SAFE:
            return number
    _refuse('an integer outside of ±(2^53 - 1), of at most 4,300 digits, in '
            '$int', text)


def _float(text: str) -> float:
    if text == 'nan':
        return math.nan  # always the same, so it is once in a set
    if text in ('inf', '-inf'):
        return float(text)
    if is_number(text):
        number = float(text)
        if not (-SAFE <= number <= SAFE or math.isinf(number)):
            return number
    _refuse('nan, inf, -inf, or what a double can hold outside of '
            '±(2^53 - 1), in $float', text)


def _decimal(text: str) -> Decimal:
    if is_number(text):
        try:
            number = Decimal(text)
        except InvalidOperation:
            pass  # the exponent has more than 18 digits
        else:
            if number.is_finite():  # not all contexts trap that
                return number
    _refuse('a decimal number in $decimal', text)


def _bytes(text: str) -> bytes:
    try:
        data = b64decode(text)
    except ValueError:
        pass
    else:
        # Then there were no surplus bits, and nothing was skipped.
        if b64encode(data).decode() == text:
            return data
    _refuse('base64 with padding in $bytes', text)


def _datetime(text: str) -> datetime:
    match = is_datetime(text)
    if match:
        whole, fraction, offset = match.groups('')
        offset = offset.replace('Z', '+00:00')
        try:
            return datetime.fromisoformat(f'{whole}.{fraction:0<6}{offset}')
        except ValueError:
            pass
    _refuse('an RFC 3339 date-time, of microseconds at most, in $datetime',
            text)


def _date(text: str) -> date:
    if is_date(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    _refuse('a day like 2026-11-21 in $date', text)


def _time(text: str) -> time:
    match = is_time(text)
    if not match:
        _refuse('a time like 09:30:00 in $time', text)
    whole, fraction = match.groups('')
    return time.fromisoformat(f'{whole}.{fraction:0<6}')


def _uuid(text: str) -> UUID:
    if not is_uuid(text):
        _refuse('a UUID, lower case, in $uuid', text)
    return UUID(text)


def _timedelta(data: list[Any]) -> timedelta:
    if [type(part) for part in data] == [int] * 3:
        days, seconds, microseconds = data
        if (abs(days) < 10 ** 9 and 0 <= seconds < 86_400
                and 0 <= microseconds < 1_000_000):
            return timedelta(days, seconds, microseconds)
    _refuse('[days, 0 to 86,399 seconds, 0 to 999,999 microseconds] in '
            '$timedelta', data)


def _set(elements: list[Any]) -> frozenset[Any]:
    try:
        check_hashes(elements)
        result = frozenset(elements)
    except TypeError:
        _refuse('elements that can be in a set in $set', elements)
    if len(result) != len(elements):
        _refuse('different elements in $set', elements)
    return result


def _map(pairs: list[Any]) -> dict[Any, Any]:
    # A pair is an array; a string may have two elements, too.
    if all(type(pair) is list and len(pair) == 2 for pair in pairs):
        try:
            check_hashes([key for key, _ in pairs])
            result = dict(pairs)
        except TypeError:
            result = {}
        if len(result) == len(pairs):
            return result
    _refuse('pairs of a key and its value, with different keys, in $map',
            pairs)


#: The type of what is within, and what makes a value of that.
_KINDS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    '$int': (str, _int),
    '$float': (str, _float),
    '$decimal': (str, _decimal),
    '$bytes': (str, _bytes),
    '$datetime': (str, _datetime),
    '$date': (str, _date),
    '$time': (str, _time),
    '$uuid': (str, _uuid),
    '$timedelta': (list, _timedelta),
    '$tuple': (list, tuple),
    '$set': (list, _set),
    '$map': (list, _map),
}
