"""``gset peer``: what it does."""

from __future__ import annotations

import argparse
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

from zc.generationalset.client.tokens import read_token
from zc.generationalset.commands import (
    Failure,
    addresses,
    logs,
    tables,
    tokens,
)
from zc.generationalset.commands.addresses import Address
from zc.generationalset.commands.databases import public
from zc.generationalset.commands.terminal import progress
from zc.generationalset.extras import need
from zc.generationalset.loopback import is_loopback
from zc.generationalset.process.signals import stopped_by_signals
from zc.generationalset.sources import SourceError
from zc.generationalset.sql import SyncClient, SyncServer
from zc.generationalset.sql.peers import BadMessage, Cut, Rejected

if TYPE_CHECKING:
    from zc.generationalset.commands.views import Part
    from zc.generationalset.sql import View

#: Schemes of addresses whose connections have TLS.
_SECURE = 'tls', 'https'


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    logs.configure(options.log_format, options.log_level)
    address = addresses.parse(options.at)
    users = _users(options.token_file)
    context = _context(options, address.scheme, addresses.of_server)
    _check_access(address, users, context)
    if options.views is not None and not users:
        raise Failure('expected a --token-file with --views')
    parts = tables.served(options.tables, options.views)
    with addresses.listening(address) as (listening, where):
        tables.begin(options.database, parts, users.values())
        with _server(options, parts, users, context) as server:
            # Whoever reads this may stop the server at once.
            say = partial(
                print, f'keeping {", ".join(parts)} of '
                f'{public(options.database)} equal at {where}', flush=True)
            if where.scheme == 'http':
                _serve_http(server, listening, where, say)
            else:
                _serve(server, listening, say)
    return 0


def _serve(
        server: SyncServer, listening: socket, say: Callable[[], None],
) -> None:
    # A signal may come while this thread has the server's lock.
    closer = threading.Thread(target=server.close)
    with stopped_by_signals(closer.start):
        say()
        server.listen(listening)
        closer.join()


def _serve_http(
        server: SyncServer, listening: socket, where: Address,
        say: Callable[[], None]) -> None:
    from starlette.applications import Starlette

    from zc.generationalset.process.running import run

    run(Starlette(routes=[server.route(where.path)]), listening,
        started=say, stop=lambda: None)


def _users(path: str | None) -> Mapping[str, str]:
    """Return the names of users by their tokens.  Raises Failure."""
    token = os.environ.get(tokens.VARIABLE)
    users = tokens.from_file(path) if path \
        else tokens.only(token) if token else {}
    for user in users.values():
        if not user.may_write:
            raise Failure(f'{path}: expected users who may write, as a sync '
                          f'does; {user} may only read')
    return users


def _context(
        options: argparse.Namespace, scheme: str,
        make: Callable[..., ssl.SSLContext],
) -> ssl.SSLContext | None:
    given = options.cert, options.key, options.ca
    if scheme in _SECURE:
        return make(*given)
    if any(given):
        raise Failure('expected tls: with --cert, --key and --ca, got '
                      f'{scheme}:')
    return None


def _check_access(
        address: Address, users: Mapping[str, str],
        context: ssl.SSLContext | None) -> None:
    """Raise Failure for a server that everybody could write to."""
    if address.scheme == 'http':
        need('server')
        if not users:
            raise Failure('expected a --token-file with http:')
    elif address.is_local:
        return
    elif context is None:
        raise Failure(f'expected tls: to listen at {address}, as others than '
                      'this machine can reach it')
    elif not users and context.verify_mode != ssl.CERT_REQUIRED:
        raise Failure(
            f'expected a --token-file, or --ca with the certificates of '
            f'clients, to listen at {address}: without, it would be for '
            'everybody there')


@contextmanager
def _server(
        options: argparse.Namespace, parts: Mapping[str, Part],
        users: Mapping[str, str], context: ssl.SSLContext | None,
) -> Iterator[SyncServer]:
    """Yield a server; its errors become a Failure."""
    def views(user: str) -> list[View]:
        return [part.view(user) for part in parts.values()]

    named = list(parts) if options.views is None else views
    with tables.opened(options.database), closing(SyncServer(
            options.database, named, policy=options.policy, ssl=context,
            tokens=users or None)) as server:
        yield server


def sync(options: argparse.Namespace) -> int:
    """Make both sides equal.  Raises Failure."""
    scheme = options.server.partition(':')[0]
    is_http = scheme in ('http', 'https')
    if is_http:
        need('client')
    address = None if is_http else addresses.parse(options.server)
    context = _context(options, scheme, addresses.of_client)
    token = _token(options.token_file)
    tables.begin(options.database, tables.served(options.tables, None), ())
    name = public(options.database)
    with tables.opened(options.database), closing(SyncClient(
            options.database, options.tables, ssl=context,
            token=token)) as client, progress() as tell:
        try:
            report = client.sync(
                options.server if address is None
                else _connected(address, token), tell=tell,
                name=options.name or (address.host if address else None))
        except Rejected as error:
            raise Failure(f'{public(options.server)}: {error}', 1) from error
        except Cut as error:
            raise Failure(f'{public(options.server)}: {error}; the next sync '
                          'goes on') from error
        except (BadMessage, OSError) as error:
            raise Failure(f'{public(options.server)}: {error}') from error
        except (SourceError, ValueError) as error:
            raise Failure(str(error)) from error
    print(f'{name}: sent {report.sent:,}, received {report.received:,}, '
          f'conflicts {report.conflicts:,}')
    sys.stdout.flush()
    return 0


def _token(path: str | None) -> str:
    """Return the token for a server, or ''.  Raises Failure."""
    try:
        return read_token(path) or ''
    except (OSError, ValueError) as error:
        raise Failure(f'can not read the token: {error}') from error


def _connected(address: Address, token: str) -> socket:
    """Raises Failure, also if a token would leave the machine in the clear."""
    found = addresses.connected(address)
    if token and address.scheme == 'tcp' and not is_loopback(
            found.getpeername()[0]):
        found.close()
        raise Failure('expected tls: for a token that leaves the machine, got '
                      f'{address}')
    return found
