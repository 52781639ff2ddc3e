"""The explorer, and the files of pages: scripts and styles.

They have no data, so everybody may read them.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zc.generationalset.server.encoding import COMPRESSIBLE
from zc.generationalset.server.fields import accepts_gzip, has_tag
from zc.generationalset.server.problems import Problem

TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.png': 'image/png',
    '.webmanifest': 'application/manifest+json',
}
#: Pages run only our scripts, and talk only to their own server.
POLICY = '; '.join([
    "default-src 'none'", "script-src 'self'", "style-src 'self'",
    "img-src 'self' data:", "connect-src 'self'", "manifest-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
HEADERS = {
    # Pages show a new release at once; mostly, the answer is a 304.
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'vary': 'accept-encoding, origin',
}


class File(NamedTuple):
    content: bytes
    type: str
    etag: str


def routes() -> list[Route]:
    """Return the routes that every application has."""
    return [page('/', 'index.html'), page('/explore', 'explore.html'),
            _without_slash('/explore/'), folder(), folder('explore'),
            folder('gset'), folder('bindings'), folder('outbox')]


def home(request: Request) -> Response:
    """Respond with the page that says what the server has."""
    return _response(request, _files('')['index.html'])


def page(path: str, name: str) -> Route:
    """Return a route that serves an HTML file of this package.

    .. code-block:: python

        page('/', 'board/index.html')

    path
        The path to serve it at, as for Starlette's ``Route``.
    name
        The file, below ``static``.
    """
    parent, _, name = name.rpartition('/')

    async def respond(request: Request) -> Response:
        return _response(request, _files(parent)[name])
    return _route(path, respond)


def folder(name: str = '') -> Route:
    """Return a route that serves the scripts and styles of a folder.

    .. code-block:: python

        folder('board')             # /static/board/board.js

    name
        The folder, below ``static``; by default ``static`` itself.  Folders
        within it are not served.
    """
    async def respond(request: Request) -> Response:
        wanted = request.path_params['name']
        file = _files(name).get(wanted)
        if file is None or wanted.endswith('.html'):
            raise Problem(404, 'there is no such file')
        return _response(request, file)
    return _route('/static/' + (name and name + '/') + '{name}', respond)


def worker(path: str, name: str, folders: Sequence[str]) -> Route:
    """Return a route that serves a service worker.

    .. code-block:: python

        worker('/worker.js', 'board/worker.js', ['board', 'gset', ''])

    path
        The path to serve it at; the worker is for what is below its folder.
    name
        The script, below ``static``.
    folders
        Those with the files that the worker stores.  The script begins with a
        ``VERSION`` of them, so browsers notice when any of them changes.
    """
    parent, _, name = name.rpartition('/')

    async def respond(request: Request) -> Response:
        etags = [file.etag for folder in folders
                 for file in _files(folder).values()]
        version = hashlib.sha256(''.join(etags).encode()).hexdigest()[:20]
        file = _files(parent)[name]
        return _response(request, file._replace(
            content=f"const VERSION = '{version}';\n".encode() + file.content,
            etag=f'"{version}"'))
    return _route(path, respond)


def _without_slash(path: str) -> Route:
    """Return a route that redirects to the path without its slash.

    A page has only one path, because its references are relative.  The
    redirection is relative, too, because a proxy may add a prefix.
    """
    async def respond(request: Request) -> Response:
        return Response(status_code=308, headers={
            **HEADERS, 'location': '..' + path.rstrip('/')})
    return _route(path, respond)


def _route(
        path: str, respond: Callable[[Request], Awaitable[Response]]) -> Route:
    # The description of the server is about the protocol, not about pages.
    return Route(path, respond, include_in_schema=False)


@cache
def _files(name: str) -> dict[str, File]:
    """Read a folder.  Nothing else can be served."""
    folder = files('zc.generationalset') / 'static'
    if name:
        folder = folder / name
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        suffix = file.name[file.name.rfind('.'):]
        if suffix in TYPES:
            content = file.read_bytes()
            found[file.name] = File(
                content, TYPES[suffix],
                f'"{hashlib.sha256(content).hexdigest()[:20]}"')
    return found


def _response(request: Request, file: File) -> Response:
    content, etag = file.content, file.etag
    encoding: dict[str, str] = {}
    if _is_compressible(file) and accepts_gzip(request):
        content, etag = _compressed(content), etag[:-1] + '-gzip"'
        encoding = {'content-encoding': 'gzip'}
    headers = {**HEADERS, 'etag': etag}
    if has_tag(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(
        content, headers={**headers, **encoding, 'content-type': file.type})


def _is_compressible(file: File) -> bool:
    return (len(file.content) >= COMPRESSIBLE
            and not file.type.startswith('image/'))


@lru_cache(256)  # more than there are files, some of which may be replaced
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
