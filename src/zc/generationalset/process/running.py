"""Running an application in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from zc.generationalset.process.connections import Connection

#: Seconds that a restart waits for requests that are being answered, and for
#: clients that don't read.
GRACE = 5


class _Server(uvicorn.Server):
    """Tells when it is ready, and ends event streams before it waits."""

    def __init__(
            self, config: uvicorn.Config, started: Callable[[], None],
            stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started
        self._stop = stop

    async def startup(
            self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    def exit_soon(self, *_: object) -> None:
        self.should_exit = True

    async def shutdown(
            self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        asyncio.get_running_loop().call_later(GRACE, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app, http=Connection, ws='none', log_config=None, log_level='warning',
        access_log=False, server_header=False,
        timeout_graceful_shutdown=2 * GRACE)


def run(app: Starlette, listening: socket.socket,
        started: Callable[[], None],
        stop: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; call ``started`` when ready.

    stop
        Ends the streams of an application that isn't this package's own.
    """
    _allow_many_connections()
    # With 5,000 streams, a full garbage collection stops everything for 0.4 s,
    # so it should be rare.
    gc.set_threshold(50_000, 20, 100)
    # Threads that parse or encode hand over sooner to the event loop.
    sys.setswitchinterval(0.001)
    server = _Server(configuration(app), started, stop or app.state.gset.stop)
    # uvicorn stops on SIGTERM, and then raises it again for the earlier
    # handler.  That would end the process before the database is closed.
    signal.signal(signal.SIGTERM, server.exit_soon)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as allowed."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
