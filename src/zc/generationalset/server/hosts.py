"""Host names that a server answers to."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from zc.generationalset.server.problems import Problem


class Hosts:
    """ASGI middleware that refuses requests to other host names.

    Otherwise, a site could let its own name resolve to the address of this
    server, and its pages in a browser could use the server.

    names
        Allowed names, without ports; IPv6 addresses are in brackets.  None
        means ``localhost``, and IP addresses, which no site can have as its
        name.  Behind Unix sockets, which browsers can't reach, None means
        all.
    """

    def __init__(
            self, app: ASGIApp, names: Collection[str] | None = None) -> None:
        self._app = app
        self._names = names

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app
        if scope['type'] == 'http':
            host = Headers(scope=scope).get('host', '')
            if not self._is_right(_name(host), scope):
                names = self._names or ['localhost', 'an IP address']
                app = Problem(400, 'expected a request to '
                              f'{", ".join(names)}, got one to '
                              f'{host[:80]!r}').response()
        await app(scope, receive, send)

    def _is_right(self, name: str, scope: Scope) -> bool:
        if self._names is not None:
            return name in self._names
        _, port = scope.get('server') or (None, None)
        return port is None or name == 'localhost' or _is_address(name)


def _name(host: str) -> str:
    if host.startswith('['):
        return host[:host.find(']') + 1]
    return host.partition(':')[0].lower()


@lru_cache(100)
def _is_address(name: str) -> bool:
    try:
        if name.startswith('['):
            ipaddress.IPv6Address(name[1:-1])
        else:
            ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
