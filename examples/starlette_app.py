"""A shop with a live list of what is left, in Starlette.

    python examples/starlette_app.py
    gset watch http://127.0.0.1:8000/sync
    curl -X POST http://127.0.0.1:8000/sync/sell/apples

A customer who wants apples only as long as nobody else has bought some sends
the ETag of what he has seen:

    curl -i http://127.0.0.1:8000/sync/items/apples
    curl -X POST -H 'If-Match: "..."' http://127.0.0.1:8000/sync/sell/apples
"""

import uvicorn
import ZODB
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import Problem, application

# The shop


def make_database():
    db = ZODB.DB(DemoStorage())
    with db.transaction() as connection:
        connection.root.shop = shop = GSet()
        for name in 'apples', 'pears':
            shop.add(Document(name, {'left': 10}))
    return db


def sell_one(shop, name):
    """Change the database, in a transaction."""
    goods = shop.get(name)
    if goods is None:
        raise Problem(404, f'we have no {name}')
    left = goods.value['left']
    if left == 0:
        raise Problem(409, f'no {name} are left')
    goods.value = {'left': left - 1}
    shop.changed(goods)


async def home(request):
    return PlainTextResponse('See /sync/updates')


# What live updates need


async def sell(request):
    name = request.path_params['name']
    # ``path`` is what the request's If-Match is about.
    return await request.app.state.gset.write(
        request, lambda shop: sell_one(shop, name), path=(name,))


def make_app(db):
    live = application(
        db, lambda root: root['shop'],
        routes=[Route('/sell/{name}', sell, methods=['POST'])])
    return Starlette(
        routes=[Route('/', home), Mount('/sync', live)],
        lifespan=live.router.lifespan_context)  # ends the threads of live


# That is all.

if __name__ == '__main__':
    uvicorn.run(make_app(make_database()))
