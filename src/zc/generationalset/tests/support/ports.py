"""Ports of servers that can't find one themselves, or are started again."""

import contextlib
import socket
import sys


def free_port():
    """Return a port that nobody gets who asks for any port.

    Servers can listen on it, again and again, until this process ends.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(('127.0.0.1', 0))
    port = reserved.getsockname()[1]
    if sys.platform == 'linux':
        reserved.detach()  # it stays open
    else:
        reserved.close()  # other systems would keep the server away, too
    return port


def listens(port):
    """Tell whether a server listens on a port."""
    with contextlib.suppress(ConnectionRefusedError), \
            socket.create_connection(('127.0.0.1', port)):
        return True
    return False
