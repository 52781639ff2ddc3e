"""A folder of pages, beside the server's own routes."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from zc.generationalset.server import pages

HEADERS = {
    'cache-control': 'no-cache',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
}


class Folder(StaticFiles):
    """Serves the files of a folder, to everybody; ``index.html`` is ``/``.

    There are no lists of files.  Names that begin with a dot aren't served,
    nor links to files elsewhere.
    """

    def __init__(self, path: str) -> None:
        super().__init__(directory=path, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(name.startswith('.') for name in path.split(os.sep)):
            raise HTTPException(404)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 401:  # The file may not be read.
                raise HTTPException(404) from error
            raise
        response.headers.update(HEADERS)
        return response


def add(app: Starlette, path: str) -> None:
    """Serve a folder at paths where an application has no route.

    Only ``/`` is always the folder's, if it has a page for it.
    """
    folder = Folder(path)

    async def index(request: Request) -> Response:
        try:
            return await folder.get_response('index.html', request.scope)
        except HTTPException:
            return pages.home(request)

    app.router.routes.insert(0, Route('/', index, include_in_schema=False))
    app.router.routes.append(Mount('/', folder))
