"""The server of a hub: its sets, and a page on which people decide."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zc.generationalset import wire
from zc.generationalset.commands import logs, serving, showing
from zc.generationalset.commands.tokens import VARIABLE, Tokens
from zc.generationalset.process.running import run
from zc.generationalset.sync import ABSENT, Decided, Synchronizer

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

#: The most bytes of a decision.
LONGEST = 2 ** 20


def serve(
        options: argparse.Namespace, synchronizer: Synchronizer,
        work: Callable[[], None]) -> None:
    """Serve the hub while something else is done in a thread.

    work
        It ends after ``synchronizer.stop()``; if it ends before, or fails, so
        does the server.
    """
    logs.configure(options.log_format, options.log_level)
    tokens = Tokens(options.token_file, os.environ.get(VARIABLE))
    serving.check_access(options, tokens)
    listening = serving.listen(options)
    failures: list[BaseException] = []

    def begin() -> None:
        url = serving.url_of(*listening.getsockname()[:2])
        print(serving.serving('what is kept equal', url), flush=True)
        worker.start()

    def do_work() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            signal.raise_signal(signal.SIGTERM)

    worker = threading.Thread(target=do_work)
    app = application(synchronizer, tokens, options)
    with tokens.kept_current():
        run(app, listening, begin)
        # The thread's own signal must not end the process.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        synchronizer.stop()
        if worker.ident is not None:
            worker.join()
    sys.stdout.flush()
    if failures:
        raise failures[0]


def application(
        synchronizer: Synchronizer, tokens: Tokens,
        options: argparse.Namespace) -> Starlette:
    """Return the application.  Nobody writes to the sets over HTTP."""
    from starlette.routing import Route

    from zc.generationalset.server import Limits, application, pages

    hub = synchronizer.hub
    hub.prepare()
    deciding = _Deciding(synchronizer, options)
    return application(
        hub.db, lambda root: root[hub.name]['sets'], write=False,
        authenticate=tokens.authenticate if tokens else None,
        limits=Limits(document=LONGEST, streams=options.streams),
        origins=tuple(options.origin),
        routes=[
            pages.page('/', 'sync/index.html'), pages.folder('sync'),
            Route('/decisions', deciding.decide, methods=['POST', 'OPTIONS'],
                  include_in_schema=False),
            Route('/plan', deciding.plan, methods=['POST'],
                  include_in_schema=False)])


class _Deciding:
    """What people do on the page."""

    def __init__(
            self, synchronizer: Synchronizer, options: argparse.Namespace,
    ) -> None:
        self._synchronizer = synchronizer
        self._options = options
        self._types = {type.name: type for type in synchronizer.types}

    def _check(self, request: Request) -> None:
        """Raise a Problem for whoever may not decide."""
        from zc.generationalset.server import Problem

        request.app.state.gset.access.check(request)
        try:
            may_write = serving.may_write(request, self._options)
        except PermissionError as error:
            raise Problem(403, str(error)) from error
        if not may_write:
            raise Problem(403, 'this user may only read')

    async def decide(self, request: Request) -> Response:
        """Note a decision; OPTIONS tells whether the user may decide."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        from zc.generationalset.server import Problem

        if request.method == 'OPTIONS':
            try:
                self._check(request)
            except Problem as problem:
                if problem.status != 403:
                    raise
                return Response(status_code=204, headers={'allow': 'OPTIONS'})
            return Response(status_code=204, headers={
                'allow': 'OPTIONS, POST'})
        self._check(request)
        body = await _body(request)
        try:
            await run_in_threadpool(self._decide, body)
        except Decided as error:
            raise Problem(409, str(error), decision=wire.plain(
                error.decision)) from error
        except KeyError as error:
            raise Problem(404, f'there is no {error.args[0]} any more'
                          ) from error
        except ValueError as error:
            raise Problem(400, str(error)) from error
        return Response(status_code=204)

    def _decide(self, body: dict[str, Any]) -> None:
        """Raises KeyError, ValueError, and a Problem."""
        kind, id = body.get('decision'), body.get('id')
        if not isinstance(id, str):
            raise ValueError('expected an id')
        if kind == 'match':
            self._synchronizer.match(id, None)
        elif kind == 'release':
            self._found('held', id, body)
            self._synchronizer.release(id, body.get('digest', ''))
        elif kind == 'resolve':
            self._resolve(id, self._found('conflicts', id, body), body)
        else:
            raise ValueError('expected a decision: resolve, release or match')

    def _found(self, name: str, id: str, body: dict[str, Any]) -> Any:
        """Return a document, if it is still as the person has seen it."""
        from zc.generationalset.server import Problem

        found = dict(self._synchronizer.hub.listed(name))[id]
        if found.get('digest') != body.get('digest'):
            raise Problem(409, 'it has changed meanwhile; look again')
        return found

    def _resolve(
            self, id: str, conflict: dict[str, Any], body: dict[str, Any],
    ) -> None:
        kind = self._types[conflict['type']].fields[conflict['field']]
        digest = conflict['digest']
        if isinstance(store := body.get('store'), str):
            self._synchronizer.resolve_as(id, store, digest)
        elif body.get('clear') is True:
            self._synchronizer.resolve(id, ABSENT, digest)
        elif isinstance(text := body.get('text'), str) and not kind.target:
            self._synchronizer.resolve(id, kind.from_text(text), digest)
        else:
            raise ValueError('expected a store, a text, or to clear the field')

    async def plan(self, request: Request) -> Response:
        """Respond with what a run would do."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        self._check(request)
        report = await run_in_threadpool(self._synchronizer.plan)
        return Response(
            wire.encode_value(showing.as_json(report)),
            headers={'cache-control': 'no-store'},
            media_type='application/json')


async def _body(request: Request) -> dict[str, Any]:
    """Return an object of JSON.  Raises a Problem."""
    from zc.generationalset.server import Problem, bodies

    service = request.app.state.gset
    with service.budget.share() as share:
        found = wire.decode_value(await bodies.document(
            request, service.limits, share, service.trees().parsing))
    if not isinstance(found, dict):
        raise Problem(400, 'expected an object')
    return found
