"""A database that others are kept equal with."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from zc.generationalset.extras import need
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.peers import outcomes
from zc.generationalset.sql.peers.beginning import begin
from zc.generationalset.sql.peers.conversation import Link, run
from zc.generationalset.sql.peers.links import (
    GREETED,
    SocketLink,
    check_plain,
    is_local,
)
from zc.generationalset.sql.peers.outcomes import Policy
from zc.generationalset.sql.peers.serving import Serving, Views

if TYPE_CHECKING:
    from starlette.routing import Route

#: How many clients are served at a time; others are turned away.
CLIENTS = 16
#: Seconds to wait if none can be accepted.
PAUSE = 0.5

logger = logging.getLogger('zc.generationalset.sql')


class SyncServer:
    """Lets any number of ``SyncClient`` keep tables equal.

    .. code-block:: python

        server = SyncServer(psycopg.connect('dbname=shop'), ['orders'])
        server.listen(socket.create_server(('127.0.0.1', 5984)))

    It remembers one line for each client, and each row of which a version
    lost, in the table ``gset.conflicts``, or ``gset_conflicts`` in SQLite.

    database
        What ``open_database`` takes.
    tables
        Names of tables.  Or a function that returns the views of a user, of
        tables that are tracked, for the user's name:

        .. code-block:: python

            def views(user):
                return [View('orders', ['customer'], 'owner = :user',
                             {'user': user})]

            server = SyncServer('sqlite:///shop.db', views,
                                tokens={'secret': 'ann'})

    policy
        What becomes of a row that client and server have changed, both:
        ``server`` or ``client`` wins; ``columns`` merges them, and the
        server's win where both changed one; or a function that gets a
        ``Conflict`` and returns the columns of the row, or None to delete it.
    ssl
        A context for TLS.  If others than this machine can connect, it must
        ask for certificates, or there must be a token.
    token
        A secret that clients must show.
    tokens
        The names of users by their secrets, instead of one ``token``.

    Raises DatabaseError for a table that isn't there, or can't be tracked, and
    ValueError for another policy, and for tokens that don't go together.
    """

    def __init__(
            self, database: Any, tables: Sequence[str] | Views, *,
            policy: Policy = 'server', ssl: ssl.SSLContext | None = None,
            token: str = '', tokens: Mapping[str, str] | None = None) -> None:
        outcomes.check(policy)
        users = _users(token, tokens, callable(tables))
        self._database = begin(
            database, () if callable(tables) else tables)
        self._serving = Serving(self._database, tables, policy, users)
        self._ssl = ssl
        self._has_tokens = '' not in users
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._wakers: set[socket.socket] = set()
        self._is_closed = False

    def listen(self, listening: socket.socket) -> None:
        """Serve clients until ``close`` is called; close the socket.

        listening
            A socket that listens; TCP or Unix.

        Raises ValueError if others than this machine can connect without a
        certificate or token.
        """
        check_plain(listening)
        waker, woken = socket.socketpair()
        with closing(listening), closing(waker), closing(woken), \
                selectors.DefaultSelector() as selector:
            self._check(listening.getsockname())
            listening.setblocking(False)
            selector.register(listening, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            self._wakers.add(waker)
            try:
                self._accept_all(listening, selector)
            finally:
                self._wakers.discard(waker)

    def route(self, path: str) -> Route:
        """Return a route of Starlette, which serves clients over HTTP.

        .. code-block:: python

            app = Starlette(routes=[server.route('/sync')])

        Each request is a whole conversation, and nothing is remembered
        between requests.  So an application may have several processes.

        path
            Where the route is.  Needs ``zc.generationalset[server]``.

        Raises ValueError without a token.
        """
        need('server')
        from starlette.routing import Route

        from zc.generationalset.sql.peers.route import Endpoint

        if not self._has_tokens:
            raise ValueError('expected token= or tokens= for a route')
        return Route(path, Endpoint(
            self._exchange, self._serving.knows, CLIENTS), methods=['POST'])

    def _exchange(self, link: Link) -> None:
        with _failures_are_logged():
            self._run(link)

    def _run(self, link: Link) -> None:
        run(self._serving.steps(), link)
        self._database.tidy()
        logger.info('a client was served')

    def _accept_all(
            self, listening: socket.socket,
            selector: selectors.BaseSelector) -> None:
        """Accept clients until the end."""
        is_told = False
        while not self._is_closed:
            selector.select()
            try:
                self._accept(listening)
            except OSError as error:  # such as too many open files
                if not is_told:
                    logger.warning('can not accept clients: %s', error)
                # The client still waits, so its socket would be ready at once.
                selector.unregister(listening)
                selector.select(PAUSE)
                selector.register(listening, selectors.EVENT_READ)
                is_told = True
            else:
                is_told = False

    def _accept(self, listening: socket.socket) -> None:
        """Accept a client, unless this is the end.  Raises OSError."""
        if not self._is_closed:
            with suppress(BlockingIOError, ConnectionError):  # it is gone
                self._begin(listening.accept()[0])

    def _check(self, address: object) -> None:
        if is_local(address):
            return
        asks = self._ssl is not None and (
            self._has_tokens or self._ssl.verify_mode == ssl.CERT_REQUIRED)
        if not asks:
            raise ValueError(
                'expected ssl= with a context that requires certificates of '
                'clients, or with a token, for a socket that others than this '
                'machine can reach')

    def _begin(self, connected: socket.socket) -> None:
        with self._lock:
            is_closed = self._is_closed
            is_full = len(self._threads) >= CLIENTS
            if not (is_closed or is_full):
                thread = threading.Thread(
                    target=self._serve, args=(connected,), daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # there are too many
                    connected.close()
                    raise
                self._threads.add(thread)  # before it may leave
                return
        if not is_closed:
            logger.warning('a client was turned away: %s are served', CLIENTS)
        connected.close()

    def _serve(self, connected: socket.socket) -> None:
        with ExitStack() as stack:
            stack.callback(self._forget, threading.current_thread())
            stack.callback(connected.close)
            with _failures_are_logged():
                connected.settimeout(GREETED)
                self._converse(stack.enter_context(
                    closing(self._secured(connected))))

    def _forget(self, thread: threading.Thread) -> None:
        with self._lock:
            self._threads.discard(thread)

    def _secured(self, connected: socket.socket) -> socket.socket:
        if self._ssl is None:
            return connected
        return self._ssl.wrap_socket(connected, server_side=True)

    def _converse(self, connected: socket.socket) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._sockets.add(connected)
        try:
            with SocketLink(connected) as link:
                link.expect_greeting()
                self._run(link)
        finally:
            with self._lock:
                self._sockets.discard(connected)

    def close(self) -> None:
        """End ``listen``, and conversations; close the database."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            for connected in self._sockets:
                with suppress(OSError):
                    # The method of SSLSocket isn't safe in another thread.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)
        for waker in list(self._wakers):
            with suppress(OSError):  # it may have ended
                waker.send(b'.')
        for thread in list(self._threads):
            thread.join()
        self._database.close()


def _users(
        token: str, tokens: Mapping[str, str] | None, has_views: bool,
) -> Mapping[str, str]:
    if tokens is None:
        if has_views:
            raise ValueError('expected tokens= for views of users')
        return {token: ''}
    if token or not tokens or not all(tokens):
        raise ValueError('expected either token= or tokens=, and no empty one')
    return tokens


@contextmanager
def _failures_are_logged() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, OSError) as error:
        logger.warning('a sync failed: %s', error)
    except Exception:
        logger.exception('a sync failed')
