"""GET events: pushes changes as they come."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.group import Group
from zc.generationalset.server.leaving import until_gone
from zc.generationalset.server.parts import parts_asked
from zc.generationalset.server.positions import last_event, position_asked
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.updates import HEADERS

if TYPE_CHECKING:
    from zc.generationalset.server import Service

_COMMENT = b':\n\n'

logger = logging.getLogger('zc.generationalset.server')


async def events(service: Service, request: Request) -> Response:
    """Push what changes, beginning at the client's position."""
    tree = service.trees().tree(service.access.tree_name(request))
    position = last_event(request) or position_asked(request) or NOTHING
    parts = parts_asked(request, service.limits)
    return EventStream(service, request, tree, parts, position)


class EventStream(Response):
    """The events of a tree, until the client leaves or has to ask."""

    media_type = 'text/event-stream'

    def __init__(
            self, service: Service, request: Request, tree: Tree,
            parts: Parts, position: Position) -> None:
        super().__init__(headers={**HEADERS, 'x-accel-buffering': 'no'})
        del self.headers['content-length']
        self._service = service
        self._request = request
        self._tree = tree
        self._parts = parts
        self._position = position

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._service.access.stream(self._request), \
                self._service.metrics.streams.track_inprogress(), \
                self._tree.listening(self._parts) as group:
            # An error here is still an ordinary response.
            await self._service.trees().event(
                self._tree, self._position, self._parts)
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': self.raw_headers})
            if scope['method'] != 'HEAD':
                # The server cancels this when it ends, which is no defect.
                with suppress(asyncio.CancelledError):
                    await until_gone(receive, self._push(send, group))
            await send({'type': 'http.response.body'})

    async def _push(self, send: Send, group: Group) -> None:
        try:
            await self._write(send, _COMMENT)  # shows that the stream is open
            while not self._service.stopping:
                if not await self._push_next(send, group):
                    await asyncio.sleep(self._tree.spread())
                    await self._write(send, b'event: ask\ndata: {}\n\n')
                    break
        except Problem as problem:
            # The client is told when it comes again.
            logger.info('an event stream ends: %s', problem)

    async def _push_next(self, send: Send, group: Group) -> bool:
        """Push an event, or wait for one; return False if it is too large.

        However slow a client is, at most one event waits for it: the next
        answer is made only when the client has got the last one.
        """
        news = group.news
        answer = await self._service.trees().event(
            self._tree, group.shared(self._position), self._parts, fresh=False)
        if not answer.fits_event:
            return False
        if not answer.says_nothing:
            await self._write(send, answer.event)
            self._service.metrics.events.inc()
            self._position = answer.position
        elif group.is_quiet(news, answer.asked):
            await group.wait()
            if group.news == news:
                await self._write(send, _COMMENT)
        return True

    async def _write(self, send: Send, body: bytes) -> None:
        """Send a part.  Raises a Problem if the client may no longer read."""
        self._service.access.check_again(self._request, self._tree.name)
        await send({'type': 'http.response.body', 'body': body,
                    'more_body': True})
