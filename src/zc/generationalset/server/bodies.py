"""The bodies of requests, within limits."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
    Sized,
)
from typing import Any, Literal

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request

from zc.generationalset import wire
from zc.generationalset.server.budget import Share
from zc.generationalset.server.conditions import Conditions
from zc.generationalset.server.edits import Edit, normal
from zc.generationalset.server.options import Limits
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.turns import Turns

#: The most bytes that are parsed in the event loop.  More are parsed in a
#: thread, so that others go on meanwhile.
AT_ONCE = 16 * 1024
#: How many bytes of a large batch are parsed before other work goes on, and as
#: how many a change without an item counts.
TOGETHER, LEAST = 64 * 1024, 64
#: The most bytes of a character of an id in a URL, and of what is around it.
LONGEST, ROOM = 12, 9
JSON = 'application/json'
PATCH = 'application/merge-patch+json'


async def document(
        request: Request, limits: Limits, share: Share, threads: Turns,
) -> bytes:
    """Return the text of a document, in normal form."""
    body = await _body(request, JSON, limits.document, limits, share)
    return await _read(normal, body, limits, threads)


async def patch(
        request: Request, limits: Limits, share: Share, threads: Turns,
) -> bytes:
    """Return the text of a patch."""
    body = await _body(request, PATCH, limits.document, limits, share)
    return await _read(_patch, body, limits, threads)


async def _read(
        read: Callable[[bytes, Limits], bytes], body: bytes, limits: Limits,
        threads: Turns) -> bytes:
    if len(body) <= AT_ONCE:
        return read(body, limits)
    return await threads.run(read, body, limits)


async def nothing(request: Request, limits: Limits) -> None:
    """Expect no body."""
    def refuse(chunk: bytes) -> None:
        if chunk:
            raise Problem(400, 'expected no body for a set; the path of an '
                          'item does not end in a slash')

    await _receive(request, limits, refuse)


async def edits(
        request: Request, limits: Limits, share: Share, threads: Turns,
) -> list[Edit]:
    """Return the changes of a batch."""
    body = await _body(request, JSON, limits.batch, limits, share)
    if len(body) <= AT_ONCE:
        return _edits(_changes(body, limits), 0, limits)
    changes = await threads.run(_changes, body, limits)
    edits: list[Edit] = []
    for part in _parts(changes):
        edits += await threads.run(_edits, part, len(edits), limits)
    return edits


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    op: Literal['put', 'patch', 'add', 'set', 'remove']
    path: list[Any]
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    unchanged_since: str | msgspec.UnsetType = msgspec.UNSET


class _Batch(msgspec.Struct):
    changes: list[_Change]


class _Texts(msgspec.Struct):
    changes: list[msgspec.Raw]


_CHANGE: wire.Reader[_Change] = wire.Reader(_Change)
_BATCH: wire.Reader[_Batch] = wire.Reader(_Batch)
_TEXTS: wire.Reader[_Texts] = wire.Reader(_Texts)


def _parts(
        changes: Iterable[_Change | msgspec.Raw],
) -> Iterator[list[_Change | msgspec.Raw]]:
    part, size = [], 0
    for change in changes:
        part.append(change)
        text = change.item if isinstance(change, _Change) else change
        size += LEAST + (0 if text is msgspec.UNSET else len(text))
        if size > TOGETHER:
            yield part
            part, size = [], 0
    yield part


def _changes(body: bytes, limits: Limits) -> Sequence[_Change | msgspec.Raw]:
    """Return the changes of a batch, or, if one is malformed, their texts."""
    most = wire.Limits(limits.batch, limits.depth + 4, limits.batch)
    try:
        try:
            changes: Sequence[_Change | msgspec.Raw] = \
                _BATCH.read(body, most)[0].changes
        except wire.WireError:
            changes = _TEXTS.read(body, most)[0].changes
    except wire.WireError as error:
        raise Problem(400, f'expected an object with a list of changes: '
                      f'{error}') from error
    if len(changes) > limits.changes:
        raise Problem(413, f'expected no more than {limits.changes} changes, '
                      f'got {len(changes)}')
    return changes


def _edits(
        changes: Sequence[_Change | msgspec.Raw], first: int, limits: Limits,
) -> list[Edit]:
    """Return changes of a batch; ``first`` is the index of the first."""
    edits = []
    for index, change in enumerate(changes, first):
        try:
            edits.append(_edit(change, limits))
        except Problem as problem:
            problem.members['change'] = index
            raise
    return edits


def _edit(change: _Change | msgspec.Raw, limits: Limits) -> Edit:
    try:
        edit = change if isinstance(change, _Change) else _CHANGE.read(
            bytes(change), wire.Limits(
                limits.batch, limits.depth + 2, limits.batch))[0]
        ids = tuple([wire.id_from_plain(id) for id in edit.path])
    except wire.WireError as error:
        raise Problem(400, str(error)) from error
    if not _is_short(ids, limits):
        check_path(ids, wire.encode_path(ids), limits)
    if not ids and edit.op != 'add':
        raise Problem(400, 'expected the id of an item, got the top of the '
                      'tree')
    conditions = _conditions(edit.unchanged_since)
    if edit.op in ('set', 'remove'):
        return Edit(edit.op, ids, conditions=conditions)
    if edit.item is msgspec.UNSET:
        raise Problem(400, 'expected an item')
    read = _patch if edit.op == 'patch' else normal
    return Edit(edit.op, ids, read(bytes(edit.item), limits),
                conditions=conditions)


def _conditions(since: str | msgspec.UnsetType) -> Conditions:
    if since is msgspec.UNSET:
        return Conditions()
    position = wire.decode_position(since)
    if position is None:
        raise Problem(400, 'expected unchanged_since to be a position, '
                      f'EPOCH:GENERATION, got {since[:80]!r}')
    return Conditions((position,))


def _is_short(ids: Collection[Any], limits: Limits) -> bool:
    """Tell whether a path is within the limits, however it is encoded."""
    length = 0
    for id in ids:
        if type(id) is not str:
            return False
        length += LONGEST * len(id) + ROOM
    return len(ids) <= limits.depth and length <= limits.path


def check_path(ids: Sized, path: Sized, limits: Limits) -> None:
    """Refuse a path, as in a URL, with too many or too long ids."""
    if len(path) > limits.path or len(ids) > limits.depth:
        raise Problem(400, f'expected a path of up to {limits.path} bytes, '
                      f'as it is in a URL, and {limits.depth} ids')


def _patch(text: bytes, limits: Limits) -> bytes:
    """Return the text of a patch, which must be a document, too."""
    normal(text, limits)
    return text


async def _body(
        request: Request, kind: str, size: int, limits: Limits, share: Share,
) -> bytes:
    _check_kind(request, kind)
    length = request.headers.get('content-length', '0')
    if length.isdecimal() and int(length) > size:
        raise _too_large(size)
    chunks, rest = [], size

    def take(chunk: bytes) -> None:
        nonlocal rest
        chunks.append(chunk)
        rest -= len(chunk)
        if rest < 0:
            raise _too_large(size)
        share.take(len(chunk))

    await _receive(request, limits, take)
    body = b''.join(chunks)
    if not body.isascii():
        _check_utf_8(body)
    return body


def _check_kind(request: Request, expected: str) -> None:
    given = request.headers.get('content-type', '')
    kind, *parameters = given.lower().replace(' ', '').split(';')
    if kind != expected:
        problem = Problem(415, f'expected Content-Type: {expected}, got '
                          f'{given[:80]!r}')
        if expected == PATCH:
            problem.headers['accept-patch'] = PATCH
        raise problem
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


async def _receive(
        request: Request, limits: Limits, take: Callable[[bytes], None],
) -> None:
    """Call a function with each piece of the body."""
    try:
        with anyio.fail_after(limits.seconds):
            async for chunk in request.stream():
                take(chunk)
    except TimeoutError:
        raise Problem(408, f'expected the body within {limits.seconds} '
                      'seconds') from None
    except ClientDisconnect:
        raise Problem(400, 'the body ended early') from None


def _too_large(size: int) -> Problem:
    return Problem(413, f'expected a body of up to {size} bytes')
