"""Updates as JSON, as described in docs/protocol.txt.

``zc.generationalset.answers`` says what an answer is in Python.  This knows
nothing of databases and networks.
"""

from __future__ import annotations

from zc.generationalset.extras import need

need('wire')

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from zc.generationalset.answers import (
    Answer,
    SubsetUpdates,
    check_answer,
    check_members,
)
from zc.generationalset.wire._entries import (
    SUBSETS,
    UNREADABLE,
    Level,
    NestingError,
    Unreadable,
    encode_entry,
)
from zc.generationalset.wire._forms import Default, plain_value
from zc.generationalset.wire._hashes import SAME_IDS, check_hashes
from zc.generationalset.wire._ids import (
    JSON,
    decode_id,
    decode_path,
    encode_id,
    encode_path,
    id_from_plain,
    path_segment,
)
from zc.generationalset.wire._json import (
    LIMITS,
    Limits,
    Reader,
    Text,
    WireError,
    dump,
)
from zc.generationalset.wire._values import Extended, value_from_plain

__all__ = [
    'SUBSETS',
    'UNREADABLE',
    'Extended',
    'Limits',
    'NestingError',
    'Reader',
    'Unreadable',
    'WireError',
    'decode',
    'decode_id',
    'decode_path',
    'decode_value',
    'encode',
    'encode_chunks',
    'encode_entry',
    'encode_id',
    'encode_path',
    'encode_value',
    'id_from_plain',
    'parse',
    'path_segment',
    'plain',
    'value_from_plain',
]

FORMAT = 1

_HEAD = 'epoch', 'since', 'generation', 'since_epoch', 'reset'
_MEMBERS = 'removals', 'adds', 'contents'

#: How many entries are sent, at most, before there is a chunk's worth.
_FIRST = 100


def encode(updates: Mapping[str, Any], default: Default = None) -> bytes:
    """Return the JSON text of an answer.

    O(n); 1,000 items with ``__wire__`` take less than a millisecond.

    >>> encode({'epoch': 'e', 'since': 3, 'generation': 5,
    ...         'removals': ['ann'], 'adds': [('bob', {'age': 42})]})
    b'{"format":1,"epoch":"e","since":3,"generation":5,"removals":["ann"],"adds":[["bob",{"age":42}]]}'

    Items, and what is in them, may be

    - what JSON knows, and numbers, dates and so on that the protocol knows;
    - tuples, sets, enumerations (their value is taken), dataclasses (objects),
      and all that is a ``collections.abc`` Mapping, Sequence or Set;
    - objects with a method ``__json__``, which is called with None, or
      ``__wire__``, which returns bytes that are taken as the JSON text;
    - what the function ``default`` returns something for.

    Nothing is left out, rounded, or written as null.

    Raises TypeError for an object, and ValueError for a value of a known type,
    that has no form in JSON, and ValueError for one that is nested too deep:
    NestingError for subsets.
    """
    return b''.join(_parts(updates, default))


def encode_chunks(
        updates: Mapping[str, Any], default: Default = None,
        size: int = 65536, unreadable: Unreadable | None = None,
) -> Iterator[bytes]:
    """Yield the JSON text of an answer in pieces of about ``size`` bytes.

    The entries may be iterators; they are read as the pieces are.  Memory is
    that of a piece and of the largest item.  The first piece has at most
    a hundred entries, so it is there soon.

    >>> entries = ((number, 'x' * 50) for number in range(10))
    >>> [len(piece) for piece in encode_chunks(
    ...     {'epoch': 'e', 'since': 0, 'generation': 11,
    ...      'contents': entries}, size=300)]
    [346, 287]

    If ``unreadable`` is given, an item that can't be encoded doesn't stop all
    the others: it is called with the ids that lead to the item, and the error,
    and a value that says so takes the item's place.  What has an id without a
    form is left out.  It may raise the error.

    >>> text = b''.join(encode_chunks(
    ...     {'epoch': 'e', 'since': 3, 'generation': 5, 'adds': [('a', 1j)]},
    ...     unreadable=lambda path, error: print(path, type(error))))
    ('a',) <class 'TypeError'>
    >>> decode(text)['adds']
    [('a', {'$unreadable': 'the server can not send it; its log says more'})]

    Raises what ``encode`` raises, after some pieces perhaps.
    """
    parts: list[bytes] = []
    length, most = 0, _FIRST
    for part in _parts(updates, default, unreadable):
        parts.append(part)
        length += len(part)
        if length >= size or len(parts) >= most:
            yield b''.join(parts)
            parts.clear()
            length, most = 0, sys.maxsize
    if parts:
        yield b''.join(parts)


def _parts(
        updates: Mapping[str, Any], default: Default,
        unreadable: Unreadable | None = None) -> Iterator[bytes]:
    check_answer(updates)
    head = {'format': FORMAT} | {
        name: updates[name] for name in _HEAD if name in updates}
    yield dump(head)[:-1]
    yield from Level(default, unreadable, ()).parts(updates)
    yield b'}'


class _Members(msgspec.Struct):
    removals: list[Any] | UnsetType = UNSET
    adds: list[tuple[Any, Any] | _Subset] | UnsetType = UNSET
    contents: list[tuple[Any, Any] | _Subset] | UnsetType = UNSET


class _Subset(_Members, kw_only=True):
    id: Any


class _Answer(_Members, kw_only=True):
    format: int
    epoch: str | None
    since: int
    generation: int
    since_epoch: str | UnsetType | None = UNSET
    reset: str | UnsetType = UNSET


_ANSWER: Reader[_Answer] = Reader(_Answer)


def decode(text: Text, limits: Limits = LIMITS) -> Answer:
    """Return the answer of which this is the JSON text.

    O(n), about 2 ms for 1,000 items of 200 bytes.

    >>> decode('{"format": 1, "epoch": "e", "since": 3, "generation": 5,'
    ...        ' "adds": [["bob", {"age": 42}]]}')
    {'epoch': 'e', 'since': 3, 'generation': 5, 'adds': [('bob', {'age': 42})]}

    Raises WireError for what is not an answer as described in the protocol, or
    is beyond the limits.
    """
    answer, simple = _ANSWER.read(text, limits)
    if answer.format != FORMAT:
        raise WireError(f'expected format {FORMAT}, got {answer.format}')
    updates = _present(answer, _HEAD)
    members = _present(answer, _MEMBERS)
    _check(check_answer, updates | members)
    return cast(Answer, updates | _read_members(members, simple))


def _present(struct: msgspec.Struct, names: Iterable[str]) -> dict[str, Any]:
    """Return the members that the text has."""
    return {name: value for name in names
            if (value := getattr(struct, name)) is not UNSET}


def _check(check: Callable[[Any], object], updates: dict[str, Any]) -> None:
    try:
        check(updates)
    except ValueError as error:
        raise WireError(str(error)) from error


def _read_members(members: dict[str, Any], simple: bool) -> dict[str, Any]:
    """Return what an answer says of one set, ids and values being read."""
    _check(check_members, members)
    if 'contents' in members:
        return {'contents': _entries(members['contents'], simple)}
    result: dict[str, Any] = {}
    if members.get('removals'):
        result['removals'] = [id_from_plain(id) for id in members['removals']]
    if members.get('adds'):
        result['adds'] = _entries(members['adds'], simple)
    return result


def _entries(
        entries: list[tuple[Any, Any] | _Subset], simple: bool) -> list[Any]:
    """Return entries with values in the place of plain data.

    Unless they are simple, when these are the same.
    """
    result: list[Any] = []
    others: list[Any] = []  # ids that aren't strings
    for entry in entries:
        if isinstance(entry, _Subset):
            id = id_from_plain(entry.id)
            members = _read_members(_present(entry, _MEMBERS), simple)
            result.append(SubsetUpdates(id=id, **members))
        else:
            id, item = entry
            if type(id) is not str:
                id = id_from_plain(id)
                entry = id, item
            if not simple:
                entry = id, value_from_plain(item)
            result.append(entry)
        if type(id) is not str:
            others.append(id)
    check_hashes(others, SAME_IDS)
    return result


def encode_value(value: Any, default: Default = None) -> bytes:
    """Return the JSON text of a value; see ``encode``.

    >>> encode_value({'size': 10 ** 20, 'ratio': float('nan')})
    b'{"size":{"$int":"100000000000000000000"},"ratio":{"$float":"nan"}}'
    """
    return dump(plain_value(value, default))


def decode_value(
        text: Text, limits: Limits = LIMITS, strict: bool = False) -> Any:
    """Return the value of which this is the JSON text.

    O(n).

    >>> decode_value('[1, {"$tuple": [2, 3]}]')
    [1, (2, 3)]

    Extended values of a kind that isn't known here are refused if ``strict``,
    as on servers; otherwise they are ``Extended``.

    Raises WireError.
    """
    data, simple = JSON.read(text, limits)
    return data if simple else value_from_plain(data, strict)


def parse(text: Text, limits: Limits = LIMITS) -> Any:
    """Return JSON text as plain data, without a look at extended values.

    For ``value_from_plain`` and ``id_from_plain``, where values and ids are
    within something else.

    >>> batch = parse('{"changes": [{"op": "set", "path": ["a", 1]}]}')
    >>> [id_from_plain(id) for id in batch['changes'][0]['path']]
    ['a', 1]

    Raises WireError.
    """
    return JSON.read(text, limits)[0]


def plain(value: Any, default: Default = None) -> Any:
    """Return a value as plain data, that any JSON library writes.

    >>> plain((1, 2))
    {'$tuple': [1, 2]}

    Raises what ``encode`` raises.
    """
    return parse(encode_value(value, default))
