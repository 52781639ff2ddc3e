"""Pages of other sites: which may use a server, and how others can't.

A browser sends requests of any page to any server that its machine can reach.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from zc.generationalset.server.problems import Problem

#: Origins that include pages of anybody.
ANY = '*', 'null'
#: Methods that change nothing.
SAFE = 'GET', 'HEAD', 'OPTIONS'
_PORTS = {'http': 80, 'https': 443}


def check_origins(origins: Collection[str], knows_users: bool) -> None:
    """Raise ValueError for origins that no page, or any page, can have."""
    for origin in origins:
        if origin not in ANY:
            _check_origin(origin)
        elif not knows_users:
            raise ValueError(
                f'expected tokens where pages of the origin {origin!r} may '
                'use a server: any page can have it')


def _check_origin(origin: str) -> None:
    try:
        right = _origin(origin)
    except ValueError:
        right = None
    if origin != right:
        raise ValueError(
            f'expected an origin such as {right or "https://example.org"!r}, '
            f'without path and slash at its end, got {origin!r}')


def _origin(url: str) -> str | None:
    """Return the origin of a URL as browsers write it, or None."""
    parts = urlsplit(url)
    name = parts.hostname
    if not (parts.scheme and name and re.fullmatch(r'[!-~]+', url)):
        return None
    name = f'[{name}]' if ':' in name else name
    port = parts.port
    if port is None or port == _PORTS.get(parts.scheme):
        return f'{parts.scheme}://{name}'
    return f'{parts.scheme}://{name}:{port}'


def cors(origins: Collection[str]) -> list[Middleware]:
    """Return the middleware that lets pages of these origins in."""
    if not origins:
        return []
    return [Middleware(
        CORSMiddleware, allow_origins=origins,
        allow_methods=['GET', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'],
        allow_headers=['Authorization', 'Content-Type', 'If-Match',
                       'If-None-Match', 'Last-Event-ID'],
        expose_headers=['Allow', 'Date', 'ETag', 'Retry-After'])]


class OtherSites:
    """ASGI middleware that refuses writes by pages of other origins.

    Browsers ask before most such requests, but not before a POST that a form
    could send, with the cookies of the user.

    origins
        The origins that may write.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(
            self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app
        if (scope['type'] == 'http' and scope['method'] not in SAFE
                and self._is_foreign(Headers(scope=scope))):
            app = Problem(
                403, 'expected no request of a page of another origin'
                ).response()
        await app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get('origin')
        if origin in self._origins:
            return False
        # A page can send this header only after its browser has asked.
        if headers.get('authorization', '').lower().startswith('bearer '):
            return False
        # Old browsers don't send this field, nor do others without TLS.
        site = headers.get('sec-fetch-site')
        if site is not None:
            return site not in ('same-origin', 'none')
        return origin is not None and not _is_of(
            origin, headers.get('host', ''))


def _is_of(origin: str, host: str) -> bool:
    """Tell whether an origin is that of a host.

    Proxies may leave out the host's port.
    """
    try:
        there, here = urlsplit(origin), urlsplit(f'//{host}')
        return there.hostname == here.hostname and here.port in (
            None, there.port)
    except ValueError:
        return False
