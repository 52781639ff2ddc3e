"""The command ``gset serve``."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import transaction
from ZODB.POSException import POSError

from zc.generationalset import GenerationalSet
from zc.generationalset.commands import (
    Failure,
    _databases,
    _logs,
    add_command,
    demo,
    number,
)
from zc.generationalset.commands._tokens import VARIABLE, Tokens
from zc.generationalset.extras import need
from zc.generationalset.interfaces import IServed
from zc.generationalset.process import sockets

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute

DESCRIPTION = '''\
Serve a generational set: answers, event streams, and writes of documents.

examples:
  gset serve --demo
      serves a board with cards and messages; open it in two windows
  gset serve --demo Board.fs
      keeps the board in a file, which is made if there is none
  gset serve
      serves an empty set at http://127.0.0.1:8080, kept in memory only
  gset serve Data.fs
      serves the only set in the root of a database; makes a file, and a set
      in it, if there is none
  gset serve Data.fs --pages site
      also serves site/index.html at /, and the other files of the folder
  gset serve zeo://localhost:8100 --set app/sets/users --token-file tokens
      serves root['app']['sets']['users'] of a database server, to those who
      have a token

  gset serve postgresql://gset@db.example/gset --workers 4
      serves a PostgreSQL database by four processes, of which each client gets
      one (needs zc.generationalset[postgresql])

A token file has a line for each user: the name, a space, and the token, and
after another space "read", if the user may only read.  Instead, the
environment variable GSET_TOKEN may have a single token; if there is a file,
GSET_TOKEN is ignored.  Without tokens, everybody on this machine may read and
write, and nobody else.

/openapi.json of the server describes its requests and responses; so does
docs/protocol.txt in the sources of this package.

A database has Python objects, which can run any code when they are loaded, so
serve only databases that you trust.
'''

#: The set that is made and served if there is none.
NEW_SET = 'things'
PORT = 8080


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'serve', 'serve a set over HTTP', DESCRIPTION)
    parser.add_argument(
        'data', metavar='DATA.fs|URI', nargs='?',
        help='a FileStorage, or a URI as zodburi understands it; in memory '
        'if left out')
    parser.add_argument(
        '--demo', action='store_true',
        help='serve a board that several people share, with its page: '
        "the set 'board', unless --set names one; if the default port is "
        'taken, use any other')
    parser.add_argument(
        '--set', metavar='NAME', dest='path',
        help='path of the set in the root, with slashes; by default the only '
        'set in the root')
    parser.add_argument(
        '--read-only', action='store_true',
        help='let nobody write over HTTP')
    parser.add_argument(
        '--pages', metavar='DIR',
        help='serve the files of a folder, too, to everybody: index.html at /')
    parser.add_argument(
        '--workers', type=number(1), default=1, metavar='N',
        help='the number of processes; they need a database that they can '
        'share: zeo://, postgresql:// or sqlite:// (default: %(default)s)')
    add_serving(parser)
    parser.set_defaults(run=serve)


def add_serving(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that serve."""
    parser.add_argument(
        '--host', default='127.0.0.1',
        help='the address to listen on (default: %(default)s)')
    parser.add_argument(
        '--port', type=number(0, 65535),
        help=f'0 for any that is free (default: {PORT})')
    parser.add_argument(
        '--token-file', metavar='FILE',
        help='the users: lines with a name and a token')
    parser.add_argument(
        '--streams', type=number(1), default=100, metavar='N',
        help='event streams and long polls that a user, or without users an '
        'address, may have open in a process (default: %(default)s)')
    parser.add_argument(
        '--log-format', choices=_logs.FORMATS, default='text',
        help='lines of text, or of JSON objects (default: %(default)s)')
    parser.add_argument(
        '--log-level', choices=_logs.LEVELS, default='warning',
        help='with info, a line for each request (default: %(default)s)')
    parser.add_argument(
        '--origin', metavar='URL', action='append', default=[],
        help='let web pages of this origin use the server; may be repeated')


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    need('server')
    from zc.generationalset.process.running import run

    _logs.configure(options.log_format, options.log_level)
    tokens = Tokens(options.token_file, os.environ.get(VARIABLE))
    check_access(options, tokens)
    check_pages(options)
    if options.workers > 1:
        from zc.generationalset.commands import _together
        return _together.serve(options, tokens)
    # Fails before a database is made, if the address can't be had.
    listen(options).close()
    with opened(options, tokens) as (app, found), tokens.kept_current():
        listening = listen(options)
        run(app, listening, lambda: announce(
            options, found, *listening.getsockname()[:2]))
    return 0


class Found(NamedTuple):
    """The set that is served."""

    path: str
    #: The file or directory that was made for it, if any.
    made: str | None
    is_new: bool


@contextmanager
def opened(
        options: argparse.Namespace, tokens: Tokens,
) -> Iterator[tuple[Starlette, Found]]:
    """Open the database; yield an application, and what it serves."""
    from zc.generationalset.server.jobs import CONNECTIONS

    if tokens:  # Data of users isn't for everybody on this machine.
        os.umask(0o077)
    made = _databases.to_be_made(options.data)
    if made and '/' in (options.path or ''):
        raise Failure(f'expected a set that is there, got {options.path} of '
                      f'{made}, which is not')
    with _databases.opened(options.data, pool_size=CONNECTIONS) as db:
        if options.demo:
            path, is_new = prepare(
                db, options.path or demo.NAME, demo.fill)
            routes = demo.routes()
        else:
            path, is_new = prepare(db, options.path)
            routes = []
        app = make_application(db, path, tokens, options, routes)
        if options.pages is not None:
            from zc.generationalset.server import folder
            folder.add(app, options.pages)
        yield (app, Found('/'.join(path), made, is_new))


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


def check_pages(options: argparse.Namespace) -> None:
    if options.pages is None:
        return
    if options.demo:
        raise Failure('expected --demo or --pages, got both')
    if not os.path.isdir(options.pages):
        raise Failure('expected --pages to be a folder, got '
                      f'{options.pages}')


def announce(
        options: argparse.Namespace, found: Found, host: str, port: int,
) -> None:
    """Say what is served, and where, in a line that ends with the address.

    Below, say what was made, because the user may have mistyped a name.
    """
    url = url_of(host, port)
    what = _databases.public(options.data or 'memory (nothing is kept)')
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


def is_loopback(host: str) -> bool:
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def prepare(
        db: Any, path: str | None,
        fill: Callable[[GenerationalSet], None] | None = None,
) -> tuple[list[str], bool]:
    """Return the path of the set, and whether it was made now.

    fill
        Called with the set, in a transaction.
    """
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


def may_write(request: Request, options: argparse.Namespace) -> bool:
    if options.read_only:
        raise PermissionError('this server is for reading only')
    # Without users, everybody on this machine may write.
    return getattr(request.scope.get('user'), 'may_write', True)


def make_application(
        db: Any, path: list[str], tokens: Tokens,
        options: argparse.Namespace, routes: Sequence[BaseRoute],
) -> Starlette:
    from zc.generationalset.server import Limits, application

    return application(
        db, lambda root: find(root, path),
        authenticate=tokens.authenticate if tokens else None,
        write=lambda request: may_write(request, options),
        limits=Limits(streams=options.streams),
        origins=tuple(options.origin), routes=routes)
