"""The server that is tried: requests, and what they bring."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, Position
from zc.generationalset.client.eventstream import Event, EventStream
from zc.generationalset.loopback import without_proxy

#: Seconds within which each response, and each event, has to come.
PATIENCE = 20.0
#: The most bytes of an event.
EVENT = 1_000_000


class Wrong(Exception):
    """The server doesn't do what the protocol says."""


class Absent(Exception):
    """The server says that it doesn't have something, as it may."""


def expect(what: str, expected: Any, got: Any) -> None:
    if got != expected:
        raise Wrong(f'{what}: expected {expected!r}, got {got!r}')


class Peer:
    """A server, and the set in it with which it is tried."""

    def __init__(self, url: str, token: str | None) -> None:
        self._http = httpx.Client(
            timeout=PATIENCE, mounts=without_proxy(url),
            headers={'Authorization': f'Bearer {token}'} if token else {})
        self._url = url.rstrip('/')
        self.name = f'conformance-{secrets.token_hex(4)}'

    def close(self) -> None:
        self._http.close()

    def request(
            self, method: str, path: str, status: int | None = 200,
            **options: Any) -> httpx.Response:
        """Send a request; raise Wrong for another status."""
        try:
            response = self._http.request(
                method, f'{self._url}/{path}', **options)
        except httpx.HTTPError as error:
            raise Wrong(f'{method} {path}: expected a response, got {error!r}'
                        ) from error
        if status is not None:
            expect(f'{method} /{path}: the status', status,
                   response.status_code)
        return response

    # Reading

    def ask(self, asked: Position = NOTHING, **query: Any) -> Answer:
        """Return the answer to a position."""
        response = self.request('GET', 'updates', params=params(asked, query))
        expect('GET /updates: the content type', 'application/json',
               response.headers.get('content-type', '').partition(';')[0])
        answer = read(response.content)
        expect('GET /updates: the ETag',
               Position(answer['epoch'], answer['generation']).etag,
               response.headers.get('etag'))
        expect('GET /updates: since', asked.generation, answer['since'])
        return answer

    def position(self) -> Position:
        answer = self.ask()
        return Position(answer['epoch'], answer['generation'])

    @contextmanager
    def events(
            self, asked: Position, headers: dict[str, str] | None = None,
            **query: Any) -> Iterator[Iterator[Event]]:
        """Open an event stream, and yield its events."""
        with self._http.stream(
                'GET', f'{self._url}/events', params=params(asked, query),
                headers=headers or {}) as response:
            expect('GET /events: the status', 200, response.status_code)
            expect('GET /events: the content type', 'text/event-stream',
                   response.headers.get('content-type', '').partition(';')[0])
            yield parsed(response)

    # Writing

    def put(self, *path: Any, item: Any = 1, status: int | None = None) -> Any:
        """Write an item of the set; return the response's JSON."""
        response = self.request(
            'PUT', self.items(*path), status, **document(item))
        if status is None and response.status_code not in (200, 201):
            raise Wrong(f'PUT: expected 200 or 201, got {response}')
        return response.json()

    def get(self, *path: Any) -> Any:
        """Return an item of the set."""
        return self.request('GET', self.items(*path)).json()

    def make_set(self, *path: Any) -> None:
        self.request('PUT', f'{self.items(*path)}/', None)

    def remove(self, *path: Any, end: str = '') -> None:
        self.request('DELETE', self.items(*path) + end)

    def items(self, *path: Any) -> str:
        return f'items/{wire.encode_path((self.name, *path))}'


def document(item: Any) -> dict[str, Any]:
    """Return the body of a request, and its type."""
    return {'content': json.dumps(item).encode(),
            'headers': {'Content-Type': 'application/json'}}


def params(asked: Position, query: dict[str, Any]) -> dict[str, Any]:
    return {'generation': asked.generation, 'epoch': asked.epoch or '',
            **query} if asked.generation else query


def read(text: bytes | str) -> Answer:
    try:
        return wire.decode(text)
    except wire.WireError as error:
        raise Wrong(f'an answer: {error}') from error


def parsed(response: httpx.Response) -> Iterator[Event]:
    stream = EventStream(EVENT)
    try:
        for piece in response.iter_raw():
            yield from stream.feed(piece)
    except httpx.HTTPError as error:
        raise Wrong(f'an event stream: expected an event in {PATIENCE:.0f} '
                    f'seconds, got {error!r}') from error
    raise Wrong('an event stream: expected an event, got the end')


def updates(events: Iterator[Event]) -> Answer:
    """Return the next answer of a stream."""
    event = next(events)
    expect('an event: its type', 'updates', event.type)
    return read(event.data)


def refused(response: httpx.Response, **members: Any) -> None:
    """Raise Wrong unless a problem has these members, and no other item."""
    problem(response)
    body = response.json()
    expect('the item and change in the problem', members, {
        name: body[name] for name in ('item', 'change') if name in body})


def problem(response: httpx.Response) -> None:
    """Raise Wrong unless a response is a problem document."""
    what = f'{response.request.method} {response.request.url.path}: '
    expect(f'{what}the content type of a problem', 'application/problem+json',
           response.headers.get('content-type', '').partition(';')[0])
    body = json.loads(response.content)
    expect(f'{what}status in the problem', response.status_code,
           body.get('status'))
    if not body.get('detail') or not body.get('title'):
        raise Wrong(f'{what}expected title and detail, got {body!r}')
