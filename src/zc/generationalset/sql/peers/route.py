"""Syncs over HTTP: the server's route.

Each request is a conversation of its own.  The server keeps it in files, so no
transaction of a database waits for the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    PlainTextResponse,
    Response,
    StreamingResponse,
)

from zc.generationalset.sql.peers.conversation import Link
from zc.generationalset.sql.peers.frames import TOTAL
from zc.generationalset.sql.peers.links import PATIENCE, TYPE, FileLink

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
    """Answers requests.

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

    async def answer(self, request: Request) -> Response:
        try:
            self._check(request)
        except Refusal as refusal:
            return refusal.response
        self._served += 1
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return refusal.response
        finally:
            self._served -= 1

    def _check(self, request: Request) -> None:
        """Raise Refusal before the body is read."""
        scheme, _, token = request.headers.get(
            'authorization', '').partition(' ')
        if scheme.lower() != 'bearer' or not self._is_known(token.strip()):
            raise Refusal(401, 'expected another token')
        if self._served >= self._most:
            raise Refusal(503, 'too many clients are served')

    async def _answer(self, request: Request) -> Response:
        with ExitStack() as stack:
            came = stack.enter_context(tempfile.SpooledTemporaryFile(_MEMORY))
            await _receive(request, came)
            sent = stack.enter_context(tempfile.SpooledTemporaryFile(_MEMORY))
            await to_thread.run_sync(self._serve, FileLink(came, sent))
            came.close()
            stack.pop_all()  # what is sent is closed when it has been sent
        size = sent.tell()
        sent.seek(0)
        return StreamingResponse(
            _blocks(sent), media_type=TYPE,
            headers={'content-length': str(size), 'cache-control': 'no-store'})


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


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
