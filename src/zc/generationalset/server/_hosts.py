"""Names that a server listens to."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from zc.generationalset.server._problems import Problem


class Hosts:
    """Refuses requests to hosts of other names; for ``add_middleware``.

    names
        Without port; IPv6 addresses in brackets.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app
        if scope['type'] == 'http':
            host = Headers(scope=scope).get('host', '')
            if _name(host) not in self._names:
                app = Problem(400, 'expected a request to '
                              f'{", ".join(self._names)}, got one to '
                              f'{host[:80]!r}').response()
        await app(scope, receive, send)


def _name(host: str) -> str:
    if host.startswith('['):
        return host[:host.find(']') + 1]
    return host.partition(':')[0].lower()
