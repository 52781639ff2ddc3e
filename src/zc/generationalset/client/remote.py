"""A served tree, without a replica: one request at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, Position
from zc.generationalset.client.errors import BadAnswer
from zc.generationalset.client.network import Network
from zc.generationalset.client.options import HTTPOptions, for_httpx
from zc.generationalset.client.server import Server, Token, json_body
from zc.generationalset.client.steps import Steps
from zc.generationalset.client.urls import as_path, items_path
from zc.generationalset.client.writes import JSON
from zc.generationalset.parts import Parts

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The condition that there is nothing yet.
NEW = {'If-None-Match': '*'}


class Remote:
    """A served tree, for programs that keep what they need themselves.

    .. code-block:: python

        remote = Remote('https://example.org/sync', token)
        ann, position = remote.item(('people', 'ann'))
        remote.put(('people', 'ann'), edit(ann), unchanged(position))

    Each method makes one request, which isn't sent again.  Each raises
    ClientError; in particular, Unavailable if nothing was written, and Lost,
    an Unavailable, if nobody knows.

    url, token, timeout
        As for ``Client``.
    options
        Those of HTTPOptions.
    """

    def __init__(
            self, url: str, token: Token = None, *, timeout: float = 30.0,
            **options: Unpack[HTTPOptions]) -> None:
        self._server = Server(url, token, timeout=timeout)
        # It takes long to load certificates that nobody needs.
        options.setdefault('verify', self._server.url.startswith('https:'))
        self._network = Network(for_httpx(type(self), url, options))

    def updates(
            self, position: Position, cursor: str | None = None,
            parts: Parts = ()) -> Answer:
        """Return what has changed since a position.

        cursor
            That of a page, or ''; None for an answer without pages.
        parts
            The paths of subsets; () for the whole tree.
        """
        return self._network.run(self._updates(position, cursor, parts))

    def _updates(
            self, position: Position, cursor: str | None, parts: Parts,
    ) -> Steps[Answer]:
        params = {} if cursor is None else {'cursor': cursor}
        request = self._server.request(
            'GET', 'updates', position, None, None, parts=parts, **params)
        reply = yield from self._server.ask(request)
        return self._server.answer(
            json_body(reply, request.words), request.words)

    def item(self, path: Any) -> tuple[Any, Position]:
        """Return an item, and the position of the tree."""
        return self._network.run(self._server.item(items_path(path)))

    def length(self, path: Any = ()) -> tuple[int, Position]:
        """Return the length of a set, and the position of the tree."""
        ids = as_path(path)
        found, position = self._network.run(self._server.item(
            items_path(ids, '/') if ids else 'items/'))
        if not isinstance(found, dict) or type(found.get('length')) is not int:
            raise BadAnswer(f'expected the length of a set, got {found!r:.100}'
                            )
        return found['length'], position

    def put(self, path: Any, item: Any, condition: dict[str, str]) -> None:
        """Store an item.

        condition
            What ``unchanged`` returns, or NEW.
        """
        self._write('PUT', path, wire.encode_value(item),
                    {**JSON, **condition})

    def remove(self, path: Any, condition: dict[str, str]) -> None:
        """Remove an item.  The condition is as for ``put``."""
        self._write('DELETE', path, None, condition)

    def _write(
            self, method: str, path: Any, content: bytes | None,
            headers: dict[str, str]) -> None:
        self._network.run(self._server.ask(self._server.request(
            method, items_path(path), NOTHING, headers, content)))

    def close(self) -> None:
        self._network.close()


def unchanged(position: Position) -> dict[str, str]:
    """Return the condition that a path has what it had at a position.

    >>> unchanged(Position('e', 5))
    {'If-Match': '"e:5"'}
    """
    return {'If-Match': f'"{position}"'} if position.generation else {}
