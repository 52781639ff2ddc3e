"""GET healthz and GET metrics, for monitoring a server."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from zc.generationalset.answers import Position
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.trees import Trees, look_at_error

if TYPE_CHECKING:
    from zc.generationalset.server import Service

#: Seconds that a check of the database may take.
PATIENCE = 1.0
_HEADERS = {'cache-control': 'no-store'}

logger = logging.getLogger('zc.generationalset.server')


async def health(service: Service, request: Request) -> Response:
    """Answer whether the database can be read.  Everybody may ask."""
    if service.stopping:
        raise Problem(503, 'this server ends', retry_after=1)
    try:
        await _look(service)
    except Exception as error:
        logger.warning('not healthy: %r', error)
        raise Problem(503, 'the database can not be read', retry_after=1
                      ) from error
    return Response(b'{"status":"ok"}', 200, _HEADERS, 'application/json')


async def metrics(service: Service, request: Request) -> Response:
    """Answer with the counters, to all who may use the server."""
    service.access.check(request)
    with suppress(Exception):  # that is what /healthz is for
        position = await _look(service)
        if position is not None:
            service.metrics.generation.set(position.generation)
    return Response(
        service.metrics.text(), 200, _HEADERS, CONTENT_TYPE_LATEST)


async def _look(service: Service) -> Position | None:
    """Check the database, once at a time, however many clients ask."""
    trees = service.trees()
    if trees.looking is None or trees.looking.done():
        names = [None] if service.access.is_one_tree else []
        trees.looking = asyncio.create_task(
            trees.jobs.look(_read, trees, names))
        trees.looking.add_done_callback(look_at_error)
    return await asyncio.wait_for(asyncio.shield(trees.looking), PATIENCE)


def _read(trees: Trees, names: list[None]) -> Position | None:
    """Begin a transaction; return the position of the only tree, if any."""
    trees.source.catch_up()  # fails if the database's server is away
    _, positions = trees.positions(list(names))
    if None in positions:
        raise LookupError('the set is not there')
    return positions[0] if positions else None
