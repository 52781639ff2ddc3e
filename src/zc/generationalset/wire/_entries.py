"""The entries of answers, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from zc.generationalset.answers import SubsetUpdates, check_members
from zc.generationalset.wire._forms import Default, plain_value, wire_text
from zc.generationalset.wire._ids import encode_id, plain_id
from zc.generationalset.wire._json import dump, shown
from zc.generationalset.wire._values import Extended

#: How many subsets may be within each other in an answer.
SUBSETS = 40
#: What takes the place of an item that can't be encoded.
UNREADABLE = Extended({
    '$unreadable': 'the server can not send it; its log says more'})

#: Called with the path of an entry that can't be encoded, and the error.
Unreadable: TypeAlias = 'Callable[[tuple[Any, ...], Exception], None]'


class NestingError(ValueError):
    """More subsets are within each other than an answer can say."""


class Level(NamedTuple):
    """Where in a tree is what is encoded, and how."""

    default: Default
    unreadable: Unreadable | None
    path: tuple[Any, ...]

    def parts(self, updates: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield removals and adds, or contents, each after a comma."""
        check_members(updates)
        if 'contents' in updates:
            yield b',"contents":['
            yield from self._listed(b'', updates['contents'])
            yield b']'
            return
        removals = [text for id in updates.get('removals', ())
                    if (text := self._id(id)) is not None]
        if removals:
            yield b',"removals":[%b]' % b','.join(removals)
        separator = b',"adds":['
        for part in self._listed(separator, updates.get('adds', ())):
            yield part
            separator = b''
        if not separator:
            yield b']'

    def _listed(
            self, separator: bytes, entries: Iterable[Any],
    ) -> Iterator[bytes]:
        """Yield entries, each after a separator, which is a comma then."""
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
        """Return what to say in the place of an entry, if it has an id."""
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
