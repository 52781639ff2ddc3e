"""JSON text: within limits, and nothing in it silently changed."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar('T')
Text: TypeAlias = 'bytes | bytearray | str'

#: Integers from -SAFE to SAFE are exact in all languages, as are all numbers
#: between them; every double beyond is an integer.
SAFE = 2 ** 53 - 1

#: Text outside of strings is looked at in blocks.  That bounds memory, and
#: lets other threads run in between.
_BLOCK = 2 ** 20
#: The same for brackets, of which more is made.
_STEP = 2 ** 16

#: What is left of it: brackets and braces as ``[`` and ``]``, commas, colons,
#: digits and points as ``0``, exponents as ``e``.
_OUTLINE = bytes.maketrans(b'{}123456789.E', b'[]0000000000e')
_ELSE = bytes(set(range(256)) - set(b'[]{},:0123456789.eE'))


class WireError(ValueError):
    """What arrived is malformed, or more than the limits allow.

    Its text is for a developer.
    """


@dataclass(frozen=True)
class Limits:
    """What is accepted from the other side.

    The defaults are for clients, which trust their server not to be malicious,
    but perhaps not to be flawless: they allow for some million items.

    >>> Limits(size=2 ** 20, count=100_000)
    Limits(size=1048576, depth=200, count=100000)
    """

    #: Bytes.
    size: int = 2 ** 29
    #: How deeply arrays and objects may be nested.  Reading takes up to three
    #: frames of Python's stack for each, and that has 1,000.
    depth: int = 200
    #: Entries, elements of arrays and members of objects, in all.
    count: int = 50_000_000


LIMITS = Limits()


class Inexact(float):
    """A number in the text of which this is not the shortest form.

    As a value that is the number nearest to it; as an id it is malformed.
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
        """Return the data, and whether they are what they look like.

        Some 10 ns per byte, and less than ten times the memory of the text.

        If not, there may be extended values, integers beyond SAFE and Inexact
        numbers.  Other numbers that a double can't hold are refused, as is
        everything else that would not be read as it was written.

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
                data.decode()  # the decoder skips what it doesn't need
    except UnicodeError as error:
        raise WireError(f'expected UTF-8, got: {error}') from error
    return data


def _outline(data: bytes) -> bytes:
    """Return what is outside of strings, brackets and the like.

    To find out before anything is made of it whether it is too much.  In
    what follows an error of syntax it may be wrong; nobody will read that.
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
    brackets = outline.translate(None, b',:0e')
    count = outline.count(b',') + brackets.count(b'[')
    if count > limits.count:
        raise _beyond(limits.count, 'entries, elements and members', count)
    depth = _depth(brackets)
    if depth > limits.depth:
        raise _beyond(limits.depth, 'levels of nesting', depth)


def _depth(brackets: bytes) -> int:
    """Return how deeply brackets are nested.

    Most of them, usually, are in a few levels from the innermost, which are
    taken away as long as that is worth while.
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
    """Return how deeply they are nested, whatever the level of most is."""
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
        raise ValueError('expected a number within ±(2^53 - 1), or an '
                         f'extended value, got {shown(text)}')
    if not number:
        if text.lower().partition('e')[0].strip('-0.'):
            raise ValueError('expected a number that a double can tell from '
                             f'0, got {shown(text)}')
    elif Decimal(text) != Decimal(repr(number)):
        return Inexact(number)
    return number


def _is_complete(data: bytes, tree: Any) -> bool:
    """Tell whether each colon of the text is in the data, too.

    If not, members of objects are missing, for there were others of the same
    name, or they are unknown.  (To write it all again is many times faster
    than to look at each object.)  Escaped colons would confuse the count.
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


_ENCODER = msgspec.json.Encoder(enc_hook=float)  # of Inexact numbers

ANY: Reader[Any] = Reader(Any)


def parse(text: Text, limits: Limits = LIMITS) -> Any:
    """Return JSON text as plain data, without a look at extended values.

    For ``value_from_plain`` and ``id_from_plain``, where values and ids are
    within something else.

    >>> from zc.generationalset.wire import id_from_plain
    >>> batch = parse('{"changes": [{"op": "set", "path": ["a", 1]}]}')
    >>> [id_from_plain(id) for id in batch['changes'][0]['path']]
    ['a', 1]

    Raises WireError.
    """
    return ANY.read(text, limits)[0]


_encode = msgspec.json.Encoder().encode


def dump(data: Any) -> bytes:
    """Return the text of plain data, in which Raw is text already.

    Raises ValueError for strings with lone surrogates.
    """
    try:
        return _encode(data)
    except UnicodeEncodeError as error:
        raise ValueError('expected text without lone surrogates, got '
                         f'{shown(error.object)}') from None


def shown(data: object) -> str:
    """Return something like repr, but short."""
    return reprlib.repr(data)
