"""GET events: pushes changes as they come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.audience import enter
from zc.generationalset.server.leaving import until_gone
from zc.generationalset.server.parts import parts_asked
from zc.generationalset.server.positions import last_event, position_asked
from zc.generationalset.server.requests import hand_over
from zc.generationalset.server.stream import Piece, Stream
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.updates import HEADERS

if TYPE_CHECKING:
    from zc.generationalset.server import Service

_HEAD = [(name.encode(), value.encode()) for name, value in {
    **HEADERS, 'x-accel-buffering': 'no',
    'content-type': 'text/event-stream; charset=utf-8'}.items()]


async def events(service: Service, request: Request) -> EventStream:
    """Push what changes, beginning at the client's position."""
    tree = service.trees().tree(service.access.tree_name(request))
    position = last_event(request) or position_asked(request) or NOTHING
    parts = parts_asked(request, service.limits)
    return EventStream(service, request, tree, parts, position)


class EventStream:
    """The events of a tree, until the client leaves or has to ask."""

    def __init__(
            self, service: Service, request: Request, tree: Tree,
            parts: Parts, position: Position) -> None:
        self._service = service
        self._request = request
        self._tree = tree
        self._parts = parts
        self._position = position

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = enter(self._service, self._request, self._tree, self._parts,
                       self._position)
        goes_on = False
        try:
            # An error here is still an ordinary response.
            await self._service.trees().event(
                self._tree, self._position, self._parts)
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': _HEAD})
            goes_on = scope['method'] != 'HEAD' and hand_over(scope, stream)
            if goes_on:
                return
            if scope['method'] != 'HEAD':
                # The server cancels this when it ends, which is no defect.
                with suppress(asyncio.CancelledError):
                    await until_gone(receive, _Sending(stream).run(send))
            await send({'type': 'http.response.body'})
        finally:
            if not goes_on:
                stream.leave()


class _Sending:
    """The way to a client through ASGI; see ``Outlet``."""

    is_direct = False

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        #: What is to be sent; None is the end.
        self._bodies: asyncio.Queue[bytes | None] = asyncio.Queue()

    def write(self, piece: Piece) -> None:
        self._bodies.put_nowait(piece.body)
        self._stream.pause()

    def end(self) -> None:
        self._bodies.put_nowait(None)

    async def run(self, send: Send) -> None:
        self._stream.begin(self)
        while (body := await self._bodies.get()) is not None:
            await send({'type': 'http.response.body', 'body': body,
                        'more_body': True})
            self._stream.resume()
