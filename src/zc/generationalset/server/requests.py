"""Counting and logging of requests."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.stream import HandOver, Stream

#: The key, in the scope of a request, for its route, which has no ids.
ROUTE = 'gset.route'
#: The extension of ASGI that ends a connection at once, if there is one.
ABORT = 'gset.abort'
#: The extension that lets an event stream go on without ASGI.
HAND_OVER = 'gset.hand_over'
#: The key, in the scope, for what counts and logs the request.
_REQUEST = 'gset.request'
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


def hand_over(scope: Scope, stream: Stream) -> bool:
    """Let a stream go on without ASGI, behind the head of the response.

    Returns False if the server can't do that.
    """
    extension = scope.get('extensions', {}).get(HAND_OVER)
    if extension is None:
        return False
    request: _Request = scope[_REQUEST]
    return request.hand_over(extension['call'], stream)


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
        request = scope[_REQUEST] = _Request(self._metrics, scope, send)
        try:
            await self._app(scope, receive, request.send)
        except Exception:
            if not request.status:
                request.begin(500)
            raise
        finally:
            del scope[_REQUEST]  # which refers to the scope
            if not request.goes_on:
                request.end()


class _Request:
    """A request, and the response to it."""

    def __init__(self, metrics: Metrics, scope: Scope, send: Send) -> None:
        self.status = 0
        #: Whether the response goes on without ASGI.
        self.goes_on = False
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
        count, histogram, self._sent = self._metrics.of_responses(
            self._method, route, status)
        count.inc()
        histogram.observe(seconds)

    def hand_over(self, call: HandOver, stream: Stream) -> bool:
        """Tell whether a stream goes on without ASGI."""
        self.goes_on = call(stream, self.end)
        if self.goes_on:
            # Thousands of streams keep only what is logged.
            del self._send
            self._scope = {
                key: self._scope.get(key)
                for key in ('method', ROUTE, 'client', 'user')}
        return self.goes_on

    def end(self, sent: int = 0) -> None:
        """Log the request.

        sent
            Bytes of its body that were sent without ASGI.
        """
        self._bytes += sent
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
