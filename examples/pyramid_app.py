"""The same shop in Pyramid, with pyramid_tm and pyramid_zodbconn.

    python examples/pyramid_app.py
    curl 'http://127.0.0.1:8000/updates'
    curl -X POST 'http://127.0.0.1:8000/sell/apples?generation=3'

Only the set and ``wire`` are used, and clients poll.
"""

from wsgiref.simple_server import make_server

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.response import Response
from pyramid_zodbconn import get_connection

from zc.generationalset import GSet, wire
from zc.generationalset.documents import Document


def shop_of(request):
    root = get_connection(request).root()
    if 'shop' not in root:
        root['shop'] = shop = GSet()
        for name in 'apples', 'pears':
            shop.add(Document(name, {'left': 10}))
    return root['shop']


def respond(request, provisional):
    """Respond with what changed since what the client has."""
    try:
        updates = shop_of(request).client_updates(
            int(request.params.get('generation', 0)),
            request.params.get('epoch'), provisional)
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from error
    return Response(wire.encode(updates), content_type='application/json',
                    cache_control='no-store')


def updates(request):
    return respond(request, provisional=False)


def sell(request):
    shop = shop_of(request)
    goods = shop.get(request.matchdict['name'])
    if goods is None:
        raise HTTPNotFound()
    goods.value = {'left': goods.value['left'] - 1}
    shop.changed(goods)
    # pyramid_tm commits after this, so what is new has no number yet.
    return respond(request, provisional=True)


def make_app(uri):
    with Configurator(settings={'zodbconn.uri': uri}) as config:
        config.include('pyramid_tm')
        config.include('pyramid_zodbconn')
        config.add_route('updates', '/updates', request_method='GET')
        config.add_view(updates, route_name='updates')
        config.add_route('sell', '/sell/{name}', request_method='POST')
        config.add_view(sell, route_name='sell')
        return config.make_wsgi_app()


if __name__ == '__main__':
    make_server('127.0.0.1', 8000, make_app('memory://')).serve_forever()
