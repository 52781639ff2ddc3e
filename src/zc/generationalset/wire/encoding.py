"""Answers as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from zc.generationalset.answers import SubsetUpdates, check_answer
from zc.generationalset.chunks import chunks
from zc.generationalset.updates import check_members
from zc.generationalset.wire.forms import Default, plain_value, wire_text
from zc.generationalset.wire.ids import encode_id, encode_ids, plain_id
from zc.generationalset.wire.jsontext import dump, shown
from zc.generationalset.wire.values import Extended

FORMAT = 1
#: The members of an answer that aren't about what is in the set.
HEAD = (
    'epoch', 'since', 'generation', 'since_epoch', 'reset', 'cursor', 'next')

#: How deeply subsets may be nested in an answer.
SUBSETS = 40
#: The value that replaces an item that can't be encoded.
UNREADABLE = Extended({
    '$unreadable': 'the server can not send it; its log says more'})

#: Called with the path of an entry that can't be encoded, and the error.
Unreadable: TypeAlias = 'Callable[[tuple[Any, ...], Exception], None]'

#: How many ids are written at a time.
_IDS = 1000
#: The most entries in the first chunk, even if they are few bytes.
_FIRST = 100


class NestingError(ValueError):
    """Subsets are nested too deeply for an answer."""


def encode(updates: Mapping[str, Any], default: Default = None) -> bytes:
    """Return the JSON text of an answer.

    O(n); 1,000 items with ``__wire__`` take less than a millisecond.

    >>> encode({'epoch': 'e', 'since': 3, 'generation': 5,
    ...         'removals': ['ann'], 'adds': [('bob', {'age': 42})]})
    b'{"format":1,"epoch":"e","since":3,"generation":5,"removals":["ann"],"adds":[["bob",{"age":42}]]}'

    Items, and what is in them, may be

    - what JSON knows, and numbers, dates and so on that the protocol knows;
    - tuples, sets, enumerations (as their values), dataclasses (as objects),
      and every ``collections.abc`` Mapping, Sequence or Set;
    - objects with a method ``__json__``, which is called with None, or
      ``__wire__``, which returns the JSON text as bytes;
    - objects for which the function ``default`` returns one of these.

    Nothing is left out, rounded, or written as null.

    Raises TypeError for an object that has no form in JSON, and ValueError for
    such a value of a known type.  Raises ValueError for a value that is nested
    too deep, and NestingError for such a subset.
    """
    return b''.join(_parts(updates, default))


def encode_chunks(
        updates: Mapping[str, Any], default: Default = None,
        size: int = 65536, unreadable: Unreadable | None = None,
) -> Iterator[bytes]:
    """Yield the JSON text of an answer in pieces of about ``size`` bytes.

    The entries may be iterators; they are read while the pieces are.  This
    needs the memory of one piece and of the largest item.  The first piece has
    at most a hundred entries, so it is ready soon.

    >>> entries = ((number, 'x' * 50) for number in range(10))
    >>> [len(piece) for piece in encode_chunks(
    ...     {'epoch': 'e', 'since': 0, 'generation': 11,
    ...      'contents': entries}, size=300)]
    [346, 287]

    If you pass a function ``unreadable``, an item that can't be encoded
    doesn't stop the others.  The function is called with the ids that lead to
    the item, and the error; it may raise the error.  A value that says that
    the item is unreadable replaces it.  An item whose id has no form is left
    out.

    >>> text = b''.join(encode_chunks(
    ...     {'epoch': 'e', 'since': 3, 'generation': 5, 'adds': [('a', 1j)]},
    ...     unreadable=lambda path, error: print(path, type(error))))
    ('a',) <class 'TypeError'>
    >>> from zc.generationalset.wire import decode
    >>> decode(text)['adds']
    [('a', {'$unreadable': 'the server can not send it; its log says more'})]

    Raises what ``encode`` raises, maybe after some pieces.
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
        name: updates[name] for name in HEAD if name in updates}
    yield dump(head)[:-1]
    if 'parts' in updates:
        yield from _subsets(updates['parts'], default, unreadable)
    else:
        yield from Level(default, unreadable, ()).parts(updates)
    yield b'}'


def _subsets(
        parts: Iterable[Mapping[str, Any]], default: Default,
        unreadable: Unreadable | None) -> Iterator[bytes]:
    separator = b',"parts":['
    for part in parts:
        path = part['path']
        yield separator + b'{"path":%b' % encode_ids(path)
        yield from Level(default, unreadable, tuple(path)).parts(part)
        yield b'}'
        separator = b','
    yield b']'


class Level(NamedTuple):
    """A level of the tree, and how its entries are encoded."""

    default: Default
    unreadable: Unreadable | None
    path: tuple[Any, ...]

    def parts(self, updates: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the members that aren't empty, each after a comma."""
        check_members(updates)
        if 'contents' in updates:
            yield b',"contents":['
            yield from self._listed(b'', updates['contents'])
            yield b']'
        else:
            yield from self._ids('removals', updates)
            separator = b',"adds":['
            for part in self._listed(separator, updates.get('adds', ())):
                yield part
                separator = b''
            if not separator:
                yield b']'
        yield from self._ids('keep', updates)

    def _ids(
            self, name: str, updates: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the ids of a member, with its name, if there are some."""
        if name not in updates:
            return
        begin = separator = b',"%b":[' % name.encode()
        for some in chunks(updates[name], _IDS):
            texts = [text for id in some if (text := self._id(id)) is not None]
            if texts:
                yield separator + b','.join(texts)
                separator = b','
        if separator is not begin:
            yield b']'

    def _listed(
            self, separator: bytes, entries: Iterable[Any],
    ) -> Iterator[bytes]:
        """Yield entries, the first after the separator, others after ','."""
        for entry in entries:
            if isinstance(entry, SubsetUpdates):
                id = self._id(entry['id'])
                if id is None:
                    continue
                yield b'%b{"id":%b' % (separator, id)
                yield from self._below(entry['id']).parts(entry)
                yield b'}'
            else:
                text: bytes | None
                try:
                    text = encode_entry(entry, self.default)
                except Exception as error:
                    text = self._instead(entry, error)
                if text is None:
                    continue
                yield separator + text
            separator = b','

    def _below(self, id: Any) -> Level:
        if len(self.path) == SUBSETS:
            raise NestingError(f'expected at most {SUBSETS} subsets '
                               'within each other, got more')
        return self._replace(path=(*self.path, id))

    def _instead(self, entry: Any, error: Exception) -> bytes | None:
        """Return the text that replaces an entry, if its id has a form."""
        if self.unreadable is None or not isinstance(entry, tuple):
            raise error
        self.unreadable((*self.path, entry[0]), error)
        try:
            return encode_entry((entry[0], UNREADABLE))
        except (TypeError, ValueError):
            return None

    def _id(self, id: Any) -> bytes | None:
        try:
            return encode_id(id)
        except (TypeError, ValueError) as error:
            if self.unreadable is None:
                raise
            self.unreadable((*self.path, id), error)
            return None


def encode_entry(entry: tuple[Any, Any], default: Default = None) -> bytes:
    """Return the JSON text of a pair of id and item.

    >>> encode_entry(('ann', {'age': 42}))
    b'["ann",{"age":42}]'

    Raises what ``encode`` raises.
    """
    if not isinstance(entry, tuple):
        raise TypeError('expected a tuple of id and item, or SubsetUpdates, '
                        f'got {shown(entry)} ({type(entry).__name__})')
    id, item = entry
    if type(id) is not str:
        id = plain_id(id)
    if hasattr(type(item), '__wire__'):
        return b'[%b,%b]' % (dump(id), wire_text(item))
    return dump([id, plain_value(item, default)])
