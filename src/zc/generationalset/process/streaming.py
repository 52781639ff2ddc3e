"""Connections of event streams, which go on without ASGI.

Thousands of them are open at the same time, so each holds little: neither a
parser nor the request, and no task waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from zc.generationalset.server.stream import Piece, Stream

_END = b'0\r\n\r\n'


class Streaming(asyncio.Protocol):
    """The connection of a stream; see ``Outlet``.

    transport
        Has sent the head of a response, whose body comes in chunks.
    stream
        What is sent.
    connections
        All connections of the server.
    go_on
        Called with the transport, behind the response, if the client may send
        another request.
    """

    __slots__ = ('_connections', '_go_on', '_stream', 'transport')

    is_direct = True

    def __init__(
            self, transport: Any, stream: Stream, connections: set[Any],
            go_on: Callable[[Any], None] | None) -> None:
        self.transport = transport
        self._stream = stream
        self._connections = connections
        self._go_on = go_on
        connections.add(self)
        transport.set_protocol(self)

    # For the stream

    def write(self, piece: Piece) -> None:
        self.transport.write(piece.chunk)

    def end(self) -> None:
        self.transport.write(_END)
        if self._go_on is None:
            self.transport.close()
        else:
            self._connections.discard(self)
            self._go_on(self.transport)

    # For the transport

    def pause_writing(self) -> None:
        self._stream.pause()

    def resume_writing(self) -> None:
        self._stream.resume()

    def data_received(self, data: bytes) -> None:
        """Close, because a client has no more to say."""
        self._stream.leave()
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._stream.leave()

    # For uvicorn

    def shutdown(self) -> None:
        """Take no more requests."""
        self._go_on = None
