"""The same shop in Pyramid, with pyramid_tm and pyramid_zodbconn.

    python examples/pyramid_app.py
    curl http://127.0.0.1:8000/updates
    curl -X POST 'http://127.0.0.1:8000/sell/apples?generation=3'

With ``unchanged=1`` and the epoch, it sells only what nobody else has bought
since that generation.

It uses only the set and ``wire``, and clients poll.  Its data is in
``shop.fs``.
"""

from wsgiref.simple_server import make_server

from pyramid.config import Configurator
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPConflict,
    HTTPForbidden,
    HTTPNotFound,
    HTTPPreconditionFailed,
    HTTPServiceUnavailable,
)
from pyramid.response import Response
from pyramid_zodbconn import get_connection
from transaction.interfaces import TransientError

from zc.generationalset import GSet, track, wire
from zc.generationalset.documents import Document

# The shop


def shop_of(request):
    root = get_connection(request).root()
    if 'shop' not in root:
        root['shop'] = shop = GSet()
        for name in 'apples', 'pears':
            shop.add(Document(name, {'left': 10}))
    return root['shop']


def sell(request):
    refuse_other_sites(request)
    shop = shop_of(request)
    name = request.matchdict['name']
    goods = shop.get(name)
    if goods is None:
        raise HTTPNotFound()
    if 'unchanged' in request.params and not shop.unchanged(
            name, *seen(request)):
        raise HTTPPreconditionFailed()
    left = goods.value['left']
    if left == 0:
        raise HTTPConflict()
    goods.value = {'left': left - 1}
    # ``track`` would notice that, but only after the response is made.
    shop.changed(goods)
    # pyramid_tm commits after this, so the change has no generation yet.
    return respond(request, provisional=True)


def refuse_other_sites(request):
    """Refuse requests of pages of other sites; browsers mark them."""
    if request.headers.get('Sec-Fetch-Site') in ('cross-site', 'same-site'):
        raise HTTPForbidden()


def busy(error, request):
    """Handle a conflict: somebody else sold the same goods at the same time.

    With pyramid_retry, the request would be tried again, and this view would
    be for ``last_retry_attempt=True``.
    """
    return HTTPServiceUnavailable(headers={'Retry-After': '1'})


# What live updates need, besides ``changed``


def respond(request, provisional=False):
    """Respond with what changed since the client's generation."""
    try:
        updates = shop_of(request).client_updates(
            *seen(request), provisional=provisional)
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from error
    return Response(wire.encode(updates), content_type='application/json',
                    cache_control='no-store')


def seen(request):
    """Return the position that a client presents."""
    return (int(request.params.get('generation', 0)),
            request.params.get('epoch'))


def add_updates(config):
    config.add_route('updates', '/updates', request_method='GET')
    config.add_view(respond, route_name='updates')
    track(config.registry._zodb_databases[''],
          lambda ob: ob._p_jar.root().get('shop'))


# That is all.


def make_app(uri):
    with Configurator(settings={'zodbconn.uri': uri}) as config:
        config.include('pyramid_tm')
        config.include('pyramid_zodbconn')
        config.add_route('sell', '/sell/{name}', request_method='POST')
        config.add_view(sell, route_name='sell')
        config.add_exception_view(busy, context=TransientError)
        config.include(add_updates)
        return config.make_wsgi_app()


if __name__ == '__main__':
    app = make_app('file://shop.fs')
    make_server('127.0.0.1', 8000, app).serve_forever()
