"""Listening sockets."""

from __future__ import annotations

import socket

#: Connections that may wait to be accepted.  After a restart, all clients come
#: back at once.
BACKLOG = 4096


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket whose connections notice dead peers.

    Raises OSError if the address can't be had.
    """
    return _noticing(socket.create_server(
        (host, port), family=_family(host), backlog=BACKLOG))


def share(host: str, port: int) -> socket.socket:
    """Return a socket that listens where other processes listen, too.

    The processes share the connections.  Raises OSError if the address can't
    be had.
    """
    return _noticing(socket.create_server(
        (host, port), family=_family(host), backlog=BACKLOG, reuse_port=True))


def _noticing(listening: socket.socket) -> socket.socket:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, 'TCP_USER_TIMEOUT'):
        listening.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
    return listening


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that reserves an address for processes that share it.

    The socket itself gets no connections.  Raises OSError if the address can't
    be had.
    """
    # Others that already share the address aren't ours.
    with socket.create_server((host, port), family=_family(host)) as free:
        port = free.getsockname()[1]
    reserved = socket.socket(_family(host))
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved


def _family(host: str) -> int:
    return socket.AF_INET6 if ':' in host else socket.AF_INET
