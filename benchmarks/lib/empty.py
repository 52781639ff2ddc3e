"""The least that an HTTP server can do: what all others cost beside it.

``servers`` starts it with uvicorn.
"""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request):
    return JSONResponse({'hello': 'world'})


app = Starlette(routes=[Route('/', hello)])
