"""Subscriptions over HTTP: routes for the server's application.

A browser registers what its page got from ``PushManager.subscribe``, and
removes it.  ``openapi.json`` describes the requests.
"""

from __future__ import annotations

from zc.generationalset.extras import need

need('server')

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import msgspec
import transaction
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from transaction.interfaces import TransientError
from ZODB.POSException import POSError

from zc.generationalset.push.addresses import Forbidden
from zc.generationalset.push.keys import VAPID, BadKey, Keys
from zc.generationalset.push.subscriptions import Subscriptions, TooMany
from zc.generationalset.server import Problem, Service, bodies
from zc.generationalset.sources import Contended
from zc.generationalset.sources.attempts import repeated

T = TypeVar('T')

#: The most bytes of a body: an endpoint and two keys, with room.
LARGEST = 4096
HEADERS = {'cache-control': 'no-store'}


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Body(msgspec.Struct):
    endpoint: str
    keys: _Keys


def routes(
        db: Any, find: Callable[..., Subscriptions], vapid: VAPID, *,
        private: bool = False) -> list[Route]:
    """Return routes with which browsers subscribe.

    .. code-block:: python

        app = application(
            db, lambda root: root['things'], tokens=tokens,
            routes=routes(db, lambda root: root['push'], vapid))

    Whoever may read the set may subscribe, also users who may not write: a
    push says no more than that the set has changed.  Users see and remove only
    their own subscriptions.  Where nobody is authenticated, an address is a
    user.

    db
        The ``ZODB.DB`` with the subscriptions.
    find
        Returns the Subscriptions, from the root of the database; if the
        application has ``name``, from the root and the tree's name.
    vapid
        The key that the pusher has.
    private
        Whether endpoints may have private addresses.
    """
    endpoint = _Endpoint(db, find, vapid, private)
    return [
        Route('/push', endpoint.answer, methods=['GET', 'PUT'],
              include_in_schema=False),
        Route('/push/openapi.json', _describe, methods=['GET'],
              include_in_schema=False),
        Route('/push/{id}', endpoint.remove, methods=['DELETE'],
              include_in_schema=False)]


class _Endpoint:

    def __init__(
            self, db: Any, find: Callable[..., Subscriptions], vapid: VAPID,
            private: bool) -> None:
        self._db = db
        self._find = find
        self._vapid = vapid
        self._private = private
        #: One at a time, so that limits hold.
        self._writing = anyio.CapacityLimiter(1)

    async def answer(self, request: Request) -> Response:
        """Answer with the public key, or add a subscription."""
        service: Service = request.app.state.gset
        name = service.access.tree_name(request)
        if request.method != 'PUT':
            return _json({'public_key': self._vapid.public}, 200)
        body = await _body(service, request)
        keys = Keys(body.keys.p256dh, body.keys.auth)

        def add(subscriptions: Subscriptions) -> tuple[str, bool]:
            before = subscriptions.changes
            found = subscriptions.add(
                _user(request), body.endpoint, self._private, keys)
            return found.id, subscriptions.changes != before

        id, is_new = await self._change(service, name, add)
        return _json({'id': id}, 201 if is_new else 200)

    async def remove(self, request: Request) -> Response:
        """Remove a subscription of this user."""
        service: Service = request.app.state.gset
        name = service.access.tree_name(request)

        def remove(subscriptions: Subscriptions) -> bool:
            found = subscriptions.get(request.path_params['id'])
            if found is None or found.user != _user(request):
                return False
            subscriptions.remove(found.id)
            return True

        if not await self._change(service, name, remove):
            raise Problem(404, 'this user has no such subscription')
        return Response(status_code=204, headers=HEADERS)

    async def _change(
            self, service: Service, name: Hashable,
            change: Callable[[Subscriptions], T]) -> T:
        """Change the subscriptions in a transaction, in a thread."""
        names = () if service.access.is_one_tree else (name,)
        attempt = partial(self._attempt, names, change)
        try:
            return await anyio.to_thread.run_sync(
                repeated, attempt, TransientError, limiter=self._writing)
        except (Forbidden, BadKey) as error:
            raise Problem(400, str(error)) from error
        except TooMany as error:
            raise Problem(409, str(error)) from error
        except (Contended, POSError) as error:
            raise Problem(503, 'the database can not be used now',
                          retry_after=1) from error
        except LookupError as error:
            raise Problem(404, 'there are no subscriptions to this tree'
                          ) from error

    def _attempt(
            self, names: tuple[Hashable, ...],
            change: Callable[[Subscriptions], T]) -> T:
        manager = transaction.TransactionManager(explicit=True)
        connection = self._db.open(manager)
        try:
            with manager:
                return change(self._find(connection.root(), *names))
        finally:
            connection.close()


async def _body(service: Service, request: Request) -> _Body:
    limits = replace(
        service.limits, document=min(LARGEST, service.limits.document))
    with service.budget.share() as share:
        text = await bodies.document(
            request, limits, share, service.trees().parsing)
    try:
        return msgspec.json.decode(text, type=_Body)
    except msgspec.MsgspecError as error:
        raise Problem(400, f'expected a subscription: {error}') from error


def _user(request: Request) -> str:
    user = request.scope.get('user')
    if user is not None:
        return str(user)
    return request.client.host if request.client else ''


def _json(members: dict[str, str], status: int) -> Response:
    return Response(msgspec.json.encode(members), status, HEADERS,
                    'application/json')


@cache
def _description() -> bytes:
    return (Path(__file__).parent / 'openapi.json').read_bytes()


async def _describe(request: Request) -> Response:
    """Answer with the description, which everybody may read."""
    return Response(_description(), media_type='application/json')
