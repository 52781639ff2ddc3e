"""Connections of uvicorn, with limits that uvicorn itself doesn't have.

A client that sends these bytes has not presented a token yet.  So a connection
must cost little, whatever comes, and nothing that comes is logged above
``DEBUG``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from zc.generationalset.process.streaming import Streaming
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.requests import ABORT, HAND_OVER
from zc.generationalset.server.stream import Stream

#: Bytes of the head of a request, its line and its headers; also of the
#: trailers of a chunked body.
HEAD = 32 * 1024
#: Header fields of a request, including its trailers.
FIELDS = 128
#: Requests of a connection that may wait for the response to an earlier one.
WAITING = 8
#: Bytes of a response that may wait in this process until a client reads.
UNREAD = 16 * 1024
#: Seconds that a head may take to arrive.
PATIENCE = 15.0

logger = logging.getLogger('zc.generationalset.server.connections')


class Connection(HttpToolsProtocol):
    """Closes if the input is too much or too slow.

    This includes the rest of a body that was answered before it was complete.
    """

    _waiting: asyncio.TimerHandle | None = None
    #: Whether the next bytes belong to a head.
    _in_head = True
    #: How many bytes came since the end of the last request, or the last piece
    #: of a body.  (Or fewer, because that may have ended within a piece.)
    _size = 0
    #: How many header fields the request has so far.
    _fields = 0
    #: Whether this reads no more requests.
    _is_last = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(UNREAD)
        self._cycles: list[RequestResponseCycle] = []
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._unset_keepalive_if_required()
        # uvicorn tells only the last request, but others may be before it.
        for cycle in self._cycles:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)
        self._let_go()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(PATIENCE, self._expire)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _expire(self) -> None:
        if self._in_head and self._size:
            self._refuse(Problem(408, f'expected a head within {PATIENCE} '
                                 'seconds'))
        else:
            self.transport.close()

    # Input

    def data_received(self, data: bytes) -> None:
        if self._is_last:
            return
        self._unset_keepalive_if_required()
        self._size += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:  # CONNECT
            self._end()
        except httptools.HttpParserError as error:
            if not self._is_last:
                self._refuse_nonsense(error)
        else:
            if self._size > HEAD:
                self._refuse(Problem(431, _EXPECTED))
            elif self._size and self._waiting is None and self._is_idle():
                self._wait()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            if not self._is_upgrade():
                raise
            # Java's clients and curl offer HTTP/2 in this way.  The parser
            # takes the body for the other protocol.  So it gets the request
            # again, without the offer.
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[error.args[0]:])

    def _is_upgrade(self) -> bool:
        """Tell whether a request offers another protocol."""
        return (self.parser.should_upgrade()
                and self.parser.get_method() != b'CONNECT')

    def _head_without_upgrade(self) -> bytes:
        fields = b''.join([b'%b: %b\r\n' % field for field in self.headers
                           if field[0] != b'upgrade'])
        return b'%b %b HTTP/1.1\r\n%b\r\n' % (
            self.parser.get_method(), self.url, fields)

    def _is_idle(self) -> bool:
        """Tell whether more has to come, and nobody waits for it."""
        return self._in_head or self.cycle.response_complete

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= WAITING:
            self._drop_waiting()
            raise ValueError('too many requests wait')
        self._fields = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > FIELDS:
            raise _TooLarge
        if self._in_head:  # Nobody needs trailers.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_upgrade():
            return
        # The bytes may include some of the body.
        if self._size > HEAD and self._head_size() > HEAD:
            raise _TooLarge
        self._in_head = False
        self._stop_waiting()
        self.scope['extensions'] = {
            ABORT: {'call': self._abort}, HAND_OVER: {'call': self._hand_over}}
        super().on_headers_complete()
        self._cycles = [cycle for cycle in self._cycles
                        if not cycle.response_complete]
        self._cycles.append(self.cycle)

    def _head_size(self) -> int:
        return len(self.url) + sum(
            [len(name) + len(value) for name, value in self.headers])

    def on_body(self, body: bytes) -> None:
        self._size = 0
        super().on_body(body)
        if self._waiting is None and self.cycle.response_complete:
            self._wait()

    def on_message_complete(self) -> None:
        if self._is_upgrade():
            return
        super().on_message_complete()
        self._in_head = True
        self._size = 0
        self._stop_waiting()

    # Event streams

    def _hand_over(
            self, stream: Stream, ended: Callable[[int], None]) -> bool:
        """Let a stream have the transport, and forget the request.

        Not if the connection ends, or has more of this request or another.
        """
        cycle = self.cycle
        if (cycle.more_body or self.pipeline or self._waiting is not None
                or self.scope is not cycle.scope
                or self.transport.is_closing()):
            return False
        go_on = partial(
            _go_on, self.config, self.server_state, self.app_state)
        cycle.disconnected = True  # so that uvicorn lets the response be
        self.connections.discard(self)
        self._let_go()
        del self.parser  # which refers to the connection
        self.flow.resume_reading()
        stream.begin(Streaming(
            self.transport, stream, self.connections,
            go_on if cycle.keep_alive else None), ended)
        if self.flow.write_paused:
            stream.pause()
        return True

    # The end

    def _let_go(self) -> None:
        """Remove the references of requests to the connection.

        Without this, a connection and its requests refer to each other, and
        stay until the next garbage collection, which is rare.
        """
        for cycle in self._cycles:
            _release(cycle)
        self._cycles.clear()
        self.pipeline.clear()

    def _drop_waiting(self) -> None:
        """Drop all requests but the one that is being answered."""
        for cycle, _ in self.pipeline:
            _release(cycle)
            self._cycles.remove(cycle)
        self.pipeline.clear()
        self.cycle = self._cycles[-1]
        self._end()

    def _end(self) -> None:
        """Announce that this closes after the responses to all requests."""
        self._is_last = True
        if self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _abort(self) -> None:
        """Close at once, within a response."""
        self.transport.abort()
        for cycle in self._cycles:
            cycle.disconnected = True

    def _refuse_nonsense(self, error: httptools.HttpParserError) -> None:
        if isinstance(error.__context__, _TooLarge) or self._size > HEAD:
            self._refuse(Problem(431, _EXPECTED))
        else:
            self._refuse(Problem(400, 'expected a request of HTTP/1.1'))

    def _refuse(self, problem: Problem) -> None:
        """Respond, unless another response has begun, and close."""
        logger.debug('%s: %s', self.client, problem)
        self._is_last = True
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_response(problem.status, str(problem)))
        self.transport.close()


def _go_on(
        config: uvicorn.Config, server_state: ServerState,
        app_state: dict[str, Any], transport: Any) -> None:
    """Take more requests from a client that had a stream."""
    connection = Connection(config, server_state, app_state)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    if transport.get_write_buffer_size() > UNREAD:
        connection.pause_writing()


class _TooLarge(Exception):
    """A head, or trailers, are too large."""


@cache
def _response(status: int, detail: str) -> bytes:
    """Return a whole response; cached, because there are few."""
    response = Problem(status, detail).response()
    fields = b''.join(
        [b'%b: %b\r\n' % field for field in response.raw_headers])
    return b'HTTP/1.1 %d \r\nconnection: close\r\n%b\r\n%b' % (
        status, fields, bytes(response.body))


def _release(cycle: RequestResponseCycle) -> None:
    """Remove the references of a request to its connection."""
    cycle.on_response = _nothing
    cycle.scope['extensions'] = {}


def _nothing() -> None:
    pass


_EXPECTED = (f'expected a request line and headers of up to {HEAD} bytes and '
             f'{FIELDS} fields')
