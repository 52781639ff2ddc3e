"""What all commands that serve use."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import POSError

from zc.generationalset import GenerationalSet
from zc.generationalset.commands import Failure, databases, demo
from zc.generationalset.commands.arguments import PORT
from zc.generationalset.commands.tokens import Tokens
from zc.generationalset.interfaces import IServed
from zc.generationalset.loopback import is_loopback
from zc.generationalset.process import sockets
from zc.generationalset.sources.attempts import repeated

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute


#: The set that is made and served if there is none.
NEW_SET = 'things'


class Found(NamedTuple):
    """The set that is served."""

    path: str
    #: The file or directory that was made for it, if any.
    made: str | None
    is_new: bool
    #: Pushes to browsers while the server runs, from its URL and tokens; None
    #: if that isn't wanted.
    push: Callable[[str, Tokens], AbstractContextManager[None]] | None = None


def opened(
        options: argparse.Namespace, tokens: Tokens,
) -> AbstractContextManager[tuple[Starlette, Found]]:
    """Open the database; yield an application, and what it serves."""
    return (opened_set if options.tables is None else opened_tables)(
        options, tokens)


@contextmanager
def opened_set(
        options: argparse.Namespace, tokens: Tokens,
) -> Iterator[tuple[Starlette, Found]]:
    """Open a ZODB database; yield an application, and what it serves."""
    from zc.generationalset.server.jobs import CONNECTIONS

    if tokens:  # Data of users isn't for everybody on this machine.
        os.umask(0o077)
    made = databases.to_be_made(options.data)
    if made and '/' in (options.path or ''):
        raise Failure(f'expected a set that is there, got {options.path} of '
                      f'{made}, which is not')
    with databases.opened(options.data, CONNECTIONS) as db:
        if options.demo:
            path, is_new = prepare(
                db, options.path or demo.NAME, demo.fill)
            routes = demo.routes()
        else:
            path, is_new = prepare(db, options.path)
            routes = []
        push = None
        if options.push:
            from zc.generationalset.commands import pushing
            vapid = pushing.load(options.push)
            routes = [*pushing.routes(db, vapid), *routes]
            push = partial(pushing.beside, db, vapid)
        app = make_application(
            db, tokens, options, routes, lambda root: find(root, path))
        yield (app, Found('/'.join(path), made, is_new, push))


@contextmanager
def opened_tables(
        options: argparse.Namespace, tokens: Tokens,
) -> Iterator[tuple[Starlette, Found]]:
    """Open a SQL database; yield an application, and what it serves."""
    from zc.generationalset.commands import tables

    if tokens:
        os.umask(0o077)
    with tables.source(options.data, options.tables) as source:
        name = _user if tables.is_of_users(options.tables) else None
        yield (make_application(source, tokens, options, name=name),
               Found(', '.join(options.tables), None, False))


def pushing(
        found: Found, address: tuple[str, int], tokens: Tokens,
) -> AbstractContextManager[None]:
    """Push to browsers while the server runs, if that is wanted."""
    if found.push is None:
        return nullcontext()
    host, port = address
    host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host)  # noqa: S104
    return found.push(url_of(host, port), tokens)


def check_access(
        options: argparse.Namespace, tokens: Tokens) -> None:
    from zc.generationalset.server.sites import check_origins

    if not tokens and not is_loopback(options.host):
        raise Failure(
            f'expected a --token-file to listen on {options.host}: without '
            'tokens it would be for everybody there')
    try:
        check_origins(options.origin, bool(tokens))
    except ValueError as error:
        raise Failure(f'--origin: {error}') from error


def announce(
        options: argparse.Namespace, found: Found, host: str, port: int,
) -> None:
    """Say what is served, and where, in a line that ends with the address.

    Below, say what was made, because the user may have mistyped a name.
    """
    url = url_of(host, port)
    what = databases.public(options.data or 'memory (nothing is kept)')
    by = f' by {options.workers} workers' if options.workers > 1 else ''
    print(demo.announce(url) if options.demo else
          serving(f'{found.path} of {what}{by}', url))
    if found.made:
        print(f'made {found.made}')
    elif found.is_new and options.data:
        print(f'made the set {found.path}')
    sys.stdout.flush()


def url_of(host: str, port: int) -> str:
    where = f'[{host}]' if ':' in host else host
    return f'http://{where}:{port}'


def serving(what: str, url: str) -> str:
    return f'serving {what} at {url}\nexplore it at {url}/explore'


def listen(options: argparse.Namespace) -> socket.socket:
    get = sockets.reserve if options.workers > 1 else sockets.listen
    port = PORT if options.port is None else options.port
    try:
        return get(options.host, port)
    except OSError as error:
        if (options.port is None and getattr(options, 'demo', False)
                and error.errno == errno.EADDRINUSE):
            return get(options.host, 0)
        raise Failure(f'can not listen on {options.host}, port {port}: '
                      f'{error.strerror}') from error


def prepare(
        db: Any, path: str | None,
        fill: Callable[[GenerationalSet], None] | None = None,
) -> tuple[list[str], bool]:
    """Return the path of the set, and whether it was made now.

    Other processes may prepare the same database.

    fill
        Called with the set, in a transaction.
    """
    return repeated(lambda: _prepare(db, path, fill), TransientError)


def _prepare(
        db: Any, path: str | None,
        fill: Callable[[GenerationalSet], None] | None,
) -> tuple[list[str], bool]:
    manager = transaction.TransactionManager()
    connection = db.open(manager)
    try:
        root = connection.root()
        names = [str(name) for name, ob in root.items()
                 if IServed.providedBy(ob)]
        if path is None and len(names) > 1:
            raise Failure('expected --set, one of ' + ', '.join(names))
        if path is None:
            path = names[0] if names else NEW_SET
        steps = path.split('/')
        is_new = len(steps) == 1 and path not in root
        if is_new:
            root[path] = GenerationalSet()
            manager.commit()
        gset = find(root, steps)
        if not IServed.providedBy(gset):
            raise Failure(f'expected a generational set at {path}, got '
                          f'{gset!r}')
        if fill is not None:
            fill(gset)
            manager.commit()
        return steps, is_new
    finally:
        manager.abort()
        connection.close()


def find(root: Any, steps: list[str]) -> Any:
    """Return the object at a path of keys and attributes."""
    for step in steps:
        try:
            root = root[step]
        except POSError:
            raise  # unreadable doesn't mean missing
        except (LookupError, TypeError):
            root = getattr(root, step, None)
    return root


def _user(request: Request) -> str:
    return str(request.scope['user'])


def may_write(request: Request, options: argparse.Namespace) -> bool:
    if options.read_only:
        raise PermissionError('this server is for reading only')
    # Without users, everybody on this machine may write.
    return getattr(request.scope.get('user'), 'may_write', True)


def make_application(
        source: Any, tokens: Tokens, options: argparse.Namespace,
        routes: Sequence[BaseRoute] = (),
        find: Callable[[Any], Any] | None = None,
        *, name: Callable[[Request], str] | None = None) -> Starlette:
    from zc.generationalset.server import Limits, application, folder

    app = application(
        source, find, name=name,
        authenticate=tokens.authenticate if tokens else None,
        write=lambda request: may_write(request, options),
        limits=Limits(streams=options.streams),
        origins=tuple(options.origin), routes=routes)
    if options.pages is not None:
        folder.add(app, options.pages)
    return app
