"""Encoded answers, each made once and shared by all who need it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.server import compression
from zc.generationalset.server.spool import Spool

#: An answer of up to so many bytes is kept in memory, and pushed to event
#: streams.  A larger one is kept in a temporary file.
SMALL = 256 * 1024
#: The same for one with contents, which mostly is very large if it is not very
#: small, and then should begin to arrive soon.
WHOLE = 32 * 1024


class Answer:
    """The answer to one question, at one moment."""

    def __init__(
            self, asked: Position, position: Position, count: int,
            body: bytes = b'', tree: Position | None = None) -> None:
        self.asked = asked
        #: What a client has that has applied it.
        self.position = position
        #: Where the tree is.  A client of a mirror may be ahead of it.
        self.tree = tree or position
        #: How many commits it has seen, at least.
        self.count = count
        #: All of it, if it is small,
        self.body = body
        #: or where it is, and what comes before that.
        self.large: Spool | None = None
        self.head = b''
        self.compressed = False
        #: Whether another one has to be made in its place.
        self.is_unwanted = False
        self._event = b''

    @property
    def says_nothing(self) -> bool:
        return self.asked == self.position

    @property
    def is_reset(self) -> bool:
        """Whether the client is of another epoch."""
        return (self.asked.generation != 0
                and self.asked.epoch != self.tree.epoch)

    @property
    def has_failed(self) -> bool:
        """Whether not all of it could be made."""
        return self.large is not None and self.large.failed

    @property
    def event(self) -> bytes:
        """The same as an event of a stream, if it is small."""
        if not self._event:
            self._event = b'id: %b\nevent: updates\ndata: %b\n\n' % (
                str(self.position).encode(), self.body)
        return self._event

    def reset(self, asked: Position) -> Answer:
        """Return the answer to a client of another epoch.

        This is the one to somebody who has nothing, and not compressed if it
        is small.  They differ in the beginning only, so that all clients who
        start over at the same moment share the rest, whatever they had.
        """
        answer = Answer(asked, self.position, self.count, tree=self.tree)
        head = beginning(self.position, asked)
        if self.large is None:
            mine = beginning(self.position, NOTHING)
            answer.body = head + self.body.removeprefix(mine)
        else:
            answer.large, answer.compressed = self.large, self.compressed
            answer.head = head
        return answer

    async def blocks(self, large: Spool) -> AsyncGenerator[bytes, None]:
        """Iterate over a large answer; see ``Spool.blocks``."""
        deflated = large.deflated
        yield compression.begin(self.head) if deflated else self.head
        async with aclosing(large.blocks()) as blocks:
            async for block in blocks:
                yield block
        if deflated:
            yield deflated.end(self.head)


def beginning(position: Position, asked: Position) -> bytes:
    """Return how an answer with all contents begins: up to the first entry."""
    updates = {'epoch': position.epoch, 'since': asked.generation,
               'generation': position.generation, 'contents': ()}
    if asked.generation:
        updates.update(since_epoch=asked.epoch, reset='epoch')
    return wire.encode(updates).removesuffix(b']}')


def nothing_new(position: Position, count: int) -> Answer:
    """Return the answer for somebody who has everything."""
    return Answer(position, position, count, wire.encode({
        'epoch': position.epoch, 'since': position.generation,
        'generation': position.generation}))
