"""Who asks, for which tree, and how much at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request

from zc.generationalset.server.problems import Problem
from zc.generationalset.server.turns import USER

Authenticate = Callable[[Request], Any]
#: Whether requests may write, or a function that decides for each.
Write = bool | Callable[[Request], Any]


def bearer(tokens: Mapping[str, str]) -> Authenticate:
    """Return a function that finds the user of a request's token.

    tokens
        Token -> name of the user.

    Tokens are looked up by their hashes, so the time reveals nothing of them.
    """
    if not tokens or not all(tokens):
        raise ValueError('expected tokens that are not empty, got none')
    users = {_digest(token): user for token, user in tokens.items()}

    def authenticate(request: Request) -> str | None:
        scheme, _, token = request.headers.get(
            'authorization', '').partition(' ')
        if scheme.lower() != 'bearer':
            return None
        return users.get(_digest(token.strip()))

    return authenticate


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode('utf-8', 'replace')).digest()


class Access:
    """Says what a request may see, and whether it may write.

    authenticate
        Returns the user of a request, or None for nobody.  If this is None,
        everybody may use the server.
    name
        Returns the name of the tree that a request is about.  May raise
        PermissionError, and LookupError if there is no such tree.
    write
        Whether requests may write; or a function that decides for a request,
        and may raise PermissionError.  None means: if users are authenticated.
    streams
        How many event streams and long polls a user, or without users an
        address, may have open.
    failures
        Exceptions that say that the database failed, not that there is no
        such tree.
    """

    def __init__(
            self, authenticate: Authenticate | None,
            name: Callable[[Request], Hashable] | None, write: Write | None,
            streams: int, failures: tuple[type[Exception], ...]) -> None:
        self._authenticate = authenticate
        self._name = name
        self._write = authenticate is not None if write is None else write
        #: Whether all requests are about one tree.
        self.is_one_tree = name is None
        #: Whether a request that may see a tree may be refused later.
        self.may_end = authenticate is not None or name is not None
        self._streams = streams
        self._failures = failures
        self._open: Counter[Hashable] = Counter()

    def check(self, request: Request) -> None:
        """Find out who asks.  Raises a Problem for nobody."""
        if self._authenticate is not None:
            user = self._authenticate(request)
            if user is None:
                raise Problem(401, 'expected a known user: log in, or send a '
                              'valid token in the header Authorization: '
                              'Bearer TOKEN')
            request.scope['user'] = user
        USER.set(_client(request))

    def tree_name(self, request: Request) -> Hashable:
        """Return the tree's name.  Raises a Problem if access is denied."""
        self.check(request)
        if self._name is None:
            return None
        try:
            with _permission():
                return self._name(request)
        except self._failures:
            raise
        except LookupError as error:
            raise Problem(404, 'there is no such tree') from error

    def check_again(self, request: Request, name: Hashable) -> None:
        """Raise a Problem if a request may not see a tree any more."""
        if self.tree_name(request) != name:
            raise Problem(403, 'this user may not see this tree any more')

    def check_write(self, request: Request) -> None:
        """Raise a Problem if a request may not write.

        ``check`` must have found its user already.
        """
        if callable(self._write):
            with _permission():
                if not self._write(request):
                    raise PermissionError('this user may only read')
        elif not self._write:
            raise Problem(403, 'this server is for reading only')

    def open(self, request: Request) -> Hashable:
        """Count an open stream; return of which client it is.

        Raises a Problem if the client has too many.
        """
        client = _client(request)
        if self._open[client] >= self._streams:
            raise Problem(
                429, f'expected no more than {self._streams} open streams and '
                'waiting requests of one client', retry_after=10)
        self._open[client] += 1
        return client

    def close(self, client: Hashable) -> None:
        """Let a client that ``open`` has returned have one stream less."""
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]

    @contextmanager
    def stream(self, request: Request) -> Iterator[None]:
        """Count a stream while it is open.  Raises what ``open`` raises."""
        client = self.open(request)
        try:
            yield
        finally:
            self.close(client)


def _client(request: Request) -> Hashable:
    """Return the user of a request, or its address, to share by."""
    user: Hashable = request.scope.get('user')
    return user or (request.client.host if request.client else None)


@contextmanager
def _permission() -> Iterator[None]:
    """Turn PermissionError into a Problem."""
    try:
        yield
    except PermissionError as error:
        raise Problem(403, str(error) or 'this user may not do that'
                      ) from error
