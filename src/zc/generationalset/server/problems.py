"""Errors as problem documents (RFC 9457), and headers of all responses."""

from __future__ import annotations

import http
import logging
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zc.generationalset.sources import (
    Contended,
    LaterCursor,
    NoItem,
    NoTree,
    ReadOnly,
    Refused,
    SourceError,
    StaleCursor,
    Unavailable,
    Uncertain,
    WrongKind,
    WrongValue,
)

#: Headers that keep pages of other origins from embedding a response, and from
#: learning whether there is one.  They don't affect pages that CORS allows.
ISOLATION = {
    'content-security-policy': "frame-ancestors 'self'",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
}
_FIELDS = [(name.encode(), value.encode())
           for name, value in ISOLATION.items()]

#: The HTTP status of each error of a source.
STATUSES: dict[type, int] = {
    NoTree: 404, NoItem: 404, WrongKind: 409, WrongValue: 400,
    Refused: 409, ReadOnly: 403, StaleCursor: 410, LaterCursor: 503,
    Contended: 503, Unavailable: 503, Uncertain: 500, SourceError: 500}
#: What the log says of errors whose cause the client isn't told.
_LOGGED: dict[type, str] = {
    Unavailable: 'a transaction has failed: %r',
    Uncertain: 'a commit has failed, perhaps: %r'}

logger = logging.getLogger('zc.generationalset.server')


class Problem(Exception):
    """An error to tell a client.

    status
        The HTTP status.
    detail
        A sentence for the developer of the client.
    retry_after
        Seconds after which to try again.
    members
        More members of the problem document.
    """

    def __init__(
            self, status: int, detail: str, *,
            retry_after: float | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members
        self.headers: dict[str, str] = {}
        if retry_after is not None:
            self.headers['retry-after'] = str(max(1, round(retry_after)))
        if status == 401:
            self.headers['www-authenticate'] = 'Bearer'

    def response(self) -> Response:
        title = http.HTTPStatus(self.status).phrase
        body = {'title': title, 'status': self.status, 'detail': self.detail,
                **self.members}
        return Response(
            msgspec.json.encode(body), self.status,
            {'cache-control': 'no-store', **ISOLATION, **self.headers},
            'application/problem+json')


def problem_of(error: Problem | SourceError) -> Problem:
    """Return the Problem for an error of a source."""
    if isinstance(error, Problem):
        return error
    kinds = type(error).__mro__
    for kind in kinds:
        if kind in _LOGGED:
            logger.warning(_LOGGED[kind], error.__cause__)
    status = next(STATUSES[kind] for kind in kinds if kind in STATUSES)
    problem = Problem(
        status, str(error), retry_after=1 if status == 503 else None)
    if isinstance(error, ReadOnly) and error.source is not None:
        problem.members['source'] = error.source
    if isinstance(error, Refused) and error.constraint is not None:
        problem.members['constraint'] = error.constraint
    return problem


async def respond(request: Request, error: Exception) -> Response:
    """Respond with an error; for ``exception_handlers``."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        return _of_routing(request, error)
    return defect().response()


def _of_routing(request: Request, error: HTTPException) -> Response:
    headers = {name.lower(): value
               for name, value in (error.headers or {}).items()}
    if error.status_code != 405:
        problem = Problem(error.status_code, error.detail)
        problem.headers.update(headers)
        return problem.response()
    allowed = ', '.join(sorted({
        *headers.get('allow', '').replace(' ', '').split(','), 'OPTIONS'}))
    if request.method == 'OPTIONS':
        return Response(status_code=204, headers={'allow': allowed})
    problem = Problem(405, f'expected {allowed}, got {request.method[:40]}')
    problem.headers['allow'] = allowed
    return problem.response()


def defect() -> Problem:
    return Problem(500, 'the server has a defect; its log says more')


class Defects:
    """ASGI middleware that responds to unexpected errors.

    Starlette's own is outside of all other middleware, so its responses lack
    CORS headers.  It also raises the error again, and then servers close the
    connection without announcing that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def begin(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, begin)
        except Exception:
            if begun or scope['type'] != 'http':
                raise
            logger.exception('a request has failed')
            await defect().response()(scope, receive, send)


class Isolated:
    """ASGI middleware that adds ``ISOLATION`` to all responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        async def begin(message: Message) -> None:
            if message['type'] == 'http.response.start':
                headers = list(message['headers'])
                names = {name for name, _ in headers}
                headers += [each for each in _FIELDS if each[0] not in names]
                message = {**message, 'headers': headers}
            await send(message)

        await self._app(scope, receive, begin)
