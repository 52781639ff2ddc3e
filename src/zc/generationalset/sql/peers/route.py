"""Syncs over HTTP: the server's route.

Each request is a conversation of its own.  The server keeps it in files, so no
transaction of a database waits for the network.  If it takes long, the answer
begins before, and tells that it does.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from typing import IO

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.types import Receive, Scope, Send

from zc.generationalset.sql.peers.beats import BEAT
from zc.generationalset.sql.peers.conversation import Link
from zc.generationalset.sql.peers.frames import TOTAL
from zc.generationalset.sql.peers.links import (
    PATIENCE,
    TYPE,
    WORKING,
    FileLink,
)

#: Bytes that are sent at a time, and those that files keep in memory.
_BLOCK = 2 ** 18
_MEMORY = 2 ** 20


class Refusal(Exception):
    """A request that isn't served."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = PlainTextResponse(text, status, {
            401: {'www-authenticate': 'Bearer'},
            503: {'retry-after': '5'}}.get(status))


class Endpoint:
    """An application of ASGI that answers requests.

    serve
        Serves a conversation; called in a thread.  What goes wrong is among
        the frames that it sends.
    is_known
        Tells whether a token is one of those that clients must show.
    most
        How many requests are served at a time.
    """

    def __init__(
            self, serve: Callable[[Link], object],
            is_known: Callable[[str], bool], most: int) -> None:
        self._serve = serve
        self._is_known = is_known
        self._most = most
        self._served = 0

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._check(request)
            await self._answer(request, send)
        except Refusal as refusal:
            await refusal.response(scope, receive, send)

    def _check(self, request: Request) -> None:
        """Raise Refusal before the body is read."""
        scheme, _, token = request.headers.get(
            'authorization', '').partition(' ')
        if scheme.lower() != 'bearer' or not self._is_known(token.strip()):
            raise Refusal(401, 'expected another token')
        if self._served >= self._most:
            raise Refusal(503, 'too many clients are served')

    async def _answer(self, request: Request, send: Send) -> None:
        with ExitStack() as place, \
                tempfile.SpooledTemporaryFile(_MEMORY) as sent:
            self._served += 1
            place.callback(self._leave)
            came = place.enter_context(tempfile.SpooledTemporaryFile(_MEMORY))
            await _receive(request, came)
            done = anyio.Event()
            async with anyio.create_task_group() as group:
                group.start_soon(
                    self._work, FileLink(came, sent), place, done)
                with anyio.move_on_after(BEAT):
                    await done.wait()
                with suppress(ClientDisconnect):
                    await _response(sent, done)(
                        request.scope, request.receive, send)

    async def _work(
            self, link: FileLink, place: ExitStack, done: anyio.Event) -> None:
        with place:
            await to_thread.run_sync(self._serve, link)
        done.set()

    def _leave(self) -> None:
        self._served -= 1


async def _receive(request: Request, came: IO[bytes]) -> None:
    """Keep a body.  Raises Refusal if it is too long, or doesn't come."""
    blocks = request.stream()
    try:
        while True:
            with anyio.fail_after(PATIENCE):
                came.write(await anext(blocks))
            if came.tell() > TOTAL:
                raise Refusal(413, f'expected at most {TOTAL} bytes')
    except StopAsyncIteration:
        came.seek(0)
    except (TimeoutError, ClientDisconnect) as error:
        raise Refusal(408, 'expected the rest of the request') from error


def _response(sent: IO[bytes], done: anyio.Event) -> Response:
    how = {'content-length': str(sent.tell())} if done.is_set() \
        else {'x-accel-buffering': 'no'}  # or proxies would keep what it tells
    return StreamingResponse(
        _blocks(sent, done), media_type=TYPE,
        headers={'cache-control': 'no-store', **how})


async def _blocks(sent: IO[bytes], done: anyio.Event) -> AsyncIterator[bytes]:
    """Yield what was sent; before it is there, tell that it is being made."""
    while not done.is_set():
        yield WORKING
        with anyio.move_on_after(BEAT):
            await done.wait()
    sent.seek(0)
    while block := await to_thread.run_sync(sent.read, _BLOCK):
        yield block
