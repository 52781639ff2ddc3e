"""Connections of uvicorn, with limits that it doesn't have of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from zc.generationalset.server._problems import Problem

#: Bytes of the head of a request: its line and its headers.
HEAD = 64 * 1024
#: Seconds that a head may take to arrive.
PATIENCE = 15.0


class Connection(HttpToolsProtocol):
    """Closes if the head of a request is too large or too slow.

    Nobody has presented a token before it is complete.  The same for the rest
    of a body that was answered before it was complete.
    """

    _waiting: asyncio.TimerHandle | None = None
    #: Whether what comes next is of a head,
    _in_head = True
    #: and how many bytes came since the end of the request before, perhaps.
    _size = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._cycles: list[RequestResponseCycle] = []
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        # uvicorn tells the one that came last, but others may be before it.
        for cycle in self._cycles:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(PATIENCE, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        super().data_received(data)
        if self._in_head and self._size > HEAD:
            self._refuse(Problem(431, _EXPECTED))
        elif self._size and self._waiting is None and self._is_idle():
            self._wait()

    def _is_idle(self) -> bool:
        """Tell whether more has to come, and nobody waits for it."""
        return self._in_head or self.cycle.response_complete

    def on_headers_complete(self) -> None:
        # There may be some of the body, too, in what came.
        if self._size > HEAD and self._head_size() > HEAD:
            raise ValueError(_EXPECTED)
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()
        if not self.pipeline:
            self._cycles.clear()  # all others are complete
        self._cycles.append(self.cycle)

    def _head_size(self) -> int:
        return len(self.url) + sum(
            [len(name) + len(value) for name, value in self.headers])

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._size = 0
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        if self._in_head and self._size > HEAD:
            self._refuse(Problem(431, _EXPECTED))
        else:
            self._refuse(Problem(400, msg))

    def _refuse(self, problem: Problem) -> None:
        """Respond, unless another response is under way, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            response = problem.response()
            self.transport.write(b'HTTP/1.1 %d \r\nconnection: close\r\n' %
                                 problem.status)
            self.transport.write(b''.join(
                [b'%b: %b\r\n' % header for header in response.raw_headers]))
            self.transport.write(b'\r\n' + bytes(response.body))
        self.transport.close()


_EXPECTED = f'expected a request line and headers of up to {HEAD} bytes'
