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

from zc.generationalset.server._connection import Connection

#: Connections that wait until they are accepted: clients come back all at
#: once after a restart.
BACKLOG = 4096
#: Seconds that a restart waits for requests that are being answered, and
#: clients that don't read what they are sent.
GRACE = 5


class _Server(uvicorn.Server):
    """Tells when it is ready; ends event streams before it waits for them."""

    def __init__(
            self, app: Starlette, config: uvicorn.Config,
            started: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = app.state.gset
        self._tell = started

    async def startup(
            self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    def exit_soon(self, *_: object) -> None:
        self.should_exit = True

    async def shutdown(
            self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stop()
        asyncio.get_running_loop().call_later(GRACE, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def listen(host: str, port: int, shared: bool = False) -> socket.socket:
    """Return a listening socket; its connections notice dead peers.

    shared
        Other processes listen there, too, and get a share of the connections.

    Raises OSError if the address can't be had.
    """
    listening = socket.create_server(
        (host, port), family=_family(host), backlog=BACKLOG,
        reuse_port=shared)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, 'TCP_USER_TIMEOUT'):
        listening.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
    return listening


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that keeps an address for those who share it.

    It gets no connections itself.  Raises OSError if the address can't be had.
    """
    # If others share it already, they aren't ours.
    with socket.create_server((host, port), family=_family(host)) as free:
        port = free.getsockname()[1]
    reserved = socket.socket(_family(host))
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved


def _family(host: str) -> int:
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app, http=Connection, ws='none', log_config=None, log_level='warning',
        access_log=False, server_header=False,
        timeout_graceful_shutdown=2 * GRACE)


def run(app: Starlette, listening: socket.socket,
        started: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; call ``started`` when it is ready."""
    _allow_many_connections()
    # A full collection stops everything for 0.4 s where there are 5,000
    # streams, so it should be rare.
    gc.set_threshold(50_000, 20, 100)
    # A thread that parses, or encodes, hands over sooner to the one that all
    # others wait for.
    sys.setswitchinterval(0.001)
    server = _Server(app, configuration(app), started)
    # uvicorn stops on SIGTERM, and then raises it once more, for whoever was
    # there before: that would end the process before the database is closed.
    signal.signal(signal.SIGTERM, server.exit_soon)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as it may be."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
