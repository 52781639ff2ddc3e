"""GET updates, GET events."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.server.answer import Answer
from zc.generationalset.server.fields import accepts_gzip, has_tag
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.requests import abort
from zc.generationalset.server.spool import Spool, Spools
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER

if TYPE_CHECKING:
    from zc.generationalset.server import Service

T = TypeVar('T')

HEADERS = {
    'cache-control': 'no-store',
    'vary': 'accept-encoding, authorization, origin',
}
#: Bytes of a large answer that a client has to read within so many seconds.
PORTION = 256 * 1024
PATIENCE = 30.0
_GENERATION = re.compile('[0-9]{1,18}')
_HIGHEST = 2 ** 53 - 1  # an answer repeats it
_LONGEST_EPOCH = 200

logger = logging.getLogger('zc.generationalset.server')


def position_asked(request: Request) -> Position | None:
    """Return what the query presents, None if it presents nothing."""
    query = request.query_params
    position = _position(query.get('generation', '0'), query.get('epoch'))
    return position if 'generation' in query else None


def _position(generation: str, epoch: str | None) -> Position:
    if not _GENERATION.fullmatch(generation) or int(generation) > _HIGHEST:
        raise Problem(400, 'expected a generation, an integer from 0 to '
                      f'2^53 - 1, got {generation[:40]!r}')
    if epoch is not None and len(epoch) > _LONGEST_EPOCH:
        raise Problem(400, 'expected an epoch of this server, got '
                      f'{len(epoch)} characters')
    number = int(generation)
    return Position(epoch if number else None, number)


def _last_event(request: Request) -> Position | None:
    """Return what Last-Event-ID presents."""
    event = request.headers.get('last-event-id')
    if not event:
        return None
    epoch, colon, generation = event.rpartition(':')
    if not colon:
        raise Problem(400, 'expected a Last-Event-ID of this server, '
                      f'EPOCH:GENERATION, got {event[:40]!r}')
    return _position(generation, epoch or None)


async def updates(service: Service, request: Request) -> Response:
    """Answer what changed since; wait for it if that is asked for."""
    trees = service.trees()
    tree = trees.tree(service.access.tree_name(request))
    asked = position_asked(request) or NOTHING
    seconds = _wait(request, service.limits.wait)
    compressed = accepts_gzip(request)
    answer = await trees.answer(tree, asked, compressed)
    if seconds and _is_old(request, answer):
        with service.access.stream(request), \
                service.metrics.polls.track_inprogress(), \
                suppress(asyncio.CancelledError):  # the server ends
            answer = await _until_gone(request.receive, _changed(
                service, request, tree, asked, compressed, seconds)) or answer
        service.access.check_again(request, tree.name)
    if has_tag(request, answer.position.etag):
        return Response(status_code=304, headers={
            **HEADERS, 'etag': answer.position.etag})
    return AnswerResponse(answer, trees.spools)


def _wait(request: Request, longest: float) -> float:
    text = request.query_params.get('wait', '0')
    if not re.fullmatch('[0-9]{1,9}', text):
        raise Problem(400, 'expected to wait a number of seconds, '
                      f'got {text[:40]!r}')
    return min(int(text), longest)


def _is_old(request: Request, answer: Answer) -> bool:
    return answer.says_nothing or has_tag(request, answer.position.etag)


async def _changed(
        service: Service, request: Request, tree: Tree, asked: Position,
        compressed: bool, seconds: float) -> Answer:
    """Return the answer as soon as it is a new one, or after some time."""
    trees = service.trees()
    deadline = asyncio.get_running_loop().time() + seconds
    with tree.listening():
        while True:
            answer = await trees.answer(tree, asked, compressed)
            rest = deadline - asyncio.get_running_loop().time()
            if not _is_old(request, answer) or rest <= 0 or service.stopping:
                if answer.large is not None:
                    await asyncio.sleep(tree.spread())
                return answer
            if tree.position == answer.tree:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(tree.wait(), rest)


class AnswerResponse(Response):
    """An answer, in one piece or as it grows."""

    media_type = 'application/json'

    def __init__(self, answer: Answer, spools: Spools) -> None:
        headers = {**HEADERS, 'etag': answer.position.etag}
        if answer.compressed:
            headers['content-encoding'] = 'gzip'
        super().__init__(answer.body, headers=headers)
        self._answer = answer
        self._spools = spools
        if answer.large is not None:
            del self.headers['content-length']

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        large = self._answer.large
        if large is None or scope['method'] == 'HEAD':
            await super().__call__(scope, receive, send)
            return
        with self._spools.reading(USER.get(), large):
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': self.raw_headers})
            try:
                await self._send(large, send)
            except TimeoutError:
                logger.debug('a client is too slow')
                abort(scope)
                return
        await send({'type': 'http.response.body'})

    async def _send(self, large: Spool, send: Send) -> None:
        """Send all blocks.  Raises TimeoutError if the client is too slow."""
        sent, seconds = 0, 0.0
        async with aclosing(self._answer.blocks(large)) as blocks:
            async for block in blocks:
                begin = anyio.current_time()
                with anyio.fail_after(PATIENCE - seconds):
                    await send({'type': 'http.response.body', 'body': block,
                                'more_body': True})
                seconds += anyio.current_time() - begin
                sent += len(block)
                if sent >= PORTION:
                    sent, seconds = 0, 0.0


async def events(service: Service, request: Request) -> Response:
    """Push what changes, from what the client has."""
    tree = service.trees().tree(service.access.tree_name(request))
    position = _last_event(request) or position_asked(request) or NOTHING
    return EventStream(service, request, tree, position)


class EventStream(Response):
    """The events of a tree, until the client leaves or has to ask."""

    media_type = 'text/event-stream'

    def __init__(
            self, service: Service, request: Request, tree: Tree,
            position: Position) -> None:
        super().__init__(headers={**HEADERS, 'x-accel-buffering': 'no'})
        del self.headers['content-length']
        self._service = service
        self._request = request
        self._tree = tree
        self._position = position

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._service.access.stream(self._request), \
                self._service.metrics.streams.track_inprogress(), \
                self._tree.listening():
            # An error here is still a response of its own.
            await self._service.trees().answer(self._tree, self._position)
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': self.raw_headers})
            if scope['method'] != 'HEAD':
                # Cancelled if the server ends, which is no defect.
                with suppress(asyncio.CancelledError):
                    await _until_gone(receive, self._push(send))
            await send({'type': 'http.response.body'})

    async def _push(self, send: Send) -> None:
        try:
            await self._write(send, _COMMENT)  # the stream is open, says this
            while not self._service.stopping:
                if not await self._push_next(send):
                    await asyncio.sleep(self._tree.spread())
                    await self._write(send, b'event: ask\ndata: {}\n\n')
                    break
        except Problem as problem:
            # The client will come again, and be told.
            logger.info('an event stream ends: %s', problem)

    async def _push_next(self, send: Send) -> bool:
        """Push an event, or wait for one; return False if it is too large.

        However slow a client is, one event at most is waiting for it: the
        next answer is made when it has got the one before.
        """
        answer = await self._service.trees().answer(
            self._tree, self._position, fresh=False)
        if answer.large is not None:
            return False
        if not answer.says_nothing:
            await self._write(send, answer.event)
            self._service.metrics.events.inc()
            self._position = answer.position
        elif self._tree.position == answer.tree:
            await self._tree.wait()
            if self._tree.position == answer.tree:
                await self._write(send, _COMMENT)
        return True

    async def _write(self, send: Send, body: bytes) -> None:
        """Send a part.  Raises a Problem if the client may not have it."""
        self._service.access.check_again(self._request, self._tree.name)
        await send({'type': 'http.response.body', 'body': body,
                    'more_body': True})


_COMMENT = b':\n\n'


async def _until_gone(
        receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """Do some work, but only as long as the client is there.

    Returns its result, or None if the client has gone.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in task, gone:
            each.cancel()
        await asyncio.wait([task, gone])
    return None if task.cancelled() else task.result()


async def _gone(receive: Receive) -> None:
    while (await receive())['type'] != 'http.disconnect':
        pass
