"""Who asks, which tree that is, and how much at once."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from ZODB.POSException import POSError

from zc.generationalset.server._problems import Problem
from zc.generationalset.server._turns import USER

Authenticate = Callable[[Request], Any]


def bearer(tokens: Mapping[str, str]) -> Authenticate:
    """Return a function that tells users by their tokens.

    tokens
        Token -> name of the user.

    All tokens are compared, in a time that doesn't depend on them.
    """
    if not tokens or not all(tokens):
        raise ValueError('expected tokens that are not empty, got none')
    digests = [(_digest(token), user) for token, user in tokens.items()]

    def authenticate(request: Request) -> str | None:
        scheme, _, token = request.headers.get(
            'authorization', '').partition(' ')
        presented = _digest(token.strip())
        found = None
        for digest, user in digests:
            if hmac.compare_digest(digest, presented):
                found = user
        return found if scheme.lower() == 'bearer' else None

    return authenticate


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode('utf-8', 'replace')).digest()


class Access:
    """Says what a request may see.

    authenticate
        Returns the user of a request, None for nobody; None: everybody may.
    name
        Returns which tree a request is about.  May raise PermissionError, and
        LookupError if there is no such tree.
    streams
        How many event streams and long polls a user, or without users an
        address, may have open.
    """

    def __init__(
            self, authenticate: Authenticate | None,
            name: Callable[[Request], Hashable] | None, streams: int) -> None:
        self._authenticate = authenticate
        self._name = name
        #: Whether all requests are about the same tree.
        self.is_one_tree = name is None
        self._streams = streams
        self._open: Counter[Hashable] = Counter()

    def check(self, request: Request) -> None:
        """Find out who asks.  Raises a Problem if it is nobody."""
        if self._authenticate is not None:
            user = self._authenticate(request)
            if user is None:
                raise Problem(401, 'expected a valid token in the header '
                              'Authorization: Bearer TOKEN')
            request.scope['user'] = user
        USER.set(_client(request))

    def tree_name(self, request: Request) -> Hashable:
        """Return the name of the tree.  Raises a Problem if it may not."""
        self.check(request)
        if self._name is None:
            return None
        try:
            return self._name(request)
        except PermissionError as error:
            raise Problem(403, str(error) or 'this user may not do that'
                          ) from error
        except POSError:
            raise
        except LookupError as error:
            raise Problem(404, 'there is no such tree') from error

    @contextmanager
    def stream(self, request: Request) -> Iterator[None]:
        """Count what stays open.  Raises a Problem if it is too much."""
        client = _client(request)
        if self._open[client] >= self._streams:
            raise Problem(
                429, f'expected no more than {self._streams} open streams and '
                'waiting requests of one client', retry_after=10)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


def _client(request: Request) -> Hashable:
    """Return whose share a request takes: a user's, or an address's."""
    user: Hashable = request.scope.get('user')
    return user or (request.client.host if request.client else None)
