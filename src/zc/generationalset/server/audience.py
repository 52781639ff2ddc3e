"""The event streams of a group: who is at the same position shares all.

However many streams there are, an answer is made, encoded and framed once, and
written to one stream after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from starlette.requests import Request

from zc.generationalset.answers import Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer
from zc.generationalset.server.group import Group
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.stream import Piece, Stream, piece
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER

if TYPE_CHECKING:
    from zc.generationalset.server import Service

#: How many streams are written to before other work goes on.
PORTION = 250
_COMMENT = piece(b':\n\n')
_ASK = piece(b'event: ask\ndata: {}\n\n')

logger = logging.getLogger('zc.generationalset.server')


class Audience:
    """The event streams of a group.

    A stream is *ready* unless its client is slow.  However slow a client is,
    at most one event waits for it: later, the stream gets all that has changed
    meanwhile as one event.
    """

    def __init__(self, service: Service, tree: Tree, group: Group) -> None:
        self._service = service
        self._trees = service.trees()
        self._tree = tree
        self._group = group
        #: The streams that are ready, by position, in order.
        self._ready: defaultdict[
            Position, dict[Stream, None]] = defaultdict(dict)
        #: The positions for whose streams a task looks what to push.  At other
        #: positions, streams wait for the group to wake.
        self._looking: set[Position] = set()
        #: ``group.news`` when the group woke last.
        self._news = group.news
        self._sent = service.metrics.sent.labels('/events')

    def begin(self, stream: Stream) -> None:
        """Let a stream take part."""
        # Before the stream is written to, because it may pause then.
        self.add(stream)
        self._sent.inc(stream.write(_COMMENT))  # shows that it is open

    def add(self, stream: Stream) -> None:
        """Let a stream be ready."""
        if self._service.stopping:
            stream.end()
            return
        self._ready[stream.position][stream] = None
        self._look_unless_current(stream.position)

    def discard(self, stream: Stream) -> None:
        """Let a stream be no longer ready."""
        streams = self._ready.get(stream.position, {})
        if stream in streams:
            del streams[stream]
            if not streams:
                del self._ready[stream.position]

    def leave(self, stream: Stream) -> None:
        """Give back what ``enter`` has taken."""
        self.discard(stream)
        self._service.access.close(stream.user)
        self._service.metrics.streams.dec()
        self._tree.leave(self._group)

    def wake(self) -> None:
        """Let all streams look, because of news or for a sign of life."""
        is_beat = self._group.news == self._news
        self._news = self._group.news
        for position in list(self._ready):
            if self._service.stopping:
                self._end(position)
            elif position not in self._looking:
                self._look(position, is_beat)

    def _look_unless_current(self, position: Position) -> None:
        if position not in self._looking and not self._group.is_current(
                position):
            self._look(position)

    def _look(self, position: Position, is_beat: bool = False) -> None:
        self._looking.add(position)
        self._trees.start(self._push(position, is_beat))

    async def _push(self, position: Position, is_beat: bool) -> None:
        """Push what there is for the streams at a position."""
        try:
            if is_beat:
                await self._write(position, _COMMENT, position)
            while streams := self._ready.get(position):
                USER.set(next(iter(streams)).user)
                if await self._push_next(position):
                    break
        except Problem as problem:
            # The clients are told when they come again.
            logger.info('event streams end: %s', problem)
            self._end(position)
        except Exception:
            logger.exception('event streams have failed')
            self._end(position)
        finally:
            self._looking.remove(position)

    async def _push_next(self, position: Position) -> bool:
        """Push an event; return whether the streams have everything."""
        group = self._group
        news = group.news
        answer = await self._trees.event(
            self._tree, group.shared(position), group.parts, fresh=False)
        if not answer.fits_event:
            self._let_ask(position)
        elif not answer.says_nothing:
            await self._push_answer(position, answer)
        else:
            return group.is_quiet(news, answer.asked)
        return False

    async def _push_answer(
            self, position: Position, answer: EncodedAnswer) -> None:
        count = await self._write(
            position, piece(answer.event), answer.position)
        self._service.metrics.events.inc(count)
        self._service.metrics.shared.inc(max(0, count - 1))
        self._look_unless_current(answer.position)

    async def _write(
            self, position: Position, piece: Piece, after: Position) -> int:
        """Write a piece to the streams at a position.

        They have another position after it.  Returns the number of streams.
        """
        streams = self._ready.get(position, {})
        count = size = 0
        for number, stream in enumerate(list(streams), 1):
            # Streams come and go while this waits.
            if stream in streams and self._may_read(stream):
                self.discard(stream)
                stream.position = after
                self._ready[after][stream] = None
                size += stream.write(piece)
                count += 1
            if number % PORTION == 0:
                await asyncio.sleep(0)
        self._sent.inc(size)
        return count

    def _may_read(self, stream: Stream) -> bool:
        """End a stream whose client may not see the tree any more."""
        if stream.request is None:
            return True
        try:
            self._service.access.check_again(stream.request, self._tree.name)
        except Problem as problem:
            logger.info('an event stream ends: %s', problem)
        except Exception:
            logger.exception('an event stream has failed')
        else:
            return True
        stream.end()
        return False

    def _let_ask(self, position: Position) -> None:
        """Let the clients at a position ask for an answer that is large."""
        loop = asyncio.get_running_loop()
        for stream in self._ready.pop(position, {}):
            loop.call_later(self._tree.spread(), self._ask, stream)

    def _ask(self, stream: Stream) -> None:
        if self._may_read(stream):
            self._sent.inc(stream.write(_ASK))
            stream.end()

    def _end(self, position: Position) -> None:
        for stream in list(self._ready.get(position, ())):
            stream.end()


def enter(
        service: Service, request: Request, tree: Tree, parts: Parts,
        position: Position) -> Stream:
    """Return a client's place in the audience for some parts.

    Raises a Problem if the client has too many.
    """
    access = service.access
    user = access.open(request)
    service.metrics.streams.inc()
    group = tree.enter(parts)
    if group.audience is None:
        group.audience = Audience(service, tree, group)
    return Stream(group.audience, position, user,
                  Request(request.scope) if access.may_end else None)
