"""An HTTP server that only says hello: the least that any server costs.

``servers`` starts it with uvicorn.
"""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request):
    return JSONResponse({'hello': 'world'})


app = Starlette(routes=[Route('/', hello)])
