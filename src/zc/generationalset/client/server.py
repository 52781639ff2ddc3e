"""A client's requests to its server, without input and output."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, Position
from zc.generationalset.client.backoff import Backoff
from zc.generationalset.client.errors import BadAnswer, Unavailable
from zc.generationalset.client.replies import Reply, check
from zc.generationalset.client.steps import Request, Steps, Wait
from zc.generationalset.client.urls import check_url, items_path, redirected
from zc.generationalset.parts import Parts

T = TypeVar('T')
#: A bearer token, a callable that returns one for each request, or None.
Token: TypeAlias = 'str | Callable[[], str | None] | None'  # noqa: S105

TRIES = 4  # of a request that may be sent twice, before an error
PATIENCE = 60.0  # seconds; a longer Retry-After is an error at once
REDIRECTS = 5


class Server:
    """A server, with its URL, the token, and the limits for its responses.

    See ``Client`` for the parameters.  ``random`` returns a number from 0 to
    1, for times to wait.
    """

    def __init__(
            self, url: str, token: Token = None, *,
            limits: wire.Limits | None = None, timeout: float = 30.0,
            heartbeat: float = 15.0,
            random: Callable[[], float] = random.random) -> None:
        self.url = check_url(url)
        self.token = token
        self.limits = limits or wire.Limits()
        self.timeout = timeout
        self.silence = 3 * heartbeat
        self.random = random

    @property
    def token(self) -> Token:
        return self._token

    @token.setter
    def token(self, token: Token) -> None:
        self._token = token if callable(token) else _check_token(token)

    # Requests

    def request(
            self, method: str, path: str, position: Position = NOTHING,
            headers: dict[str, str] | None = None,
            content: bytes | None = None, *, parts: Parts = (),
            **params: str) -> Request:
        if parts:
            params['parts'] = wire.encode_parts(parts)
        query = urlencode({**_question(position), **params}, quote_via=quote)
        return Request(
            method, f'{self.url}/{path}' + (query and f'?{query}'),
            {'Accept': 'application/json', **self._authorization(),
             **(headers or {})}, content, self.timeout, self.limits.size)

    def _authorization(self) -> dict[str, str]:
        token = self.token
        if callable(token):
            token = _check_token(token())
        return {} if token is None else {'Authorization': f'Bearer {token}'}

    def ask(self, request: Request) -> Steps[Reply]:
        """Send a request; return a reply that is a success.

        Follows redirections only within the same origin, because the token is
        for this server.
        """
        for _ in range(REDIRECTS):
            reply: Reply = yield request
            url = None
            if _is_redirection(reply, request.method):
                url = redirected(
                    request.url, reply.headers.get('location', ''))
            if url is None:
                break
            request = request._replace(url=url)
        return check(reply, request.words)

    def persist(self, ask: Callable[[], Steps[T]]) -> Steps[T]:
        """Send a request that may be sent twice, until there is a response."""
        backoff = Backoff(self.random)
        for _ in range(TRIES - 1):
            try:
                return (yield from ask())
            except Unavailable as error:
                if (error.retry_after or 0) > PATIENCE:
                    raise
                yield Wait(backoff.delay(error.retry_after))
        return (yield from ask())

    # Replies

    def answer(self, data: bytes, what: str) -> Answer:
        """Read an answer that the server has sent."""
        try:
            return wire.decode(data, self.limits)
        except wire.WireError as error:
            raise BadAnswer(f'{what}: {error}') from error

    def get(self, path: Any) -> Steps[tuple[Any, Position]]:
        """Return an item as it is on the server now, and the position."""
        segments = items_path(path)
        return self.persist(lambda: self.item(segments))

    def item(self, segments: str) -> Steps[tuple[Any, Position]]:
        """Return the same, for the path of a URL, with one request."""
        request = self.request('GET', segments)
        reply = yield from self.ask(request)
        body = json_body(reply, request.words)
        try:
            item = wire.decode_value(body, self.limits)
        except wire.WireError as error:
            raise BadAnswer(f'{request.words}: {error}') from error
        etag = reply.headers.get('etag', '').removeprefix('W/')
        return item, wire.decode_position(etag.strip('"')) or NOTHING


def json_body(reply: Reply, what: str) -> bytes:
    """Return the body of a reply, which must be JSON."""
    if reply.status != 200 or reply.media_type != 'application/json':
        raise BadAnswer(
            f'{what}: expected 200 application/json, got {reply.status} '
            f'{reply.media_type[:100]!r}', reply.status)
    return reply.body


def _question(position: Position) -> dict[str, str]:
    """Return the parameters of a URL that present a position."""
    if not position.generation:
        return {}
    generation = {'generation': str(position.generation)}
    return generation if position.epoch is None else {
        **generation, 'epoch': position.epoch}


def _check_token(token: str | None) -> str | None:
    """Return a token; raise ValueError, without the text, for others."""
    if token is None:
        return None
    if not isinstance(token, str):
        raise TypeError(f'expected a token, a string, got a '
                        f'{type(token).__name__}')
    if not re.fullmatch(r'[\x21-\x7e]+', token):
        raise ValueError('expected a token of visible ASCII characters')
    return token


def _is_redirection(reply: Reply, method: str) -> bool:
    return reply.status in (307, 308) or (
        reply.status in (301, 302, 303) and method == 'GET')
