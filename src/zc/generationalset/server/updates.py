"""GET updates: what changed since, at once or as soon as it changes."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from zc.generationalset.answers import NOTHING
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer, Large
from zc.generationalset.server.fields import accepts_gzip, has_tag
from zc.generationalset.server.leaving import until_gone
from zc.generationalset.server.parts import parts_asked
from zc.generationalset.server.positions import position_asked
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.queries import query
from zc.generationalset.server.requests import abort
from zc.generationalset.server.spool import Spools
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER

if TYPE_CHECKING:
    from zc.generationalset.server import Service

HEADERS = {
    'cache-control': 'no-store',
    'vary': 'accept-encoding, authorization, origin',
}
#: Bytes of a large answer that a client has to read in so many seconds.
PORTION = 256 * 1024
PATIENCE = 30.0

logger = logging.getLogger('zc.generationalset.server')


async def updates(service: Service, request: Request) -> Response:
    """Answer what changed since; wait for changes if the client asks so."""
    trees = service.trees()
    tree = trees.tree(service.access.tree_name(request))
    asked = position_asked(request) or NOTHING
    seconds = _wait(request, service.limits.wait)
    parts = parts_asked(request, service.limits)
    cursor = None if parts else query(request).get('cursor')
    ask = partial(trees.answer, tree, asked, accepts_gzip(request), parts,
                  cursor=cursor)
    answer = await ask()
    if seconds and answer.says_nothing:
        with service.access.stream(request), \
                service.metrics.polls.track_inprogress(), \
                suppress(asyncio.CancelledError):  # the server ends
            answer = await until_gone(request.receive, _changed(
                service, tree, parts, ask, seconds)) or answer
        service.access.check_again(request, tree.name)
    # Who presents less than the tag says has lost what the tag is of.
    if answer.says_nothing and has_tag(request, answer.position.etag):
        return Response(status_code=304, headers={
            **HEADERS, 'etag': answer.position.etag})
    return AnswerResponse(answer, trees.spools)


def _wait(request: Request, longest: float) -> float:
    text = query(request).get('wait', '0')
    if not re.fullmatch('[0-9]{1,9}', text):
        raise Problem(400, 'expected to wait a number of seconds, '
                      f'got {text[:40]!r}')
    return min(int(text), longest)


async def _changed(
        service: Service, tree: Tree, parts: Parts,
        ask: Callable[[], Awaitable[EncodedAnswer]], seconds: float,
) -> EncodedAnswer:
    """Return the answer as soon as something changed, or after some time."""
    deadline = asyncio.get_running_loop().time() + seconds
    with tree.listening(parts) as group:
        while True:
            news = group.news
            answer = await ask()
            rest = deadline - asyncio.get_running_loop().time()
            if not answer.says_nothing or rest <= 0 or service.stopping:
                if answer.large is not None:
                    await asyncio.sleep(tree.spread())
                return answer
            if group.is_quiet(news, answer.asked):
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(group.wait(), rest)


class AnswerResponse(Response):
    """The response with an answer, in one piece or as it grows."""

    media_type = 'application/json'

    def __init__(self, answer: EncodedAnswer, spools: Spools) -> None:
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
        with self._spools.reading(USER.get(), large.spool):
            await send({'type': 'http.response.start', 'status': 200,
                        'headers': self.raw_headers})
            try:
                await self._send(large, send)
            except TimeoutError:
                logger.debug('a client is too slow')
                abort(scope)
                return
        await send({'type': 'http.response.body'})

    async def _send(self, large: Large, send: Send) -> None:
        """Send all blocks.  Raises TimeoutError if the client is too slow."""
        sent, seconds = 0, 0.0
        async with aclosing(large.blocks()) as blocks:
            async for block in blocks:
                begin = anyio.current_time()
                with anyio.fail_after(PATIENCE - seconds):
                    await send({'type': 'http.response.body', 'body': block,
                                'more_body': True})
                seconds += anyio.current_time() - begin
                sent += len(block)
                if sent >= PORTION:
                    sent, seconds = 0, 0.0
