"""An open event stream: the client's place, and the way to the client."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from starlette.requests import Request

from zc.generationalset.answers import Position

if TYPE_CHECKING:
    from zc.generationalset.server.audience import Audience


class Piece(NamedTuple):
    """Bytes that many streams share."""

    body: bytes
    #: The body as a chunk of HTTP/1.1.
    chunk: bytes


def piece(body: bytes) -> Piece:
    return Piece(body, b'%x\r\n%b\r\n' % (len(body), body))


class Outlet(Protocol):
    """The way to a client.

    It calls the stream's ``pause`` when too much waits to be sent, ``resume``
    when there is room again, and ``leave`` when the client has gone.
    """

    #: Whether what is written is sent without ASGI, and its middleware.
    is_direct: bool

    def write(self, piece: Piece) -> None:
        """Send a piece, or keep it until it can be sent."""

    def end(self) -> None:
        """Complete the response behind what was written."""


#: The extension of a server that sends without ASGI: called with a stream, and
#: what to call at its end, with the number of bytes that were sent; tells
#: whether it has begun the stream.
HandOver = Callable[['Stream', Callable[[int], None]], bool]


class Stream:
    """A client's place in an audience.

    audience
        The audience; the stream counts as one of it already.
    position
        The client's position.
    user
        Of whose streams it is one.
    request
        The request, if it tells again and again whether the client may see the
        tree.
    """

    __slots__ = ('_audience', '_ended', '_outlet', '_sent', 'position',
                 'request', 'user')

    def __init__(
            self, audience: Audience, position: Position, user: Hashable,
            request: Request | None) -> None:
        self._audience: Audience | None = audience
        self._outlet: Outlet | None = None
        self._ended: Callable[[int], None] | None = None
        #: Bytes that were sent without ASGI.
        self._sent = 0
        self.position = position
        self.user = user
        self.request = request

    def begin(
            self, outlet: Outlet,
            ended: Callable[[int], None] | None = None) -> None:
        """Take part, behind the head of the response.

        ended
            Called in the end, with the number of bytes that were sent without
            ASGI.
        """
        self._outlet = outlet
        self._ended = ended
        if self._audience is not None:
            self._audience.begin(self)

    def write(self, piece: Piece) -> int:
        """Send a piece; return how many bytes went without ASGI."""
        outlet = self._outlet
        if outlet is None:
            return 0
        size = len(piece.body) if outlet.is_direct else 0
        self._sent += size
        outlet.write(piece)
        return size

    def pause(self) -> None:
        """Get nothing until ``resume``, because the client is slow."""
        if self._audience is not None:
            self._audience.discard(self)

    def resume(self) -> None:
        if self._audience is not None:
            self._audience.add(self)

    def end(self) -> None:
        """Complete the response, and leave."""
        if self._outlet is not None:
            self._outlet.end()
        self.leave()

    def leave(self) -> None:
        """Give the place back; more calls do nothing."""
        audience, self._audience = self._audience, None
        self._outlet = None
        if audience is not None:
            audience.leave(self)
            if self._ended is not None:
                self._ended(self._sent)
