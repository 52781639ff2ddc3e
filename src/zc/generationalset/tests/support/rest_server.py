"""A service of HTTP with items, and what such services do wrong."""

import contextlib
import itertools
import json
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zc.generationalset.merging import canonical
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.stores.rest import make
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import plain, running
from zc.generationalset.tests.support.stored import TYPE

#: Items on a page.
PAGE = 3
HTML = Response('<html>We are back soon.</html>', media_type='text/html')


class RestServer:
    """The service; ``app`` is the application.

    items
        The documents by their ids.
    requests
        All that came: method, path with query, headers.  ``paths_as_sent``
        has paths that weren't decoded.
    style
        How it makes pages: ``none``, ``link``, ``next``, ``cursor``,
        ``page``, ``offset`` or ``key``.
    answer
        Called with each request; what it returns is the response, if it isn't
        None.
    etags, idempotency, echoes
        Whether it compares ETags, keeps keys of additions, and answers a
        change with the item.
    forgets
        Whether it knows no cursor of changes any more.
    tells
        What the ETag of a listing is about: ``'all'`` items, those of the
        ``'page'``, or ``'nothing'``; without it, there is none.
    listed
        The members that a listing shows, if it doesn't show all.
    rewrite
        What becomes of a document that is stored.
    lost
        Whether it does what is asked, and the reply is lost.
    """

    def __init__(self, style='none', **options):
        self.style = style
        self.etags = self.idempotency = self.lost = self.wraps = False
        self.echoes = True
        self.listed = self.tells = None
        self.rewrite = lambda document: document
        self.answer = lambda request: None
        vars(self).update(options)
        self.items = {}
        self.versions = itertools.count(1)
        self.version = {}
        self.changed = {}  # the number of the last change, also of removals
        self.forgets = False
        self.keys = {}
        self.requests = []
        self.paths_as_sent = []
        self.ids = itertools.count(1)
        self.app = self.outer(Starlette(routes=[
            Route('/api/me', self.me),
            Route('/api/issues', self.list, methods=['GET']),
            Route('/api/issues', self.add, methods=['POST']),
            Route('/api/issues/{id}', self.item,
                  methods=['GET', 'PATCH', 'PUT', 'DELETE'])]))

    def outer(self, app):
        """Return an application that loses replies, after it has obeyed."""
        async def outer(scope, receive, send):
            self.paths_as_sent.append(scope['raw_path'].decode())

            async def lose(message):
                if self.lost and scope['method'] != 'GET':
                    if message['type'] == 'http.response.start':
                        message['headers'] = [(b'content-length', b'9999')]
                    else:
                        message['more_body'] = True
                await send(message)

            await app(scope, receive, lose)

        return outer

    def asked(self, request):
        """Note a request; return what the test answers to it."""
        path = request.url.path + f'?{request.url.query}'.rstrip('?')
        self.requests.append((request.method, path, request.headers))
        return self.answer(request)

    def paths(self, method='GET'):
        return [path for each, path, _ in self.requests if each == method]

    # People

    def put(self, **fields):
        return self.store(next(self.ids), fields)

    def store(self, id, document):
        self.items[id] = {**self.rewrite(document), 'id': id}
        self.note(id)
        return id

    def note(self, id):
        self.changed[id] = next(self.versions)
        self.version[id] = f'"{self.changed[id]}"'

    # Endpoints

    async def me(self, request):
        return self.asked(request) or JSONResponse({'user': {'name': 'ann'}})

    async def list(self, request):
        response = self.asked(request)
        if response is not None:
            return response
        query = request.query_params
        since = int(query.get('since', 0))
        if since and self.forgets:
            return JSONResponse({}, 410)
        ids = sorted(id for id in (self.changed if since else self.items)
                     if self.changed[id] > since)
        start = {
            'page': (int(query.get('page', 1)) - 1) * PAGE,
            'key': sum(id <= int(query.get('after', 0)) for id in ids),
            'none': 0}.get(self.style, int(query.get('offset', 0)))
        stop = len(ids) if self.style == 'none' else start + PAGE
        document = {
            'total': len(ids),
            'data': {'issues': [self.summary(id) for id in ids[start:stop]]},
            'paging': {'next': None},
            'now': max(self.changed.values(), default=0)}
        headers = {'X-Total': str(len(ids))}
        if stop < len(ids):
            following = str(request.url.include_query_params(offset=stop))
            document['paging']['next'] = \
                stop if self.style == 'cursor' else following
            headers['Link'] = f'</a>; rel="prev", <{following}>; rel="next"'
        if self.tells:
            told = {'all': self.items, 'page': document['data'],
                    'nothing': None}[self.tells]
            headers['ETag'] = f'"{canonical(told)}"'.encode(
                'unicode_escape').decode()
            if request.headers.get('if-none-match') == headers['ETag']:
                return Response(status_code=304)
        return JSONResponse(document, headers=headers)

    def summary(self, id):
        if id not in self.items:
            return {'id': id, 'deleted': True}
        return {name: value for name, value in self.items[id].items()
                if self.listed is None or name in self.listed}

    async def add(self, request):
        response = self.asked(request)
        if response is not None:
            return response
        key = request.headers.get('idempotency-key')
        if not self.idempotency or key not in self.keys:
            self.keys[key] = self.store(
                next(self.ids), await self.document(request))
        return self.shown(self.keys[key], 201)

    async def document(self, request):
        document = json.loads(await request.body())
        return document['issue'] if self.wraps else document

    def shown(self, id, status=200):
        document = self.items[id] if self.echoes else {'id': id}
        return JSONResponse(
            {'issue': document} if self.wraps else document, status,
            {'ETag': self.version[id]} if self.etags else {})

    async def item(self, request):
        response = self.asked(request)
        if response is not None:
            return response
        id = request.path_params['id']
        id = int(id) if id.isdigit() else id
        if id not in self.items:
            return JSONResponse({'error': 'not found'}, 404)
        if self.etags and request.headers.get(
                'if-match', self.version[id]) != self.version[id]:
            return JSONResponse({'error': 'has changed'}, 412)
        if request.method == 'GET':
            return self.full(id)
        if request.method == 'DELETE':
            del self.items[id]
            self.note(id)
            return Response(status_code=204)
        document = await self.document(request)
        if request.method == 'PATCH':
            document = {**self.items[id], **document}
        self.store(id, document)
        return self.shown(id) if self.echoes else Response(status_code=204)

    def full(self, id):
        document = self.items[id]
        return JSONResponse(
            {'issue': document} if self.wraps else document, 200,
            {'ETag': self.version[id]} if self.etags else {})


class RestServers(Servers):
    """A layer with a server at ``url``, for one service after the other."""

    service: RestServer

    @classmethod
    def setUp(cls):
        async def serve(scope, receive, send):
            await cls.service.app(scope, receive, send)

        cls.service = RestServer()
        cls.stack = contextlib.ExitStack()
        cls.url = cls.stack.enter_context(running(plain(serve)))

    @classmethod
    def tearDown(cls):
        cls.stack.close()


class Rest:
    """A mixin: ``self.server`` is a service, ``self.store`` its store."""

    layer = RestServers
    traits: dict = {}
    store_options: dict = {}
    options: dict = {}

    def setUp(self):
        self.server = RestServers.service = RestServer(**self.traits)
        super().setUp()

    def make_store(self, **options):
        return make(Options('tracker', {'issue': TYPE}, Path(), {
            'url': f'{RestServers.url}/api', 'token': 'hush',
            **self.store_options,
            'issue': {'path': 'issues', 'items': 'data.issues',
                      **self.options, **options}}))


class Faults(Rest):
    """A service with four items, and answers of the test's own."""

    traits = {'style': 'link'}
    options = {'paging': 'link'}

    def setUp(self):
        super().setUp()
        for number in range(4):
            self.server.put(title=f'i{number}')
        self.open()

    def open(self, **options):
        store = self.make_store(**options)
        self.addCleanup(store.close)
        self.issues = store.accessors['issue']
        return store

    def answer(self, *responses):
        """Answer the next requests so; the last one again and again."""
        left = list(responses)
        self.server.answer = lambda request: (
            left.pop(0) if len(left) > 1 else left[0])

    def listed(self):
        return list(self.issues.find())
