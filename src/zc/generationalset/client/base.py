"""What clients that block and clients that await share."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.client.options import HTTPOptions, for_httpx
from zc.generationalset.client.server import Server, Token
from zc.generationalset.client.session import Session
from zc.generationalset.client.urls import as_path
from zc.generationalset.client.writes import Writes
from zc.generationalset.parts import Parts, check_parts
from zc.generationalset.replica import ReplicaLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BaseClient:
    """A server, a replica and writes, without input and output."""

    def __init__(
            self, url: str, token: Token = None,
            replica: ReplicaLike | None = None, *,
            parts: Iterable[Any] = (),
            limits: wire.Limits | None = None, timeout: float = 30.0,
            heartbeat: float = 15.0, **options: Unpack[HTTPOptions]) -> None:
        self._server = Server(
            url, token, limits=limits, timeout=timeout, heartbeat=heartbeat)
        paths = [as_path(path) for path in parts]
        self._session = Session(
            self._server, replica, check_parts(paths) if paths else ())
        self._writes = Writes(self._session)
        self._connect(for_httpx(type(self), url, options))

    def _connect(self, options: dict[str, Any]) -> None:
        """Prepare connections, with options of httpx."""
        raise NotImplementedError

    @property
    def replica(self) -> Any:
        """The replica; see ``lock``."""
        return self._session.replica

    @property
    def parts(self) -> Parts:
        """The paths of the parts; () for the whole tree."""
        return self._session.parts

    @property
    def position(self) -> Position:
        """The epoch and generation of the replica; see ``lock``."""
        return self._session.position()

    @property
    def token(self) -> Token:
        """The token, or a callable that returns it; you may replace it.

        .. code-block:: python

            while True:
                try:
                    for changes in client.watch():
                        show(changes)
                except Refused as error:
                    if error.status != 401:
                        raise
                    client.token = log_in()

        The next request has the new token; a stream that is open stays open.

        Raises TypeError and ValueError for what can't be a token.
        """
        return self._server.token

    @token.setter
    def token(self, token: Token) -> None:
        self._server.token = token

    @property
    def lock(self) -> threading.RLock:
        """Held while the replica changes.

        Hold it to read a replica that another thread keeps current.
        """
        return self._session.lock

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self._server.url}>'
