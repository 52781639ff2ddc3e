"""The meaning of a server's responses."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from zc.generationalset.client.backoff import parse_retry_after
from zc.generationalset.client.errors import (
    BadAnswer,
    Changed,
    Lost,
    Refused,
    Unavailable,
)
from zc.generationalset.wire import value_from_plain

CHANGED = 412  # a problem that has an item
PROBLEM_SIZE = 65536  # bytes of an error's body that are read


class Reply(NamedTuple):
    """A response.  Of a stream, ``body`` is empty: it is yet to be read."""

    status: int
    headers: Mapping[str, str]  # names in upper or lower case
    body: bytes = b''
    broken: str = ''  # why the body isn't complete
    stream: bool = False

    @property
    def media_type(self) -> str:
        return self.headers.get('content-type', '').split(';')[0].strip() \
            .lower()


class Body:
    """Collects and decompresses a body, up to a limit.

    Bodies are decompressed here, because no library would stop at a limit: a
    thousand bytes can become a million.
    """

    def __init__(self, headers: Mapping[str, str], limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._unpacker = None
        self.broken = ''
        encoding = headers.get('content-encoding', 'identity').strip().lower()
        if encoding == 'gzip':
            self._unpacker = zlib.decompressobj(wbits=31)
        elif encoding != 'identity':
            self.broken = f'expected gzip or nothing, got {encoding[:100]!r}'

    def add(self, piece: bytes) -> bool:
        """Add a piece; return whether more pieces are wanted."""
        if self.broken:
            return False
        if self._unpacker:
            try:
                piece = self._unpacker.decompress(
                    piece, self._limit - self._size + 1)
            except zlib.error as error:
                self.broken = f'expected gzip, got {error}'
                return False
            if self._unpacker.unused_data:
                self.broken = 'expected the end of gzip, got more'
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limit:
            self.broken = f'expected at most {self._limit:,} bytes'
        return not self.broken

    def reply(self, status: int, headers: Mapping[str, str]) -> Reply:
        if self._unpacker and not (self.broken or self._unpacker.eof):
            self.broken = 'expected gzip, got a part of it'
        return Reply(status, headers, b''.join(self._pieces), self.broken)


def check(reply: Reply, what: str) -> Reply:
    """Return a reply that is a success, or raise the error that it means.

    ``what`` is the request, in words.
    """
    status = reply.status
    if status in (200, 201, 304):
        if reply.broken:
            raise BadAnswer(f'{what}: {reply.broken}', status)
        return reply
    problem = _problem(reply)
    text = f'{what}: {status} {_detail(problem, status)}'
    if 300 <= status < 400:
        location = reply.headers.get('location', '')
        raise Refused(
            f'{text}: the server is elsewhere, at {location[:500]!r}', status)
    if status >= 500 or status in (408, 425, 429):
        # 503, and any status below 500, promise that nothing was done.
        kind = Lost if status >= 500 and status != 503 else Unavailable
        error = kind(text, status)
        error.retry_after = parse_retry_after(
            reply.headers.get('retry-after'), reply.headers.get('date'))
        raise error
    if status < 300:
        raise BadAnswer(text, status)
    refused = (_changed(problem, text) if status == CHANGED and problem
               else Refused(text, status))
    change = problem.get('change')
    refused.change = change if isinstance(change, int) else None
    raise refused


def _changed(problem: dict[str, object], text: str) -> Changed:
    error = Changed(text, CHANGED)
    error.item = value_from_plain(problem.get('item'))
    error.exists = 'item' in problem or 'length' in problem
    return error


def _problem(reply: Reply) -> dict[str, object]:
    """Return a problem document (RFC 9457); {} if there is none."""
    if reply.media_type == 'application/problem+json' and not reply.broken:
        try:
            problem = json.loads(reply.body)
        except (ValueError, RecursionError):
            return {}
        if isinstance(problem, dict):
            return problem
    return {}


def _detail(problem: dict[str, object], status: int) -> str:
    for name in 'detail', 'title':
        text = problem.get(name)
        if isinstance(text, str) and text:
            text = text[:500]
            # The text gets into logs, where it must not look like log lines.
            return text if text.isprintable() else ascii(text)[1:-1]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return 'no explanation'
