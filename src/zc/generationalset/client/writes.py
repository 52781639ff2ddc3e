"""The writes of a client, and what they bring into its replica."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec

from zc.generationalset import wire
from zc.generationalset.answers import Misfit, Position
from zc.generationalset.client.errors import (
    BadAnswer,
    Lost,
    MaybeWritten,
    Refused,
    Unavailable,
)
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.session import Session, until_current
from zc.generationalset.client.steps import Steps
from zc.generationalset.client.urls import as_path, items_path

logger = logging.getLogger('zc.generationalset.client')

JSON = {'Content-Type': 'application/json'}
PATCH = {'Content-Type': 'application/merge-patch+json'}
ID_LETTERS = string.ascii_letters + string.digits
ID_LENGTH = 16  # 95 bits: never the same twice
_OPERATIONS = {
    'put': 1, 'patch': 1, 'add': 1, 'set': 0, 'remove': 0}  # items


class _Written(msgspec.Struct):
    """The response to a write."""

    updates: msgspec.Raw = msgspec.Raw()


def make_id() -> str:
    return ''.join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


class Writes:
    """The writes of a session.

    All writes may be sent twice, even ``add``, because the client makes its
    id.  So they are sent again until there is a response.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._server = session.server

    def put(
            self, path: Any, item: Any, since: Position | None = None,
    ) -> Steps[None]:
        return self._write(
            'PUT', items_path(path), wire.encode_value(item),
            {**JSON, **_condition(since)})

    def patch(
            self, path: Any, patch: Any, since: Position | None = None,
    ) -> Steps[None]:
        return self._write(
            'PATCH', items_path(path), wire.encode_value(patch),
            {**PATCH, **_condition(since)})

    def add(self, path: Any, item: Any) -> Steps[str]:
        id = make_id()
        yield from self.put((*as_path(path), id), item)
        return id

    def make_set(self, path: Any) -> Steps[None]:
        return self._write('PUT', items_path(path, '/'))

    def remove(
            self, path: Any, missing_ok: bool, since: Position | None = None,
    ) -> Steps[None]:
        return self._write('DELETE', items_path(path), None,
                           _condition(since), gone_ok=missing_ok)

    def remove_set(
            self, path: Any, missing_ok: bool, since: Position | None = None,
    ) -> Steps[None]:
        return self._write('DELETE', items_path(path, '/'), None,
                           _condition(since), gone_ok=missing_ok)

    def batch(
            self, changes: Iterable[tuple[Any, ...]],
            since: Position | None = None) -> Steps[list[Any]]:
        encoded, ids = [], []
        for change in changes:
            text, id = _encode_change(*change, since=since)
            encoded.append(text)
            ids.append(id)
        yield from self._write(
            'POST', 'batch', b'{"changes":[%b]}' % b','.join(encoded), JSON)
        return ids

    def _write(
            self, method: str, path: str, content: bytes | None = None,
            headers: dict[str, str] | None = None, gone_ok: bool = False,
    ) -> Steps[None]:
        lost = False

        def ask() -> Steps[_Written]:
            nonlocal lost
            request = self._server.request(
                method, path, self._session.position(), headers, content,
                parts=self._session.parts)
            try:
                reply = yield from self._server.ask(request)
                return _written(reply, request.words)
            except Lost:
                lost = True
                raise
        try:
            written = yield from self._server.persist(ask)
        except (BadAnswer, Refused, Unavailable) as error:
            if method == 'DELETE' and error.status == 404 and (
                    lost or gone_ok):
                written = _Written()  # by an earlier try, or by somebody else
            elif lost or isinstance(error, BadAnswer):
                raise MaybeWritten(
                    f'it may have been written: {error}', error.status,
                ) from error
            else:
                raise
        yield from self._catch_up(bytes(written.updates))

    def _catch_up(self, updates: bytes) -> Steps[None]:
        """Apply the updates in a response, or ask for them.

        Whatever goes wrong here, even in the replica, the write was made, so
        the caller must not get an error.  The replica gets the write with the
        next ``sync``.
        """
        if not self._session.position().generation:
            return  # the replica was never synced; a whole copy may be large
        try:
            if not updates or not self._apply(updates):
                yield from until_current(self._session.ask)
        except Exception as error:
            logger.warning('written, but the replica has to wait: %s', error)

    def _apply(self, data: bytes) -> bool:
        """Apply an answer; return whether it makes the replica current."""
        answer = self._server.answer(data, 'updates of a write')
        with suppress(Misfit):
            self._session.apply(answer)
        return self._session.covers(answer)


def _written(reply: Reply, what: str) -> _Written:
    if reply.media_type != 'application/json':
        raise BadAnswer(f'{what}: expected application/json, got '
                        f'{reply.status} {reply.media_type[:100]!r}',
                        reply.status)
    try:
        return msgspec.json.decode(reply.body, type=_Written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadAnswer(f'{what}: {error}', reply.status) from error


def _condition(since: Position | None) -> dict[str, str]:
    """Return the header that says since when a path must be unchanged."""
    return {} if since is None else {'If-Match': f'"{since}"'}


def _encode_change(
        op: str, path: Any, *item: Any, since: Position | None,
) -> tuple[bytes, Any]:
    """Return a change as JSON, and the id that it changes."""
    if len(item) != _OPERATIONS.get(op):
        raise ValueError(
            "expected ('put', path, item), ('patch', path, item), ('add', "
            "path, item), ('set', path) or ('remove', path), got "
            f'{(op, path, *item)!r:.200}')
    ids = as_path(path)
    if op == 'add':
        op, ids = 'put', (*ids, make_id())
    if not ids:
        raise ValueError(f'{op}: expected a path, got {path!r}')
    text = b'{"op":"%b","path":%b' % (op.encode(), wire.encode_ids(ids))
    if item:
        text += b',"item":' + wire.encode_value(item[0])
    if since is not None:
        text += b',"unchanged_since":' + wire.encode_value(str(since))
    return text + b'}', ids[-1]
