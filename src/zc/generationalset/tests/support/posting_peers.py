"""Databases that are kept equal over HTTP, without sockets."""

import asyncio
import itertools
from contextlib import suppress

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from zc.generationalset.sql.peers import Cut, SyncError
from zc.generationalset.sql.peers.conversation import run
from zc.generationalset.sql.peers.posting import PostingLink
from zc.generationalset.sql.peers.route import Endpoint
from zc.generationalset.tests.support.peers import Peer

URL = 'http://testserver/sync'
TOKEN = 'secret'


class PostingPeer(Peer):
    """One that posts what it has to a server."""

    def app(self):
        """Return the application of a server."""
        def serve(link):
            with suppress(SyncError):
                run(self.serving(), link)

        return Starlette(routes=[Route('/sync', Endpoint(
            serve, TOKEN.__eq__, 16), methods=['POST'])])

    def sync(self, server, lost=None):
        """Make this one equal with a server.

        lost
            The number of the response of which half is lost; None if none is.

        Returns None if that has cut the sync.
        """
        with client_of(server.app(), lost) as client, \
                PostingLink(client, URL, TOKEN) as link:
            try:
                return run(self.asking(), link)
            except Cut:
                if lost is None:
                    raise
                return None


class Within(httpx.BaseTransport):
    """Gives requests to an application in this process.

    lost
        The number of the response of which half is lost; None if none is.
    """

    def __init__(self, app, lost=None):
        self._app = app
        self._numbers = itertools.count()
        self._lost = lost

    def handle_request(self, request):
        request.read()
        response = asyncio.run(self._ask(request))
        content = response.content
        if next(self._numbers) == self._lost:
            content = content[:len(content) // 2]
        return httpx.Response(
            response.status_code, headers=response.headers,
            content=iter([content]))

    async def _ask(self, request):
        async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self._app)) as client:
            return await client.request(
                request.method, request.url, headers=request.headers,
                content=request.content)


def client_of(app, lost=None):
    """Return a client for an application in this process."""
    return httpx.Client(transport=Within(app, lost))
