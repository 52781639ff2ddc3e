"""The forms of values in JSON; each value is read as it was written."""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from zc.generationalset.wire.jsontext import (
    ANY,
    LIMITS,
    SAFE,
    Limits,
    Text,
    dump,
    parse,
    shown,
)
from zc.generationalset.wire.values import (
    Extended,
    is_date,
    is_datetime,
    is_time,
    value_from_plain,
)

#: Returns what to encode for an application's object, or raises TypeError.
Default: TypeAlias = 'Callable[[Any], Any] | None'
Form: TypeAlias = 'Callable[[Any, Default, int], Any]'

#: How deeply arrays and objects may be nested in the form of a value.  So a
#: value in nested subsets is still within the limits of clients.
DEPTH = 100

#: Python doesn't read or write integers with more digits.
DIGITS = 4300
_LONG = 10 ** DIGITS


def encode_value(value: Any, default: Default = None) -> bytes:
    """Return the JSON text of a value; see ``encode``.

    >>> encode_value({'size': 10 ** 20, 'ratio': float('nan')})
    b'{"size":{"$int":"100000000000000000000"},"ratio":{"$float":"nan"}}'
    """
    return dump(plain_value(value, default))


def normal(text: Text, limits: Limits = LIMITS) -> bytes:
    """Return the text that ``encode_value`` makes of the value in a text.

    O(n); faster than to decode and encode, if the value is ordinary.

    >>> normal('{"size": 2.50, "date": {"$date": "2026-11-21"}}')
    b'{"size":2.5,"date":{"$date":"2026-11-21"}}'

    Refuses extended values that are malformed or of an unknown kind.

    Raises WireError.
    """
    data, simple = ANY.read(text, limits)
    if simple:
        return dump(data)
    return encode_value(value_from_plain(data, strict=True))


def plain(value: Any, default: Default = None) -> Any:
    """Return a value as plain data, which any JSON library can write.

    >>> plain((1, 2))
    {'$tuple': [1, 2]}

    Raises what ``encode`` raises.
    """
    return parse(encode_value(value, default))


def plain_value(value: Any, default: Default = None, room: int = DEPTH) -> Any:
    """Return the plain data, for ``dump``, that represent a value.

    O(n), about 0.1 us for each element and member.

    >>> import datetime
    >>> plain_value([1, (datetime.date(2026, 11, 21), 2.5)])
    [1, {'$tuple': [{'$date': '2026-11-21'}, 2.5]}]

    ``default`` is called with objects of unknown types.  ``room`` is the
    number of levels that arrays and objects may have.

    Raises TypeError for an object that has no form, and ValueError for such a
    value of a known type, and for a value that is too deep.
    """
    kind = type(value)
    if kind in _AS_IS or (kind is int and -SAFE <= value <= SAFE):
        return value
    form = _FORMS.get(kind) or _form(value)
    return form(value, default, room)


def _form(value: Any) -> Form:
    kind = type(value)
    if hasattr(kind, '__wire__'):
        return _from_wire
    if hasattr(kind, '__json__'):
        return _from_json
    if isinstance(value, Enum):
        return _from_enum
    if dataclasses.is_dataclass(kind):
        return _from_dataclass
    for base, form in _BASES:
        if isinstance(value, base):
            return form
    return _from_default


def wire_text(value: Any) -> bytes:
    """Return the JSON text that an object's ``__wire__`` gives."""
    text = value.__wire__()
    if type(text) is not bytes:
        raise TypeError(f'expected bytes from __wire__ of {shown(value)}, '
                        f'got {shown(text)}')
    return text


def _from_wire(value: Any, default: Default, room: int) -> msgspec.Raw:
    return msgspec.Raw(wire_text(value))


def _from_json(value: Any, default: Default, room: int) -> Any:
    return _substitute(value, value.__json__(None), default, room)


def _from_default(value: Any, default: Default, room: int) -> Any:
    if default is None:
        raise TypeError(
            'expected a value that has a form in JSON, or a method __wire__ '
            'or __json__, or a default that knows it, got '
            f'{shown(value)} ({type(value).__name__})')
    return _substitute(value, default(value), default, room)


def _substitute(value: Any, other: Any, default: Default, room: int) -> Any:
    if other is None:
        # Probably the function has no ``return`` for this object.
        raise TypeError(f'expected something in the place of {shown(value)}, '
                        'got None')
    return plain_value(other, default, _less(room, 1))


def _less(room: int, levels: int) -> int:
    if room < levels:
        raise ValueError(f'expected at most {DEPTH} levels of nesting, got '
                         'more, or a value that contains itself')
    return room - levels


def _from_dataclass(value: Any, default: Default, room: int) -> Any:
    members = {field.name: getattr(value, field.name)
               for field in dataclasses.fields(value)}
    return _from_mapping(members, default, room)


def _from_enum(value: Enum, default: Default, room: int) -> Any:
    return plain_value(value.value, default, room)


def _from_int(value: int, default: Default, room: int) -> Any:
    value = int.__int__(value)
    if -SAFE <= value <= SAFE:
        return value
    if -_LONG < value < _LONG:
        return {'$int': str(value)}
    raise ValueError(f'expected an integer of at most {DIGITS:,} digits, got '
                     f'one of {value.bit_length():,} bits')


def _from_float(value: float, default: Default, room: int) -> Any:
    value = float.__float__(value)
    return value if -SAFE <= value <= SAFE else {'$float': repr(value)}


def _from_str(value: str, default: Default, room: int) -> str:
    return str.__str__(value)


def _from_decimal(value: Decimal, default: Default, room: int) -> Any:
    if not value.is_finite():
        raise ValueError(f'expected a finite Decimal, got {value}')
    return {'$decimal': str(value)}


def _from_bytes(value: Any, default: Default, room: int) -> Any:
    return {'$bytes': b64encode(bytes(value)).decode()}


def _from_datetime(value: datetime, default: Default, room: int) -> Any:
    return {'$datetime': _matching(
        is_datetime, value.isoformat(), 'a date-time of microseconds at most, '
        'with an offset of whole minutes, if any')}


def _from_date(value: date, default: Default, room: int) -> Any:
    return {'$date': _matching(is_date, value.isoformat(), 'a date')}


def _from_time(value: time, default: Default, room: int) -> Any:
    return {'$time': _matching(is_time, value.isoformat(),
                               'a time without time zone')}


def _matching(is_right: Callable[[str], Any], text: str, what: str) -> str:
    if not is_right(text):
        raise ValueError(f'expected {what}, got {text}')
    return text


def _from_timedelta(value: timedelta, default: Default, room: int) -> Any:
    return {'$timedelta': [value.days, value.seconds, value.microseconds]}


def _from_uuid(value: UUID, default: Default, room: int) -> Any:
    return {'$uuid': str(value)}


def _from_tuple(value: Iterable[Any], default: Default, room: int) -> Any:
    return {'$tuple': _from_list(value, default, _less(room, 1))}


def _from_set(value: Iterable[Any], default: Default, room: int) -> Any:
    # Sorted, because the order of strings in a set differs each time.
    return {'$set': sorted(_from_list(value, default, _less(room, 1)),
                           key=dump)}


def _from_list(value: Iterable[Any], default: Default, room: int) -> Any:
    room = _less(room, 1)
    return [element if type(element) in _AS_IS
            else plain_value(element, default, room) for element in value]


def _from_mapping(
        value: Mapping[Any, Any], default: Default, room: int) -> Any:
    within = _less(room, 1)
    members = {}
    for key, member in value.items():
        if type(key) is not str:
            if not isinstance(key, str):
                return _from_map(value, default, room)
            key = str.__str__(key)
        members[key] = (member if type(member) in _AS_IS
                        else plain_value(member, default, within))
    if len(members) == 1 and key.startswith('$'):
        return {'$object': members}
    return members


def _from_map(value: Mapping[Any, Any], default: Default, room: int) -> Any:
    room = _less(room, 2)
    return {'$map': [_from_list(pair, default, room)
                     for pair in value.items()]}


def _from_extended(value: Extended, default: Default, room: int) -> Any:
    room = _less(room, 1)
    return {name: plain_value(inner, default, room)
            for name, inner in value.items()}


_AS_IS = frozenset([str, bool, type(None)])

_FORMS: dict[type, Form] = {
    int: _from_int,
    float: _from_float,
    dict: _from_mapping,
    list: _from_list,
    Extended: _from_extended,
    tuple: _from_tuple,
    bytes: _from_bytes,
    Decimal: _from_decimal,
    datetime: _from_datetime,
    date: _from_date,
    time: _from_time,
    timedelta: _from_timedelta,
    UUID: _from_uuid,
    frozenset: _from_set,
}

#: Forms for instances of subclasses; the first that fits is used.
_BASES: list[tuple[type, Form]] = [
    (str, _from_str),
    *_FORMS.items(),
    (bytearray, _from_bytes),
    (memoryview, _from_bytes),
    (Mapping, _from_mapping),
    (Set, _from_set),
    (Sequence, _from_list),
]
