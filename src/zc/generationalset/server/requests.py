"""Counting and logging of requests."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zc.generationalset.server.metrics import Metrics

#: The key, in the scope of a request, for its route, which has no ids.
ROUTE = 'gset.route'
#: The extension of ASGI that ends a connection at once, if there is one.
ABORT = 'gset.abort'
#: Methods that are counted.  All others count as "other", because anybody can
#: make them up.
METHODS = frozenset({
    'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'})

logger = logging.getLogger('zc.generationalset.requests')


def abort(scope: Scope) -> None:
    """End a connection within a response.

    Raises ConnectionAbortedError if the server has no extension for it.
    """
    extension = scope.get('extensions', {}).get(ABORT)
    if extension is None:
        raise ConnectionAbortedError('the client is too slow')
    extension['call']()


class Requests:
    """ASGI middleware that counts requests, and logs them when they end."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return
        request = _Request(self._metrics, scope, send)
        try:
            await self._app(scope, receive, request.send)
        except Exception:
            if not request.status:
                request.begin(500)
            raise
        finally:
            request.end()


class _Request:
    """A request, and the response to it."""

    def __init__(self, metrics: Metrics, scope: Scope, send: Send) -> None:
        self.status = 0
        self._metrics = metrics
        self._scope = scope
        self._send = send
        self._start = time.perf_counter()
        self._bytes = 0

    async def send(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self.begin(message['status'])
        elif body := message.get('body'):
            self._bytes += len(body)
            self._sent.inc(len(body))
        await self._send(message)

    def begin(self, status: int) -> None:
        """Note that the response begins."""
        self.status = status
        seconds = time.perf_counter() - self._start
        route = self._route
        self._metrics.requests.labels(self._method, route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        self._sent = self._metrics.sent.labels(route)

    def end(self) -> None:
        if logger.isEnabledFor(logging.INFO):
            logger.info('%s %s %s', self._method, self._route, self.status,
                        extra={'request': self._fields()})

    @property
    def _method(self) -> str:
        method = str(self._scope['method'])
        return method if method in METHODS else 'other'

    @property
    def _route(self) -> str:
        return str(self._scope.get(ROUTE, 'other'))

    def _fields(self) -> dict[str, Any]:
        client = self._scope.get('client')
        user = self._scope.get('user')
        return {
            'method': self._method, 'route': self._route,
            'status': self.status, 'bytes': self._bytes,
            'seconds': round(time.perf_counter() - self._start, 6),
            'client': client[0] if client else None,
            'user': None if user is None else str(user)}
