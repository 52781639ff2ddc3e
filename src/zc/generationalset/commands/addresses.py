"""Where servers of ``gset peer`` are, and contexts for TLS."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from zc.generationalset.commands import Failure
from zc.generationalset.commands.databases import public
from zc.generationalset.commands.serving import url_of
from zc.generationalset.loopback import is_loopback
from zc.generationalset.process import sockets

#: Seconds to wait for a server that doesn't answer.
PATIENCE = 30.0
_EXPECTED = 'tcp://HOST:PORT, tls://HOST:PORT, unix:PATH or http://HOST:PORT/'


class Address(NamedTuple):
    """An address.

    path
        That of a file for ``unix``, and of the URL for ``http``.
    """

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        if self.scheme == 'unix':
            return f'unix:{self.path}'
        where = url_of(self.host, self.port).removeprefix('http')
        return f'{self.scheme}{where}{self.path}'

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.scheme == 'unix' or is_loopback(self.host)


def parse(text: str) -> Address:
    """Return an address.  Raises Failure."""
    scheme, _, rest = text.partition(':')
    if scheme == 'unix' and rest:
        return Address('unix', '', 0, rest)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or '', parts.port
    except ValueError:
        host, port = '', None
    is_http = scheme == 'http'
    if not host or scheme not in ('tcp', 'tls', 'http') or (
            port is None or parts.query or '@' in parts.netloc
            or (parts.path not in ('', '/') and not is_http)):
        raise Failure(f'expected an address, {_EXPECTED}; got '
                      f'{public(text)}')
    return Address(scheme, host, port, parts.path or '/' if is_http else '')


@contextmanager
def listening(address: Address) -> Iterator[tuple[socket.socket, Address]]:
    """Listen; yield a socket, and where it is.  Raises Failure."""
    try:
        found = _listen(address)
    except OSError as error:
        raise Failure(f'can not listen at {address}: {error.strerror or error}'
                      ) from error
    try:
        with found:
            yield found, address if address.scheme == 'unix' else \
                address._replace(port=found.getsockname()[1])
    finally:
        if address.scheme == 'unix':
            with suppress(OSError):
                os.unlink(address.path)


def _listen(address: Address) -> socket.socket:
    """Raises OSError."""
    if address.scheme != 'unix':
        return sockets.listen(address.host, address.port)
    _remove_left(address.path)
    found = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)  # for its owner only
    try:
        found.bind(address.path)
        found.listen()
    except OSError:
        found.close()
        raise
    finally:
        os.umask(before)
    return found


def _remove_left(path: str) -> None:
    """Remove a socket at which nobody listens any more."""
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as trial:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            try:
                trial.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)


def connected(address: Address) -> socket.socket:
    """Return a socket that is connected with a server.  Raises Failure."""
    try:
        if address.scheme != 'unix':
            return socket.create_connection(
                (address.host, address.port), PATIENCE)
        found = socket.socket(socket.AF_UNIX)
        try:
            found.connect(address.path)
        except OSError:
            found.close()
            raise
        return found
    except OSError as error:
        raise Failure(f'can not connect to {address}: '
                      f'{error.strerror or error}') from error


def of_server(
        cert: str | None, key: str | None, ca: str | None) -> ssl.SSLContext:
    """Return the context of a server.  Raises Failure.

    ca
        A file with certificates of clients, or of who has signed them.
    """
    if cert is None:
        raise Failure('expected --cert with tls:')
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return _loaded(context, cert, key, ca)


def of_client(
        cert: str | None, key: str | None, ca: str | None) -> ssl.SSLContext:
    """Return the context of a client.  Raises Failure.

    ca
        A file with the certificates that are trusted; by default, those of the
        system are.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.load_default_certs()
    return _loaded(context, cert, key, ca)


def _loaded(
        context: ssl.SSLContext, cert: str | None, key: str | None,
        ca: str | None) -> ssl.SSLContext:
    path = ca
    try:
        if ca is not None:
            context.load_verify_locations(ca)
        path = f'{cert}, or its key'
        if cert is not None:
            context.load_cert_chain(cert, key)
    except OSError as error:
        raise Failure(f'can not read {path}: {error.strerror or error}'
                      ) from error
    return context
