"""Requests for items and sets, one at a time, and batches of changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from zc.generationalset import wire
from zc.generationalset.server import bodies
from zc.generationalset.server.batches import Batch
from zc.generationalset.server.budget import Share
from zc.generationalset.server.cache import Question
from zc.generationalset.server.conditions import Encode, conditions_of
from zc.generationalset.server.edits import Edit, Editing
from zc.generationalset.server.options import Limits
from zc.generationalset.server.parts import parts_asked
from zc.generationalset.server.positions import position_asked
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.updates import HEADERS
from zc.generationalset.sources import (
    Editor,
    Path,
    ReadOnly,
    Snapshot,
    Write,
)

if TYPE_CHECKING:
    from zc.generationalset.server import Service

T = TypeVar('T')

_FOR_READING = 'GET, HEAD, OPTIONS'
_OF_ITEMS = f'{_FOR_READING}, PUT, PATCH, DELETE'
_OF_SETS = f'{_FOR_READING}, PUT, POST, DELETE'
_OF_THE_TOP = f'{_FOR_READING}, POST'


async def item(service: Service, request: Request) -> Response:
    """Answer any method on /items/PATH."""
    name = service.access.tree_name(request)
    path, is_set = _path(request, service.limits)
    allowed = _check_method(request.method, path, is_set)
    if request.method in ('GET', 'HEAD'):
        return await _get(service, name, path, is_set)
    if request.method == 'OPTIONS':
        return await _options(service, request, name, allowed)
    await _check_write(service, request, name)
    with service.budget.share() as share:
        edit = await _edit(service, request, path, is_set, share)
        (id, is_new), updates = await _write(
            service, request, name, 1, lambda editing: editing.make(edit))
    members = {'id': wire.encode_id(id)} if edit.op == 'add' else {}
    return response(members, updates, 201 if is_new else 200)


async def batch(service: Service, request: Request) -> Response:
    """Make several changes in one transaction."""
    if 'if-match' in request.headers or 'if-none-match' in request.headers:
        raise Problem(400, 'expected the conditions of a batch in its changes,'
                      ' as unchanged_since, got If-Match or If-None-Match')
    name = service.access.tree_name(request)
    await _check_write(service, request, name)
    with service.budget.share() as share:
        batch = Batch(await bodies.edits(
            request, service.limits, share, service.trees().parsing))
        made, updates = await _write(
            service, request, name, batch.size, batch.make)
    ids = b','.join([wire.encode_id(id) for id, _ in made])
    return response({'ids': b'[%b]' % ids}, updates, 200)


def _path(
        request: Request, limits: Limits,
) -> tuple[Path, bool]:
    """Return the ids of a path, and whether it ends in a slash."""
    segments = _segments(request)
    is_set = segments[-1] == b''
    segments = segments[:-1] if is_set else segments
    joined = b'/'.join(segments)
    bodies.check_path(segments, joined, limits)
    try:
        if segments and not joined:  # decode_path would take this for the top
            raise wire.WireError('expected ids, got an empty segment')
        return wire.decode_path(joined), is_set
    except wire.WireError as error:
        raise Problem(400, str(error)) from error


def _segments(request: Request) -> list[bytes]:
    """Return the path's segments after "/items/", percent-encoded.

    Routing uses the decoded path.  The encoded path may have a prefix or not:
    servers differ in that.  Raises a Problem if an encoded slash was routed as
    a slash.
    """
    routed = request.path_params['path']
    raw: bytes = request.scope['raw_path']
    segments = raw.partition(b'?')[0].split(b'/')
    start, size = len(segments), -1
    while start and size < len(routed):
        start -= 1
        size += 1 + len(unquote(segments[start]))
    path = b'/'.join(segments[start:])
    if (not start or unquote(path) != routed
            or unquote(segments[start - 1]) != 'items'):
        raise Problem(404, 'there is no such path; a slash before ids is not '
                      'percent-encoded')
    return segments[start:]


def _check_method(method: str, path: Path, is_set: bool) -> str:
    """Return the methods of a path.  Raises a Problem for other methods."""
    if not is_set:
        what, allowed = 'an item, without a slash at the end', _OF_ITEMS
    elif path:
        what, allowed = 'a set', _OF_SETS
    else:
        what, allowed = 'the top of the tree', _OF_THE_TOP
    if method not in allowed.split(', '):
        problem = Problem(405, f'expected {allowed} for {what}, got {method}')
        problem.headers['allow'] = allowed
        raise problem
    return allowed


async def _options(
        service: Service, request: Request, name: Hashable, allowed: str,
) -> Response:
    """Answer which methods this client may use, whatever is there."""
    try:
        service.access.check_write(request)
        await _check_target(service, name)
    except Problem as problem:
        if problem.status != 403:
            raise
        allowed = _FOR_READING
    headers = {**HEADERS, 'allow': allowed}
    if 'PATCH' in allowed:
        headers['accept-patch'] = bodies.PATCH
    return Response(status_code=204, headers=headers)


async def _check_write(
        service: Service, request: Request, name: Hashable) -> None:
    """Raise a Problem if a request may not write."""
    try:
        service.access.check_write(request)
    except Problem:
        await _check_target(service, name)  # a mirror says where to write
        raise


async def _check_target(service: Service, name: Hashable) -> None:
    """Raise a Problem if nobody can write to a tree."""
    trees = service.trees()

    def read() -> None:
        with trees.source.snapshot() as snapshot:
            snapshot.check_writable(name)

    await trees.jobs.read(read)


async def _edit(
        service: Service, request: Request, path: Path, is_set: bool,
        share: Share) -> Edit:
    conditions = conditions_of(request)
    if request.method == 'DELETE':
        return Edit('remove', path, is_set=is_set, conditions=conditions)
    if request.method == 'PUT' and is_set:
        await bodies.nothing(request, service.limits)
        return Edit('set', path, conditions=conditions)
    op = {'PUT': 'put', 'PATCH': 'patch', 'POST': 'add'}[request.method]
    read = bodies.patch if op == 'patch' else bodies.document
    json = await read(
        request, service.limits, share, service.trees().parsing)
    return Edit(op, path, json, conditions=conditions)


async def _get(
        service: Service, name: Hashable, path: Path, is_set: bool,
) -> Response:
    trees = service.trees()

    def item_text(item: Any) -> bytes:
        try:
            return wire.encode_value(item, service.default)
        except (TypeError, ValueError) as error:
            trees.encoder.unreadable(name, path, error)
            raise Problem(500, 'the server can not send this item; its log '
                          'says more') from error

    def read() -> tuple[bytes, str]:
        with trees.source.snapshot() as snapshot:
            etag = _etag(snapshot, name)
            if not is_set:
                return item_text(snapshot.item(name, path)), etag
            id = wire.encode_id(path[-1]) if path else b'null'
            return b'{"id":%b,"length":%d}' % (
                id, snapshot.length(name, path)), etag

    body, etag = await trees.jobs.read(read)
    return Response(body, 200, {**HEADERS, 'etag': etag}, 'application/json')


def _etag(snapshot: Snapshot, name: Hashable) -> str:
    """Return the ETag of an item, which a condition may name.

    It is weak, and never matches, where nobody can write.
    """
    position = snapshot.position(name)
    try:
        snapshot.check_writable(name)
    except ReadOnly:
        return position.etag
    return f'"{position}"'


async def _write(
        service: Service, request: Request, name: Hashable, size: int,
        make: Callable[[Editing], T]) -> tuple[T, bytes]:
    """Make so many edits; return the result, and the encoded updates."""
    encode = encoder(service, name)
    return await write(service, request, name, lambda editor: make(
        Editing(editor, service.limits, encode)), size)


def encoder(service: Service, name: Hashable) -> Encode:
    """Return a function that makes the text of any item of a tree."""
    trees = service.trees()

    def encode(path: Path, item: Any) -> bytes:
        try:
            return wire.encode_value(item, service.default)
        except (TypeError, ValueError) as error:
            trees.encoder.unreadable(name, path, error)
            return wire.encode_value(wire.UNREADABLE)

    return encode


async def write(
        service: Service, request: Request, name: Hashable,
        change: Callable[[Editor], T], size: int | None) -> tuple[T, bytes]:
    """Change a tree; return the result, and the encoded updates.

    size
        How many changes it makes; None if it must be alone in its transaction.
    """
    trees = service.trees()
    asked = position_asked(request)
    parts = parts_asked(request, service.limits)
    question = None if asked is None else Question(
        name, asked, False, parts=parts)
    tries = count()

    def attempt(editor: Editor) -> T:
        if next(tries):
            service.metrics.conflicts.inc()
        return change(editor)

    result, answer = await trees.writes.make(
        Write(name, attempt), size, question)
    if answer is None:
        return result, b''
    await trees.learn(trees.tree(name), answer.tree, answer.count)
    return result, answer.body


def response(
        members: dict[str, bytes], updates: bytes, status: int) -> Response:
    """Make the response to a write."""
    if updates:
        members['updates'] = updates
    body = b','.join([
        b'"%b":%b' % (name.encode(), json) for name, json in members.items()])
    return Response(b'{%b}' % body, status, HEADERS, 'application/json')
