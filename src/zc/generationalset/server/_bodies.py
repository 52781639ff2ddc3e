"""What comes in the bodies of requests, within limits."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any, Literal

import anyio
import msgspec
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
        How deeply lists and objects may be nested in a document, and ids in
        a path.
    path
        Bytes of a path of ids, as it is in a URL.
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
    return _normal(await _body(request, limits.document, limits), limits)


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
        batch, _ = _BATCH.read(body, wire.Limits(
            limits.batch, limits.depth + 4, limits.batch))
    except wire.WireError as error:
        raise Problem(400, f'expected an object with a list of changes: '
                      f'{error}') from error
    listed = batch.changes
    if len(listed) > limits.changes:
        raise Problem(413, f'expected no more than {limits.changes} changes, '
                      f'got {len(listed)}')
    changes = []
    for index, text in enumerate(listed):
        try:
            changes.append(_change(bytes(text), limits))
        except Problem as problem:
            problem.members['change'] = index
            raise
    return changes


class _Batch(msgspec.Struct):
    changes: list[msgspec.Raw]


class _Change(msgspec.Struct):
    op: Literal['put', 'add', 'set', 'remove']
    path: list[Any]
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_BATCH: wire.Reader[_Batch] = wire.Reader(_Batch)
_CHANGE: wire.Reader[_Change] = wire.Reader(_Change)


def _change(text: bytes, limits: Limits) -> Change:
    try:
        change, _ = _CHANGE.read(text, wire.Limits(
            limits.batch, limits.depth + 2, limits.batch))
        ids = tuple([wire.id_from_plain(id) for id in change.path])
    except wire.WireError as error:
        raise Problem(400, str(error)) from error
    check_path(ids, wire.encode_path(ids), limits)
    if change.op in ('set', 'remove'):
        return Change(change.op, ids)
    if change.item is msgspec.UNSET:
        raise Problem(400, 'expected an item')
    return Change(change.op, ids, _normal(bytes(change.item), limits))


def check_path(ids: Sized, path: Sized, limits: Limits) -> None:
    """Refuse a path, as it is in a URL, with too many or too long ids."""
    if len(path) > limits.path or len(ids) > limits.depth:
        raise Problem(400, f'expected a path of up to {limits.path} bytes, '
                      f'as it is in a URL, and {limits.depth} ids')


def _normal(text: bytes, limits: Limits) -> bytes:
    """Return the text of a document in normal form."""
    if len(text) > limits.document:
        raise Problem(413, f'expected a document of up to {limits.document} '
                      f'bytes, got {len(text)}')
    try:
        return wire.encode_value(wire.decode_value(
            text, wire.Limits(limits.document, limits.depth, limits.document),
            strict=True))
    except wire.WireError as error:
        raise Problem(400, str(error)) from error


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
