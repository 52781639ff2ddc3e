"""Ids: equal ids have one form, in JSON and in paths."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Iterable
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from uuid import UUID

from zc.generationalset.parts import Parts, check_parts
from zc.generationalset.wire.forms import DEPTH, DIGITS, plain_value
from zc.generationalset.wire.jsontext import (
    LIMITS,
    SAFE,
    Limits,
    Text,
    WireError,
    dump,
    parse,
    shown,
    shown_json,
)
from zc.generationalset.wire.values import value_from_plain

#: Removes zeros at the end, and changes nothing else.
_CONTEXT = decimal.Context(
    prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)

#: Segments that clients and proxies would resolve.
_NOT_SEGMENTS = '', '.', '..'

_is_bad_escape = re.compile(b'%(?![0-9A-Fa-f]{2})').search


def plain_id(id: Any, room: int = DEPTH) -> Any:
    """Return the plain data that represent an id.

    >>> plain_id(2.0), plain_id(('a', True, 2 ** 60))
    (2, {'$tuple': ['a', 1, {'$int': '1152921504606846976'}]})

    ``room`` is the number of levels that arrays and objects may have.

    Raises TypeError for what can't be an id in JSON.
    """
    if isinstance(id, str):
        return str.__str__(id)
    if isinstance(id, (int, float, Decimal)):
        id = _number(id)
    elif isinstance(id, tuple):
        if room < 2:
            raise TypeError(
                f'expected an id of at most {DEPTH} levels, got more')
        return {'$tuple': [plain_id(part, room - 2) for part in id]}
    elif isinstance(id, datetime):
        id = _in_utc(id)
    elif not isinstance(id, (bytes, date, UUID)):
        raise _no_id(id)
    return plain_value(id)


def _number(id: int | float | Decimal) -> int | float | Decimal:
    """Return the integer or double that equals a number, if there is one."""
    if isinstance(id, int):
        return int.__int__(id)
    if isinstance(id, float):
        if not math.isfinite(id):
            raise _no_id(id)
        return int(id) if id.is_integer() else float.__float__(id)
    if not id.is_finite():
        raise _no_id(id)
    id = _CONTEXT.normalize(id)
    if id.adjusted() >= DIGITS:  # as an integer, it would fill the memory
        raise _no_id(id)
    if id == id.to_integral_value():
        return int(id)
    double = float(id)
    return double if double == id else id


def _in_utc(id: datetime) -> datetime:
    if id.utcoffset() is None:
        return id
    try:
        # Date-times that differ only by fold are equal.
        return id.replace(fold=0).astimezone(timezone.utc)
    except OverflowError:
        raise _no_id(id) from None


def _no_id(id: object) -> TypeError:
    return TypeError(
        'expected an id that is a string, a finite number, bytes, a date, a '
        'date-time, a UUID, or a tuple of these, got '
        f'{shown(id)} ({type(id).__name__})')


def id_from_plain(data: Any) -> Any:
    """Return the id that plain JSON data represent.

    >>> id_from_plain({'$tuple': ['a', 1]})
    ('a', 1)

    Raises WireError, also for a form of an id that ``plain_id`` doesn't
    return.
    """
    kind = type(data)
    if kind is str:
        return data
    if kind is int or kind is float:
        if -SAFE <= data <= SAFE and (kind is int or not data.is_integer()):
            return data
    elif kind is dict and len(data) == 1:
        [(name, inner)] = data.items()
        if name == '$tuple' and type(inner) is list:
            return tuple([id_from_plain(part) for part in inner])
        id = value_from_plain(data, strict=True)
        if _is_normal(id, data):
            return id
    raise WireError('expected the form of an id, got ' + shown_json(data))


def _is_normal(id: Any, data: Any) -> bool:
    try:
        return bool(plain_id(id) == data)
    except TypeError:
        return False


def encode_id(id: Any) -> bytes:
    """Return the JSON text of an id.

    Equal ids have the same text.

    >>> encode_id('ann'), encode_id(2.0), encode_id(('a', 1))
    (b'"ann"', b'2', b'{"$tuple":["a",1]}')

    Raises TypeError for what can't be an id in JSON, ValueError for strings
    with lone surrogates and integers of more than 4,300 digits.
    """
    return dump(plain_id(id))


def encode_ids(ids: Iterable[Any]) -> bytes:
    """Return the JSON text of a path of ids.

    >>> encode_ids(('rooms', 42))
    b'["rooms",42]'

    Raises what ``encode_id`` raises.
    """
    return b'[%b]' % b','.join(map(encode_id, ids))


def decode_id(text: Text, limits: Limits = LIMITS) -> Any:
    """Return the id in a JSON text.

    >>> decode_id('{"$tuple":["a",1]}')
    ('a', 1)

    Raises WireError.
    """
    return id_from_plain(parse(text, limits))


def encode_parts(parts: Parts) -> str:
    """Return the JSON text of paths.

    >>> encode_parts((('people',), ('rooms', 42)))
    '[["people"],["rooms",42]]'

    Raises what ``encode_id`` raises.
    """
    return (b'[%b]' % b','.join(map(encode_ids, parts))).decode()


def decode_parts(text: Text, limits: Limits = LIMITS) -> Parts:
    """Return the paths of parts in a JSON text.

    >>> decode_parts('[["people"],["rooms",42]]')
    (('people',), ('rooms', 42))

    Raises WireError, also for what ``check_parts`` refuses.
    """
    paths = parse(text, limits)
    if not isinstance(paths, list) or not all(
            isinstance(path, list) for path in paths):
        raise WireError(f'expected a list of paths, got {shown_json(paths)}')
    try:
        return check_parts(map(id_from_plain, path) for path in paths)
    except WireError:
        raise
    except ValueError as error:
        raise WireError(str(error)) from error


def path_segment(id: Any) -> str:
    """Return an id as a segment of the path of a URL.

    >>> path_segment('ann'), path_segment('a/b'), path_segment(42)
    ('ann', 'a%2Fb', '~42')

    Raises what ``encode_id`` raises.
    """
    data = plain_id(id)
    text = dump(data)
    if type(data) is str and data[:1] != '~' and data not in _NOT_SEGMENTS:
        return quote(data, safe='')
    return '~' + quote(text, safe='')


def encode_path(ids: Iterable[Any]) -> str:
    """Return a path, without a slash at either end.

    >>> encode_path(('rooms', 42))
    'rooms/~42'

    Raises what ``encode_id`` raises.
    """
    return '/'.join([path_segment(id) for id in ids])


def decode_path(path: str | bytes) -> tuple[Any, ...]:
    """Return the ids in a path that is still percent-encoded.

    >>> decode_path('rooms/~42')
    ('rooms', 42)

    An empty path leads to the set at the top.

    Raises WireError, also for empty segments, ``.`` and ``..``.
    """
    if isinstance(path, str):
        path = path.encode(errors='surrogatepass')  # refused below
    return tuple(map(_segment_id, path.split(b'/'))) if path else ()


def _segment_id(segment: bytes) -> Any:
    data = unquote_to_bytes(segment)
    if data[:1] == b'~':
        return decode_id(data[1:])
    try:
        id = data.decode()
    except UnicodeDecodeError as error:
        raise WireError(f'expected UTF-8 in a path, got: {error}') from error
    if id in _NOT_SEGMENTS or _is_bad_escape(segment):
        raise WireError(
            'expected a segment of a path, percent-encoded, got '
            + shown_json(segment.decode(errors='replace')))
    return id
