"""The client's side of the protocol, without input and output."""

from __future__ import annotations

import random
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

from zc.generationalset import wire
from zc.generationalset.answers import (
    EPOCH,
    NOTHING,
    Answer,
    Change,
    Misfit,
    Position,
    covers,
    fits,
)
from zc.generationalset.client.backoff import Backoff
from zc.generationalset.client.errors import BadAnswer, Unavailable
from zc.generationalset.client.replies import Reply, check
from zc.generationalset.client.steps import Request, Steps, Wait
from zc.generationalset.replica import Replica

T = TypeVar('T')
#: A bearer token, a callable that returns one for each request, or None.
Token: TypeAlias = 'str | Callable[[], str | None] | None'  # noqa: S105

TRIES = 4  # of a request that may be sent twice, before an error
QUESTIONS = 5  # most questions for an answer that fits
PATIENCE = 60.0  # seconds; a longer Retry-After is an error at once
REDIRECTS = 5


class ReplicaLike(Protocol):
    """What a client needs of a replica: Replica, SQLiteReplica, or yours."""

    @property
    def generation(self) -> int: ...

    @property
    def epoch(self) -> str | None: ...

    def apply(self, updates: Mapping[str, Any]) -> list[Change]: ...


class Session:
    """Questions, writes, and the replica that gets the answers.

    Several threads may use it at the same time.  ``lock`` is held while the
    replica changes, and never while anything waits.
    """

    def __init__(
            self, url: str, replica: ReplicaLike | None,
            limits: wire.Limits | None, timeout: float, heartbeat: float,
    ) -> None:
        self.url = _check_url(url)
        self.replica: ReplicaLike = Replica() if replica is None else replica
        self.limits = limits or wire.Limits()
        self.timeout = timeout
        self.silence = 3 * heartbeat
        self.token: Token = None
        self.lock = threading.RLock()
        self.random: Callable[[], float] = random.random
        self._feeds: list[deque[list[Change]]] = []

    # The replica

    def position(self) -> Position:
        with self.lock:
            return Position(self.replica.epoch, self.replica.generation)

    def apply(self, updates: Answer) -> list[Change]:
        """Apply an answer, and put the changes into all feeds."""
        with self.lock:
            changes = self.replica.apply(updates)
            if changes:
                for feed in self._feeds:
                    feed.append(changes)
        return changes

    def covers(self, updates: Answer) -> bool:
        """Tell whether the replica is at or after where an answer leads."""
        return covers(self.position(), updates)

    @contextmanager
    def feed(self) -> Iterator[deque[list[Change]]]:
        """Collect the changes that anyone applies from now on."""
        feed: deque[list[Change]] = deque()
        with self.lock:
            self._feeds.append(feed)
        try:
            yield feed
        finally:
            with self.lock:
                # Compared by identity, because empty feeds are equal.
                self._feeds = [
                    other for other in self._feeds if other is not feed]

    # Requests

    def request(
            self, method: str, path: str, position: Position,
            headers: dict[str, str] | None = None,
            content: bytes | None = None, **params: str) -> Request:
        query = urlencode({**_question(position), **params}, quote_via=quote)
        return Request(
            method, f'{self.url}/{path}' + (query and f'?{query}'),
            {'Accept': 'application/json', **self._authorization(),
             **(headers or {})}, content, self.timeout, self.limits.size)

    def _authorization(self) -> dict[str, str]:
        token = self.token
        if callable(token):
            token = _check_text(token())
        return {} if token is None else {'Authorization': f'Bearer {token}'}

    def ask(self, request: Request) -> Steps[Reply]:
        """Send a request; return a reply that is a success.

        Follows redirections only within the same origin, because the token is
        for this server.
        """
        for _ in range(REDIRECTS):
            reply: Reply = yield request
            location = _redirection(request, reply)
            if location is None:
                break
            request = request._replace(url=location)
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

    # Reading

    def sync(self) -> Steps[list[Change]]:
        return self.persist(self.update)

    def update(self, wait: int = 0) -> Steps[list[Change]]:
        """Ask what changed, apply it, and return it.

        With ``wait``, if nothing changed, the server holds the request for up
        to so many seconds.

        An answer to another question comes from a cache.  Then the next
        request asks caches to let it pass.
        """
        headers: dict[str, str] = {}
        questions = QUESTIONS
        while questions:
            asked = self.position()
            request = self._updates_request(asked, headers, wait)
            reply = yield from self.ask(request)
            if reply.status == 304 and 'If-None-Match' in request.headers:
                return []
            updates = self.decode(reply, request.words)
            try:
                return self.apply(updates)
            except Misfit:
                if fits(updates, asked):  # another thread was faster
                    if self.covers(updates):
                        return []
                    continue
            questions -= 1
            headers = {'Cache-Control': 'no-cache', 'Pragma': 'no-cache'}
        raise BadAnswer(
            f'{request.words}: expected an answer since {asked.generation}, '
            f'got {QUESTIONS} to other questions, the last one since '
            f'{updates["since"]}; look for a cache between here and the '
            f'server')

    def _updates_request(
            self, asked: Position, headers: dict[str, str], wait: int,
    ) -> Request:
        if wait:
            request = self.request(
                'GET', 'updates', asked, headers, wait=str(wait))
            return request._replace(silence=self.timeout + wait, held=True)
        if asked.generation and EPOCH.fullmatch(asked.epoch or ''):
            headers = {**headers, 'If-None-Match': asked.etag}
        return self.request('GET', 'updates', asked, headers)

    def events_request(self) -> Request:
        request = self.request(
            'GET', 'events', self.position(),
            {'Accept': 'text/event-stream', 'Accept-Encoding': 'identity',
             'Cache-Control': 'no-store'})
        return request._replace(silence=self.silence, stream=True)

    def decode(self, reply: Reply, what: str) -> Answer:
        if reply.status != 200 or reply.media_type != 'application/json':
            raise _not_json(reply, what)
        return self.decode_updates(reply.body, what)

    def decode_updates(self, data: bytes, what: str) -> Answer:
        try:
            return wire.decode(data, self.limits)
        except wire.WireError as error:
            raise BadAnswer(f'{what}: {error}') from error

    def get(self, path: Any) -> Steps[Any]:
        segments = items_path(path)

        def ask() -> Steps[Any]:
            request = self.request('GET', segments, NOTHING)
            reply = yield from self.ask(request)
            if reply.status != 200 or reply.media_type != 'application/json':
                raise _not_json(reply, request.words)
            try:
                return wire.decode_value(reply.body, self.limits)
            except wire.WireError as error:
                raise BadAnswer(f'{request.words}: {error}') from error
        return self.persist(ask)


def _question(position: Position) -> dict[str, str]:
    """Return the parameters of a URL that present a position."""
    if not position.generation:
        return {}
    generation = {'generation': str(position.generation)}
    return generation if position.epoch is None else {
        **generation, 'epoch': position.epoch}


def check_token(token: Token) -> Token:
    """Return a token; raise ValueError, without the text, for others."""
    return token if callable(token) else _check_text(token)


def _check_text(token: str | None) -> str | None:
    if token is None:
        return None
    if not isinstance(token, str):
        raise TypeError(f'expected a token, a string, got a '
                        f'{type(token).__name__}')
    if not re.fullmatch(r'[\x21-\x7e]+', token):
        raise ValueError('expected a token of visible ASCII characters')
    return token


def as_path(path: Any) -> tuple[Any, ...]:
    """Return a path as a tuple of ids, also for one id."""
    return tuple(path) if isinstance(path, (tuple, list)) else (path,)


def items_path(path: Any, end: str = '') -> str:
    """Return the URL's path for an item; for a set, with '/' as ``end``."""
    ids = as_path(path)
    if not ids:
        raise ValueError(f'expected a path of one id or more, got {path!r}')
    return f'items/{wire.encode_path(ids)}{end}'


def _not_json(reply: Reply, what: str) -> BadAnswer:
    return BadAnswer(
        f'{what}: expected 200 application/json, got {reply.status} '
        f'{reply.media_type[:100]!r}', reply.status)


def _redirection(request: Request, reply: Reply) -> str | None:
    """Return the URL that a reply redirects to, if there is one."""
    if reply.status not in (307, 308) and (
            reply.status not in (301, 302, 303) or request.method != 'GET'):
        return None
    try:
        location = urljoin(request.url, reply.headers.get('location', ''))
        here, there = urlsplit(request.url), urlsplit(location)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    except ValueError:
        return None
    return location if same and location != request.url else None


def _check_url(url: str) -> str:
    """Return a URL without a slash at its end; raise ValueError for others."""
    try:
        parts = urlsplit(url)
        good = (parts.scheme in ('http', 'https') and parts.hostname
                and parts.port != 0)
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f'expected a URL such as https://example.org/sync, got {url!r}')
    if '@' in parts.netloc:  # no URL in the error: it may have a password
        raise ValueError('expected a URL without user and password; present a '
                         'token instead')
    if parts.query or parts.fragment or not url.isascii() or re.search(
            r'[\x00-\x20\x7f]', url):
        raise ValueError(
            'expected a URL without query, fragment, spaces and characters '
            f'outside of ASCII, got {url!r}')
    return url.rstrip('/')
