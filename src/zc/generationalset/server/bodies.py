"""The bodies of requests, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sized
from typing import Any, Literal

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request

from zc.generationalset import wire
from zc.generationalset.server.budget import Share
from zc.generationalset.server.edits import Edit
from zc.generationalset.server.options import Limits
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.turns import Turns

#: The most bytes that are parsed in the event loop.  More are parsed in a
#: thread, so many at a time, so that others go on meanwhile.
AT_ONCE = 16 * 1024


async def document(
        request: Request, limits: Limits, share: Share, threads: Turns,
) -> bytes:
    """Return the text of a document, in normal form."""
    body = await _body(request, limits.document, limits, share)
    if len(body) <= AT_ONCE:
        return _normal(body, limits)
    return await threads.run(_normal, body, limits)


async def nothing(request: Request, limits: Limits) -> None:
    """Expect no body."""
    async for chunk in _chunks(request, limits):
        if chunk:
            raise Problem(400, 'expected no body for a set; the path of an '
                          'item does not end in a slash')


async def edits(
        request: Request, limits: Limits, share: Share, threads: Turns,
) -> list[Edit]:
    """Return the changes of a batch."""
    body = await _body(request, limits.batch, limits, share)
    if len(body) <= AT_ONCE:
        return _edits(_texts(body, limits), 0, limits)
    texts = await threads.run(_texts, body, limits)
    edits: list[Edit] = []
    for part in _parts(texts):
        edits += await threads.run(_edits, part, len(edits), limits)
    return edits


def _parts(texts: list[bytes]) -> Iterator[list[bytes]]:
    part, size = [], 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size > AT_ONCE:
            yield part
            part, size = [], 0
    yield part


def _texts(body: bytes, limits: Limits) -> list[bytes]:
    """Return the texts of the changes of a batch."""
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
    return [bytes(text) for text in listed]


def _edits(
        texts: list[bytes], first: int, limits: Limits) -> list[Edit]:
    """Return changes of a batch; ``first`` is the index of the first."""
    edits = []
    for index, text in enumerate(texts, first):
        try:
            edits.append(_edit(text, limits))
        except Problem as problem:
            problem.members['change'] = index
            raise
    return edits


class _Batch(msgspec.Struct):
    changes: list[msgspec.Raw]


class _Edit(msgspec.Struct):
    op: Literal['put', 'add', 'set', 'remove']
    path: list[Any]
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_BATCH: wire.Reader[_Batch] = wire.Reader(_Batch)
_EDIT: wire.Reader[_Edit] = wire.Reader(_Edit)


def _edit(text: bytes, limits: Limits) -> Edit:
    try:
        edit, _ = _EDIT.read(text, wire.Limits(
            limits.batch, limits.depth + 2, limits.batch))
        ids = tuple([wire.id_from_plain(id) for id in edit.path])
    except wire.WireError as error:
        raise Problem(400, str(error)) from error
    check_path(ids, wire.encode_path(ids), limits)
    if edit.op in ('set', 'remove'):
        return Edit(edit.op, ids)
    if edit.item is msgspec.UNSET:
        raise Problem(400, 'expected an item')
    return Edit(edit.op, ids, _normal(bytes(edit.item), limits))


def check_path(ids: Sized, path: Sized, limits: Limits) -> None:
    """Refuse a path, as in a URL, with too many or too long ids."""
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


async def _body(
        request: Request, size: int, limits: Limits, share: Share) -> bytes:
    _check_kind(request)
    length = request.headers.get('content-length', '0')
    if length.isdecimal() and int(length) > size:
        raise _too_large(size)
    chunks, rest = [], size
    async for chunk in _chunks(request, limits):
        chunks.append(chunk)
        rest -= len(chunk)
        if rest < 0:
            raise _too_large(size)
        share.take(len(chunk))
    body = b''.join(chunks)
    if not body.isascii():
        _check_utf_8(body)
    return body


def _check_kind(request: Request) -> None:
    given = request.headers.get('content-type', '')
    kind, *parameters = given.lower().replace(' ', '').split(';')
    if kind != 'application/json':
        raise Problem(415, 'expected Content-Type: application/json, got '
                      f'{given[:80]!r}')
    for parameter in parameters:
        name, _, value = parameter.partition('=')
        if name == 'charset' and value.strip('"') not in ('utf-8', 'utf8'):
            raise Problem(415, f'expected UTF-8, got {given[:80]!r}')
    encoding = request.headers.get('content-encoding', 'identity')
    if encoding.lower() != 'identity':
        raise Problem(415, 'expected a body without Content-Encoding, got '
                      f'{encoding[:80]!r}')


def _check_utf_8(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Problem(415, 'expected UTF-8, got other bytes from '
                      f'{error.start} on') from None


async def _chunks(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    deadline = anyio.current_time() + limits.seconds
    stream = request.stream()
    try:
        while True:
            with anyio.fail_after(deadline - anyio.current_time()):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            yield chunk
    except TimeoutError:
        raise Problem(408, f'expected the body within {limits.seconds} '
                      'seconds') from None
    except ClientDisconnect:
        raise Problem(400, 'the body ended early') from None


def _too_large(size: int) -> Problem:
    return Problem(413, f'expected a body of up to {size} bytes')
