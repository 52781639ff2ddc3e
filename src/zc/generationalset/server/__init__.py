"""An ASGI application that serves trees of generational sets.

docs/protocol.txt says what it understands and answers.
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
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

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
from zc.generationalset.sources import Source

__all__ = ['Limits', 'Problem', 'Service', 'application']

_Endpoint = Callable[['Service', Request], Awaitable[Response]]


class Service:
    """The state behind an application; it is at ``application.state.gset``.

    Made by ``application``.
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
        """Return what is known of the trees, in this event loop.

        Made when it is first needed: the startup of an application that is
        mounted into another is not called.
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
        """Raise RuntimeError after a fork: databases can't stand that."""
        if self._process != os.getpid():
            raise RuntimeError(
                'expected an application of this process, got one that was '
                'made before a fork; open the database, and make the '
                'application, after it')

    async def write(
            self, request: Request, change: Callable[[Any], Any]) -> Response:
        """Change a tree in a transaction, and respond with its updates.

        For write handlers of applications:

        .. code-block:: python

            async def sell(request):
                id = request.path_params['id']
                return await request.app.state.gset.write(
                    request, lambda shop: shop.sell(id))

        The response is that of all writes: an object with the updates since
        what the query presents, read after the commit.

        request
            Says who asks, and so which tree it is.
        change
            Called with the set, in a transaction, in a thread; again, if that
            conflicts with another one.  What other sources than databases of
            ZODB call it with is their editor's ``root``.

        Raises what ``change`` raises, with nothing written.  A Problem is
        told to the client.
        """
        name = self.access.tree_name(request)
        _, new = await items.write(
            self, request, name, lambda editor: change(editor.root))
        return items.response({}, new, 200)

    def stop(self) -> None:
        """End all event streams and long polls, so that a server can end."""
        self.stopping = True
        if self._trees is not None:
            self._trees[1].wake()

    async def close(self) -> None:
        """Stop, and let go of the source, which the caller closes."""
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

    It can be mounted into any other ASGI application.  It runs on asyncio.

    source
        A ``ZODB.DB``.  All of its connections may be written to by others.  Or
        any other ``zc.generationalset.sources.Source``.
    find
        For a ``ZODB.DB``: ``find(root)`` returns the set that is served; with
        ``name``, ``find(root, name)``.  Called in threads, within a
        transaction.  None, or a LookupError, is a 404.
    name
        Returns which tree a request is about: the user's, perhaps, with
        ``lambda request: request.scope['user']``.  Called in the event loop,
        so it must not read the database.  PermissionError is a 403,
        LookupError a 404.
    tokens
        Token -> name of its user, who is ``request.scope['user']`` then.
    authenticate
        In the place of ``tokens``: returns the user of a request, None if it
        is nobody.  With neither, everybody may read everything.
    write
        Whether requests may write by the routes for documents, or a function
        that says so of a request, and may raise PermissionError with a reason.
        By default if there are ``tokens`` or ``authenticate``.  Handlers of
        ``routes`` decide for themselves.
    default
        Makes something that has a JSON form of an item that hasn't; see
        ``zc.generationalset.wire.encode``.
    limits
        See ``Limits``.
    origins
        Web pages of these origins may use it (CORS), such as
        ``https://example.org``.  With tokens also ``*``, all of them.
    hosts
        Names by which it is called: requests to others are refused.  By
        default, if nobody is authenticated and there is no ``name``, it is
        called ``localhost``, or by an IP address; otherwise all names are
        right.
    routes
        More routes, before the others; see ``Service.write``.
    pace
        Seconds between two events of a stream, at the least: what changes in
        between is one event.
    heartbeat
        Seconds between signs of life in a stream.

    Raises ValueError for contradicting or empty options, and TypeError for
    what is no source.
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
    # Here, since other sources don't need ZODB.
    from zc.generationalset.sources.zodb import ZODBSource

    if not has_names:
        return ZODBSource(source, lambda root, _: find(root))
    return ZODBSource(source, find)


class _Anything(PathConvertor):
    """The rest of a path; Starlette's own takes no line ends."""

    regex = '(?s:.*)'


register_url_convertor('anything', _Anything())


#: They aren't described for clients.
_NOT_FOR_CLIENTS = monitoring.health, monitoring.metrics


def _routes(service: Service) -> list[Route]:
    def route(path: str, endpoint: _Endpoint, *methods: str) -> Route:
        async def respond(request: Request) -> Response:
            request.scope[ROUTE] = name
            return await endpoint(service, request)

        name = path.partition('{')[0]
        return Route(path, respond, methods=methods,
                     include_in_schema=endpoint not in _NOT_FOR_CLIENTS)

    return [
        route('/updates', updates.updates, 'GET'),
        route('/events', events.events, 'GET'),
        route('/batch', items.batch, 'POST'),
        # Without methods: any, since they depend on the path.
        route('/items/{path:anything}', items.item),
        route('/openapi.json', description.describe, 'GET'),
        route('/healthz', monitoring.health, 'GET'),
        route('/metrics', monitoring.metrics, 'GET'),
    ]
