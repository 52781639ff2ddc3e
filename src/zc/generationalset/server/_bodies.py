"""What comes in the bodies of requests, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request

from zc.generationalset import wire
from zc.generationalset.server._changes import Change
from zc.generationalset.server._problems import Problem


@dataclass(frozen=True)
class Limits:
    """What is taken of one request, and of one client.

    document
        Bytes of a document.
    batch
        Bytes of a batch.
    changes
        Changes in a batch.
    depth
        How deeply lists and objects may be nested in a document, and sets in
        a path.
    path
        Bytes of a path.
    streams
        Open event streams and long polls of one user, or, without users, of
        one address.
    wait
        Seconds that a long poll may last.
    seconds
        Seconds that a body may take to arrive.
    """

    document: int = 1_000_000
    batch: int = 32_000_000
    changes: int = 10_000
    depth: int = 64
    path: int = 4_000
    streams: int = 100
    wait: float = 60
    seconds: float = 30


async def document(request: Request, limits: Limits) -> bytes:
    """Return the text of a document, in normal form."""
    body = await _body(request, limits.document, limits)
    try:
        return wire.encode_value(wire.decode_value(
            body, _wire(limits), strict=True))
    except wire.WireError as error:
        raise Problem(400, str(error)) from error


async def nothing(request: Request) -> None:
    """Expect no body."""
    async for chunk in request.stream():
        if chunk:
            raise Problem(400, 'expected no body for a set; the path of an '
                          'item does not end in a slash')


async def changes(request: Request, limits: Limits) -> list[Change]:
    """Return the changes of a batch."""
    body = await _body(request, limits.batch, limits)
    try:
        plain = wire.parse(body, wire.Limits(
            limits.batch, limits.depth + 4, limits.batch))
    except wire.WireError as error:
        raise Problem(400, str(error)) from error
    listed = plain.get('changes') if isinstance(plain, dict) else None
    if not isinstance(listed, list):
        raise Problem(400, 'expected an object with a list of changes')
    if len(listed) > limits.changes:
        raise Problem(413, f'expected no more than {limits.changes} changes, '
                      f'got {len(listed)}')
    return [_change(index, change, limits)
            for index, change in enumerate(listed)]


def _change(index: int, change: Any, limits: Limits) -> Change:
    try:
        op, path = change['op'], change['path']
        if op not in ('put', 'add', 'set', 'remove'):
            raise wire.WireError(
                f'expected op to be put, add, set or remove, got {op!r}')
        if not isinstance(path, list) or len(path) > limits.depth:
            raise wire.WireError(
                f'expected a path, a list of up to {limits.depth} ids')
        ids = tuple([wire.id_from_plain(id) for id in path])
        if op in ('set', 'remove'):
            return Change(op, ids)
        json = wire.encode_value(wire.value_from_plain(
            change['item'], strict=True))
    except (TypeError, KeyError):
        raise Problem(400, 'expected an object with op, path and, to put or '
                      'add, item', change=index) from None
    except wire.WireError as error:
        raise Problem(400, str(error), change=index) from error
    if len(json) > limits.document:
        raise Problem(413, f'expected a document of up to {limits.document} '
                      f'bytes, got {len(json)}', change=index)
    return Change(op, ids, json)


async def _body(request: Request, size: int, limits: Limits) -> bytes:
    kind = request.headers.get('content-type', '').partition(';')[0].strip()
    if kind.lower() != 'application/json':
        raise Problem(415, 'expected Content-Type: application/json, got '
                      f'{kind[:80]!r}')
    length = request.headers.get('content-length', '0')
    if length.isdecimal() and int(length) > size:
        raise _too_large(size)
    chunks = []
    try:
        with anyio.fail_after(limits.seconds):
            async for chunk in request.stream():
                chunks.append(chunk)
                size -= len(chunk)
                if size < 0:
                    raise _too_large(size + sum(map(len, chunks)))
    except TimeoutError:
        raise Problem(408, f'expected the body within {limits.seconds} '
                      'seconds') from None
    except ClientDisconnect:
        raise Problem(400, 'the body ended early') from None
    return b''.join(chunks)


def _too_large(size: int) -> Problem:
    return Problem(413, f'expected a body of up to {size} bytes')


def _wire(limits: Limits) -> wire.Limits:
    return wire.Limits(limits.document, limits.depth, limits.document)
