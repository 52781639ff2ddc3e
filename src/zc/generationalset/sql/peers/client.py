"""A database that another one is kept equal with."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from zc.generationalset.extras import need
from zc.generationalset.loopback import without_proxy
from zc.generationalset.sql.peers.asking import Asking
from zc.generationalset.sql.peers.beginning import begin
from zc.generationalset.sql.peers.conversation import (
    Report,
    Steps,
    Tell,
    run,
    silent,
)
from zc.generationalset.sql.peers.links import (
    PATIENCE,
    SocketLink,
    check_plain,
    is_local,
)


class SyncClient:
    """Keeps tables of a database equal with those of a ``SyncServer``.

    .. code-block:: python

        client = SyncClient(sqlite3.connect('shop.db'), ['orders'])
        client.sync(socket.create_connection(('127.0.0.1', 5984)))

    A sync takes time in proportion to the rows that have changed.  The
    database gets triggers that notice changes, and a copy of each row as the
    two sides agreed on it.

    database
        What ``open_database`` takes.
    tables
        Names of tables.  Each must have the same key and columns on both
        sides.
    ssl
        A context for TLS, with a certificate of the client if the server
        wants one.
    token
        A secret that the server expects.

    Raises DatabaseError for a table that isn't there, or can't be tracked.
    """

    def __init__(
            self, database: Any, tables: Sequence[str], *,
            ssl: ssl.SSLContext | None = None, token: str = '') -> None:
        self._database = begin(database, tables)
        self._asking = Asking(self._database, tables, token)
        self._ssl = ssl
        self._token = token
        self._turn = threading.Lock()

    def sync(
            self, server: socket.socket | str, *, name: str | None = None,
            tell: Tell = silent) -> Report:
        """Make both sides equal, and close the socket.

        If it fails, nothing is half done, and the next sync goes on.

        server
            A socket that is connected with the server; TCP or Unix.  Or the
            URL of its route; needs ``zc.generationalset[client]``.
        name
            The name of the server that its certificate must have, for a
            context that checks this.
        tell
            Called with texts that say how far the sync is.

        Raises Unfit if the tables don't fit, Cut if the connection ends,
        Rejected if the server refuses something, and other errors of
        ``sql.DatabaseError``.
        """
        with self._turn:
            steps = self._asking.steps(tell)
            report = self._post(server, steps) if isinstance(server, str) \
                else self._connected(server, name, steps)
            self._database.tidy()
            return report

    def _post(self, url: str, steps: Steps[Report]) -> Report:
        need('client')
        import httpx

        from zc.generationalset.sql.peers.posting import PostingLink, check_url

        check_url(url, self._token)
        with httpx.Client(verify=self._ssl or True, timeout=PATIENCE,
                          mounts=without_proxy(url)) as client, \
                PostingLink(client, url, self._token) as link:
            return run(steps, link)

    def _connected(
            self, connected: socket.socket, name: str | None,
            steps: Steps[Report]) -> Report:
        check_plain(connected)
        with closing(connected):
            if self._token and not self._ssl and not is_local(
                    connected.getpeername()):
                raise ValueError('expected ssl= for a token that leaves the '
                                 'machine')
            connected.settimeout(PATIENCE)
            with closing(self._secured(connected, name)) as secured, \
                    SocketLink(secured) as link:
                return run(steps, link)

    def _secured(
            self, connected: socket.socket, name: str | None,
    ) -> socket.socket:
        return connected if self._ssl is None else self._ssl.wrap_socket(
            connected, server_hostname=name)

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()
