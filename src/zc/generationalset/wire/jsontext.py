"""Reading and writing JSON text, within limits, and without loss."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar('T')
Text: TypeAlias = 'bytes | bytearray | str'

#: Integers from -SAFE to SAFE are exact in all languages.  Every double beyond
#: them is an integer.
SAFE = 2 ** 53 - 1

#: Bytes of a block of text.  Working in blocks bounds memory, and lets other
#: threads run in between.
_BLOCK = 2 ** 20
#: The same for brackets, which need more memory.
_STEP = 2 ** 16

#: Turns text outside of strings into an outline: brackets and braces become
#: ``[`` and ``]``, digits and points ``0``, exponents ``e``.
_OUTLINE = bytes.maketrans(b'{}123456789.E', b'[]0000000000e')
_ELSE = bytes(set(range(256)) - set(b'[]{},:0123456789.eE'))


class WireError(ValueError):
    """What arrived is malformed, or more than the limits allow.

    The text of the error is for a developer.
    """


@dataclass(frozen=True)
class Limits:
    """The most that is accepted from the other side.

    The defaults are for clients, which trust that their server isn't
    malicious, but not that it has no faults.  They allow some million items.

    >>> Limits(size=2 ** 20, count=100_000)
    Limits(size=1048576, depth=200, count=100000)
    """

    #: Bytes of the text.
    size: int = 2 ** 29
    #: How deeply arrays and objects may be nested.  Each level takes up to
    #: three of the 1,000 frames of Python's stack.
    depth: int = 200
    #: Entries, elements of arrays and members of objects, together.
    count: int = 50_000_000


LIMITS = Limits()


class Inexact(float):
    """A number whose text is not the shortest form of the number.

    As a value, it is the nearest double; as an id, it is malformed.
    """


class Reader(Generic[T]):
    """Reads JSON text of some type.

    >>> reader = Reader(list[int])
    >>> reader.read('[1, 2]', LIMITS)
    ([1, 2], True)
    """

    def __init__(self, kind: type[T] | Any) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._exact: msgspec.json.Decoder[T] = msgspec.json.Decoder(
            kind, float_hook=_number)

    def read(self, text: Text, limits: Limits) -> tuple[T, bool]:
        """Return the data, and whether they are simple.

        Takes some 10 ns per byte, and less than ten times the memory of the
        text.

        If the data aren't simple, there may be extended values, numbers beyond
        SAFE and Inexact numbers.  Other numbers that a double can't hold are
        refused, and so is everything else that would not be read as it was
        written.

        Raises WireError.
        """
        data = _as_bytes(text, limits)
        outline = _outline(data)
        _check(outline, limits)
        odd = b'0e' in outline or b'0' * 16 in outline
        decoder = self._exact if odd else self._decoder
        try:
            tree = decoder.decode(data)
            if not _is_complete(data, tree):
                _check_members(data, outline)
        except (msgspec.DecodeError, RecursionError) as error:
            raise WireError(f'expected JSON as described, got: {error}'
                            ) from error
        extended = b'"$' in data or b'"\\u0024' in data
        return tree, not (odd or extended)


def _as_bytes(text: Text, limits: Limits) -> bytes:
    if len(text) > limits.size:
        raise _beyond(limits.size, 'bytes', len(text))
    try:
        if isinstance(text, str):
            data = text.encode()
            if len(data) > limits.size:
                raise _beyond(limits.size, 'bytes', len(data))
        else:
            data = bytes(text)
            if not data.isascii():
                data.decode()  # the decoder skips unused text unchecked
    except UnicodeError as error:
        raise WireError(f'expected UTF-8, got: {error}') from error
    return data


def _outline(data: bytes) -> bytes:
    """Return the text outside of strings, as an outline.

    The outline shows whether a text is too much before any object is made.
    After an error of syntax the outline may be wrong, but then nobody reads
    the text.
    """
    if b'\\' in data:
        data = data.replace(b'\\\\', b'').replace(b'\\"', b'')
    outside = []
    within = 0
    for start in range(0, len(data), _BLOCK):
        pieces = data[start:start + _BLOCK].split(b'"')
        outside.append(b''.join(pieces[within::2]).translate(_OUTLINE, _ELSE))
        within = (within + len(pieces) - 1) % 2
    return b''.join(outside)


def _check(outline: bytes, limits: Limits) -> None:
    opening = outline.count(b'[')
    count = outline.count(b',') + opening
    if count > limits.count:
        raise _beyond(limits.count, 'entries, elements and members', count)
    if opening <= limits.depth:
        return  # as in most documents
    depth = _depth(outline.translate(None, b',:0e'))
    if depth > limits.depth:
        raise _beyond(limits.depth, 'levels of nesting', depth)


def _depth(brackets: bytes) -> int:
    """Return how deeply brackets are nested.

    Usually most brackets are in the few innermost levels.  These levels are
    removed as long as that pays.
    """
    removed = 0
    while True:
        outer = _outer(brackets)
        if 4 * len(outer) >= 3 * len(brackets):
            return removed + _deepest(brackets)
        brackets = outer
        removed += 1


def _outer(brackets: bytes) -> bytes:
    """Remove the innermost pairs."""
    parts, start = [], 0
    while start < len(brackets):
        end = start + _BLOCK
        if brackets[end - 1:end + 1] == b'[]':
            end += 1
        parts.append(brackets[start:end].replace(b'[]', b''))
        start = end
    return b''.join(parts)


def _deepest(brackets: bytes) -> int:
    """Return how deeply brackets are nested, at whatever levels most are."""
    depth = deepest = 0
    for start in range(0, len(brackets), _STEP):
        block = brackets[start:start + _STEP]
        for run in block.replace(b'][', b'] [').split():
            opening = run.count(b'[')
            deepest = max(deepest, depth + opening)
            depth += 2 * opening - len(run)
    return deepest


def _beyond(limit: int, what: str, got: int) -> WireError:
    return WireError(f'expected at most {limit:,} {what}, got {got:,}')


def _number(text: str) -> float:
    number = float(text)
    if not -SAFE <= number <= SAFE:
        return number  # an integer, which has to be an extended value
    if not number:
        if text.lower().partition('e')[0].strip('-0.'):
            raise ValueError('expected a number that a double can tell from '
                             f'0, got {shown(text)}')
    elif Decimal(text) != Decimal(repr(number)):
        return Inexact(number)
    return number


def _is_complete(data: bytes, tree: Any) -> bool:
    """Tell whether each colon of the text is in the data, too.

    If not, members are missing, because they have the name of another member
    of the object, or an unknown name.  (Writing all data again is many times
    faster than looking at each object.)  Escaped colons would confuse the
    count.
    """
    return (data.count(b':') == _ENCODER.encode(tree).count(b':')
            and b'\\u003' not in data)


def _check_members(data: bytes, outline: bytes) -> None:
    if _members(msgspec.json.decode(data)) != outline.count(b':'):
        raise WireError('expected members of different names in an object, '
                        'got two of the same')


def _members(data: Any) -> int:
    if type(data) is dict:
        return len(data) + sum(map(_members, data.values()))
    if type(data) is list:
        return sum(map(_members, data))
    return 0


_ENCODER = msgspec.json.Encoder(enc_hook=float)  # for Inexact numbers

ANY: Reader[Any] = Reader(Any)


def parse(text: Text, limits: Limits = LIMITS) -> Any:
    """Return a JSON text as plain data, with extended values unread.

    Use this with ``value_from_plain`` and ``id_from_plain``, for values and
    ids within something else.

    >>> from zc.generationalset.wire import id_from_plain
    >>> batch = parse('{"changes": [{"op": "set", "path": ["a", 1]}]}')
    >>> [id_from_plain(id) for id in batch['changes'][0]['path']]
    ['a', 1]

    Raises WireError.
    """
    return ANY.read(text, limits)[0]


_encode = msgspec.json.Encoder().encode


def dump(data: Any) -> bytes:
    """Return the text of plain data; a Raw in them is text already.

    Raises ValueError for strings with lone surrogates.
    """
    try:
        return _encode(data)
    except UnicodeEncodeError as error:
        raise ValueError('expected text without lone surrogates, got '
                         f'{shown(error.object)}') from None


def shown(data: object) -> str:
    """Return a short form of ``repr``."""
    return reprlib.repr(data)


def shown_json(data: Any) -> str:
    """Return the beginning of the JSON of plain data."""
    try:
        text = dump(data).decode()
    except (TypeError, ValueError):
        return shown(data)
    return text if len(text) <= 60 else f'{text[:57]}...'
