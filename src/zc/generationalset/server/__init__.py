"""An ASGI application that serves trees of generational sets.

docs/protocol.txt specifies its requests and responses.
"""

from __future__ import annotations

from zc.generationalset.extras import need

need('server')

import asyncio
import os
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Hashable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from zc.generationalset.server import (
    description,
    ending,
    events,
    items,
    monitoring,
    pages,
    updates,
)
from zc.generationalset.server.access import Access, bearer
from zc.generationalset.server.budget import Budget
from zc.generationalset.server.conditions import (
    Conditions,
    check,
    conditions_of,
)
from zc.generationalset.server.hosts import Hosts
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.options import Limits, Options
from zc.generationalset.server.problems import (
    Defects,
    Isolated,
    Problem,
    respond,
)
from zc.generationalset.server.requests import ROUTE, Requests
from zc.generationalset.server.sites import (
    OtherSites,
    check_origins,
    cors,
)
from zc.generationalset.server.trees import Trees
from zc.generationalset.sources import Editor, Path, Source

__all__ = ['Limits', 'Problem', 'Service', 'application']

_Endpoint = Callable[['Service', Request], Awaitable[ASGIApp]]


class Service:
    """The state of an application, at ``application.state.gset``.

    ``application`` makes it.
    """

    stopping = False

    def __init__(
            self, source: Source, access: Access, options: Options) -> None:
        self._process = os.getpid()
        self.metrics = Metrics()
        self.access = access
        self.default = options.default
        self.limits = options.limits
        self.budget = Budget(options.limits.bodies)
        self._make_trees = partial(Trees, source, options, self.metrics)
        self._trees: tuple[asyncio.AbstractEventLoop, Trees] | None = None

    def trees(self) -> Trees:
        """Return what the server knows of the trees, in this event loop.

        This is made when it is first needed, because nobody calls the startup
        of an application that is mounted into another.
        """
        self.check_process()
        loop = asyncio.get_running_loop()
        if self._trees is None or self._trees[0] is not loop:
            if self._trees is not None:
                self._trees[1].abandon()
            self._trees = loop, self._make_trees()
            self._watching = loop.create_task(ending.watch(self.stop))
        return self._trees[1]

    def check_process(self) -> None:
        """Raise RuntimeError after a fork, which databases don't survive."""
        if self._process != os.getpid():
            raise RuntimeError(
                'expected an application of this process, got one that was '
                'made before a fork; open the database, and make the '
                'application, after it')

    async def write(
            self, request: Request, change: Callable[[Any], Any],
            path: Path | None = None, *, may_share: bool = False,
    ) -> Response:
        """Change a tree in a transaction, and respond with its updates.

        Handlers of an application that write call this:

        .. code-block:: python

            async def sell(request):
                id = request.path_params['id']
                return await request.app.state.gset.write(
                    request, lambda shop: shop.sell(id))

        The response is the same as for all writes: an object with the updates
        since the position that the query presents, read after the commit.

        request
            The request; its user and the like say which tree it is about.
        change
            Called with the set, in a transaction, in a thread; called again if
            the transaction conflicts.  A source that isn't a ZODB database
            calls it with its editor's ``root``.
        path
            A tuple of ids: what the request's If-Match and If-None-Match are
            about.  Without it, they are ignored.
        may_share
            Whether the change may be made in one transaction with those of
            other requests that wait, which is faster if many write.  It must
            be short: others wait for it.  It may be called several times, also
            without a conflict.

        Raises what ``change`` raises; then nothing is written.  A Problem
        becomes the response to the client.
        """
        name = self.access.tree_name(request)
        encode = items.encoder(self, name)
        conditions = Conditions() if path is None else conditions_of(request)

        def checked(editor: Editor) -> None:
            check(editor, path or (), conditions, encode)
            change(editor.root)

        _, new = await items.write(
            self, request, name, checked, 1 if may_share else None)
        return items.response({}, new, 200)

    def stop(self) -> None:
        """End all event streams and long polls, so that the server can end.

        Any thread may call this.
        """
        self.stopping = True
        if self._trees is not None:
            loop, trees = self._trees
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(trees.wake)

    async def close(self) -> None:
        """Stop, and release the source, which the caller closes."""
        self.stop()
        if self._trees is not None:
            loop, trees = self._trees
            self._trees = None
            if loop is asyncio.get_running_loop():
                self._watching.cancel()
                await trees.close()
            else:
                trees.abandon()


def application(
        source: Any, find: Callable[..., Any] | None = None, *,
        name: Callable[[Request], Hashable] | None = None,
        tokens: Mapping[str, str] | None = None,
        authenticate: Callable[[Request], Any] | None = None,
        write: bool | Callable[[Request], Any] | None = None,
        default: Callable[[Any], Any] | None = None,
        limits: Limits | None = None, origins: Collection[str] = (),
        hosts: Collection[str] | None = None,
        routes: Sequence[BaseRoute] = (), pace: float = 0.02,
        heartbeat: float = 15) -> Starlette:
    """Return an ASGI application that serves a set, or one set per user.

    .. code-block:: python

        app = application(db, lambda root: root['things'],
                          tokens={secret: 'ann'})

    You can mount it into any other ASGI application.  It runs on asyncio.

    source
        A ``ZODB.DB``, to which other code may write, too.  Or any other
        ``zc.generationalset.sources.Source``.
    find
        For a ``ZODB.DB``: ``find(root)`` returns the set that is served; with
        ``name``, ``find(root, name)``.  Called in threads, within a
        transaction.  None, or a LookupError, becomes a 404.
    name
        Returns the name of the tree that a request is about, such as the user:
        ``lambda request: request.scope['user']``.  Called in the event loop,
        so it must not read the database.  PermissionError becomes a 403,
        LookupError a 404.
    tokens
        Token -> name of its user, which is then ``request.scope['user']``.
    authenticate
        Instead of ``tokens``: returns the user of a request, or None if it has
        none.  Without both, everybody may read everything.
    write
        Whether requests may write through the routes for documents; or a
        function that decides for a request, and may raise PermissionError with
        a reason.  By default, requests may write if there are ``tokens`` or
        ``authenticate``.  Handlers of ``routes`` decide for themselves.
    default
        Makes a value that has a JSON form of an item that has none; see
        ``zc.generationalset.wire.encode``.
    limits
        See ``Limits``.
    origins
        Web pages of these origins, such as ``https://example.org``, may use
        the server (CORS).  With tokens, ``*`` allows all origins.
    hosts
        Host names of the server: it refuses requests to others.  By default,
        if nobody is authenticated and there is no ``name``, only ``localhost``
        and IP addresses are allowed; otherwise all names are.
    routes
        More routes, which come before the others; see ``Service.write``.
    pace
        The least seconds between two events of a stream.  What changes in
        between becomes one event.
    heartbeat
        Seconds between signs of life in a stream.

    Raises ValueError for contradictory or empty options, and TypeError for an
    object that is no source.
    """
    if tokens is not None:
        if authenticate is not None:
            raise ValueError('expected tokens or authenticate, got both')
        authenticate = bearer(tokens)
    check_origins(origins, authenticate is not None)
    checked = []
    if hosts is not None or (authenticate is None and name is None):
        checked = [Middleware(Hosts, names=hosts)]
    limits = limits or Limits()
    source = _source(source, find, name is not None)
    service = Service(
        source,
        Access(authenticate, name, write, limits.streams, source.failures),
        Options(default, limits, pace, heartbeat))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.check_process()
        yield
        await service.close()

    app = Starlette(
        routes=[*routes, *_routes(service), *pages.routes()],
        middleware=[Middleware(Requests, metrics=service.metrics),
                    Middleware(Isolated), *cors(origins), Middleware(Defects),
                    *checked, Middleware(OtherSites, origins=origins)],
        lifespan=lifespan,
        exception_handlers={Problem: respond, HTTPException: respond,
                            Exception: respond})
    # Starlette would redirect to paths with a slash, and to http.
    app.router.redirect_slashes = False
    app.state.gset = service
    return app


def _source(
        source: Any, find: Callable[..., Any] | None, has_names: bool,
) -> Source:
    if find is None:
        if not isinstance(source, Source):
            raise TypeError('expected a source, or a ZODB.DB and find, got '
                            f'{type(source).__name__}')
        return source
    # Imported here because other sources don't need ZODB.
    from zc.generationalset.sources.zodb import ZODBSource

    if not has_names:
        return ZODBSource(source, lambda root, _: find(root))
    return ZODBSource(source, find)


class _Anything(PathConvertor):
    """The rest of a path; Starlette's own convertor takes no line ends."""

    regex = '(?s:.*)'


register_url_convertor('anything', _Anything())


#: Endpoints that the description for clients leaves out.
_NOT_FOR_CLIENTS = monitoring.health, monitoring.metrics


def _routes(service: Service) -> list[Route]:
    def route(path: str, endpoint: _Endpoint, *methods: str) -> Route:
        async def respond(request: Request) -> ASGIApp:
            request.scope[ROUTE] = name
            return await endpoint(service, request)

        name = path.partition('{')[0]
        return Route(path, respond, methods=methods,
                     include_in_schema=endpoint not in _NOT_FOR_CLIENTS)

    return [
        route('/updates', updates.updates, 'GET'),
        route('/events', events.events, 'GET'),
        route('/batch', items.batch, 'POST'),
        # Any method is routed, because the path decides which are allowed.
        route('/items/{path:anything}', items.item),
        route('/openapi.json', description.describe, 'GET'),
        route('/healthz', monitoring.health, 'GET'),
        route('/metrics', monitoring.metrics, 'GET'),
    ]
