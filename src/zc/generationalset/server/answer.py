"""Encoded answers; each is made once and shared by all who need it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, Position
from zc.generationalset.parts import Parts, Path
from zc.generationalset.server import compression
from zc.generationalset.server.spool import Spool

#: The most bytes of a small answer, which is kept in memory, and pushed to
#: event streams.  A larger answer is in a temporary file.
SMALL = 256 * 1024
#: The same for an answer with contents.  If such an answer isn't very small,
#: it is mostly very large, and then it should begin to arrive soon.
WHOLE = 32 * 1024
#: Characters that end a line for Python's ``str.splitlines``, though not in
#: JSON and in event streams; they can only be within strings of JSON.
_ENDS = {'\x85'.encode(): b'\\u0085', '\u2028'.encode(): b'\\u2028',
         '\u2029'.encode(): b'\\u2029'}


class Large(NamedTuple):
    """A large answer: its first bytes, and the file with the rest."""

    head: bytes
    spool: Spool

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the whole answer; see ``Spool.blocks``."""
        deflated = self.spool.deflated
        yield compression.begin(self.head) if deflated else self.head
        async with aclosing(self.spool.blocks()) as blocks:
            async for block in blocks:
                yield block
        if deflated:
            yield deflated.end(self.head)


@dataclass(frozen=True, eq=False)
class EncodedAnswer:
    """The answer to one question, at one moment."""

    asked: Position
    #: The position of a client that has applied the answer.
    position: Position
    #: The position of the tree.  A client of a mirror may be ahead of it.
    tree: Position
    #: How many commits the answer has seen, at least.
    count: int
    #: The whole answer, if it is small.
    body: bytes = b''
    _: KW_ONLY
    large: Large | None = None
    compressed: bool = False
    #: Whether this isn't an answer, and another one has to be made instead.
    is_unwanted: bool = False
    #: Whether this answer for an event stream wasn't made, because it is
    #: large.
    is_too_large: bool = False
    #: Whether nothing changed in the parts that the client has.
    lists_nothing: bool = False

    @property
    def says_nothing(self) -> bool:
        return self.lists_nothing or self.asked == self.position

    @property
    def fits_event(self) -> bool:
        """Whether an event stream can push the answer."""
        return self.large is None and not self.is_too_large

    @property
    def has_failed(self) -> bool:
        """Whether a part of the answer couldn't be made."""
        return self.large is not None and self.large.spool.failed

    @cached_property
    def event(self) -> bytes:
        """The answer as an event of a stream, if it is small."""
        return b'id: %b\nevent: updates\ndata: %b\n\n' % (
            str(self.position).encode(), _in_one_line(self.body))

    def reset(self, asked: Position) -> EncodedAnswer:
        """Return the answer to a client of another epoch.

        This answer is to a client that has nothing, and not compressed if it
        is small.  Answers to clients of other epochs differ from it only in
        the beginning.  So all clients that start over at the same moment share
        the rest, whatever they had.
        """
        head = beginning(self.position, asked)
        if self.large is not None:
            return replace(
                self, asked=asked, large=self.large._replace(head=head))
        mine = beginning(self.position, NOTHING)
        return replace(
            self, asked=asked, body=head + self.body.removeprefix(mine))


def beginning(position: Position, asked: Position) -> bytes:
    """Return the beginning of an answer that has contents, before them."""
    updates = {'epoch': position.epoch, 'since': asked.generation,
               'generation': position.generation, 'contents': ()}
    if asked.generation:
        updates.update(since_epoch=asked.epoch, reset='epoch')
    return wire.encode(updates).removesuffix(b',"contents":[]}')


def _in_one_line(json: bytes) -> bytes:
    """Escape characters at which some clients would end a line."""
    for character, escape in _ENDS.items():
        json = json.replace(character, escape)
    return json


@lru_cache(64)
def nothing_new(
        position: Position, parts: Parts, count: int) -> EncodedAnswer:
    """Return the answer for a client that has everything.

    The last ones are kept, because this is what most clients get.
    """
    updates: dict[str, Any] = {
        'epoch': position.epoch, 'since': position.generation,
        'generation': position.generation}
    if parts:
        updates['parts'] = [{'path': path} for path in parts]
    return EncodedAnswer(
        position, position, position, count, wire.encode(updates),
        lists_nothing=bool(parts))


def changed_parts(answer: Answer) -> set[Path]:
    """Return the paths of the parts of which an answer says anything."""
    return {part['path'] for part in answer['parts'] if len(part) > 1}
