"""Servers and proxies that do what no server should."""

import contextlib
import socket
import struct
import threading
from itertools import chain
from typing import NamedTuple

from zc.generationalset.tests.support.serving import wait


class Request(NamedTuple):
    method: str
    target: str
    headers: dict
    body: bytes
    text: bytes  # the whole request, to be sent on

    @property
    def path(self):
        return self.target.partition('?')[0]


class Cut(Exception):
    """End the connection here."""


class Faulty:
    """An HTTP server; ``answer`` returns the pieces of each response.

    The pieces are sent as they come, status line and headers first.
    ``answer`` may raise Cut.  Each connection is closed after one response.
    """

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.stopping = threading.Event()
        self._open = set()
        self._listening = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self._listening.getsockname()[1]}'
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stopping.set()
        shut(self._listening)
        for thread in self._threads:
            wait(lambda thread=thread: self._has_ended(thread))
        self._listening.close()

    def _has_ended(self, thread):
        self.cut()  # also connections that were opened just now
        return not thread.is_alive()

    def cut(self):
        """End all connections."""
        for connection in list(self._open):
            shut(connection)

    def hang(self, request=None, pieces=()):
        """Send nothing until this server is stopped."""
        self.stopping.wait()
        raise Cut
        yield

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            self._open.add(connection)
            thread.start()

    def _serve(self, connection):
        with connection:
            try:
                request = receive(connection)
                self.requests.append(request)
                for piece in self.answer(request):
                    connection.sendall(piece)
                # Without this, what the other side still sends would cause a
                # reset.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except (Cut, OSError):
                reset(connection)
            finally:
                self._open.discard(connection)


def receive(connection):
    """Read a request."""
    text = b''
    while b'\r\n\r\n' not in text:
        piece = connection.recv(65536)
        if not piece:
            raise Cut
        text += piece
    head, _, body = text.partition(b'\r\n\r\n')
    first, *lines = head.decode().split('\r\n')
    headers = {}
    for line in lines:
        name, _, value = line.partition(':')
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get('content-length', 0)):
        body += connection.recv(65536)
    method, target, _ = first.split()
    head = '\r\n'.join(
        [first, *(line for line in lines
                  if not line.lower().startswith('connection:')),
         'Connection: close', '', '']).encode()
    return Request(method, target, headers, body, head + body)


def shut(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def reset(connection):
    """Break a connection so that the other side notices."""
    connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def response(status, body=b'', length=None, **headers):
    """Return a response with the length of its body, or a wrong length."""
    headers = {'content_type': 'application/json', **headers}
    if length is None:
        length = len(body)
    if length >= 0:
        headers['content_length'] = length
    lines = [f'HTTP/1.1 {status} X', 'Connection: close', *(
        f'{name.replace("_", "-")}: {value}'
        for name, value in headers.items()), '', '']
    return '\r\n'.join(lines).encode() + body


class Proxy(Faulty):
    """Passes requests on to a server, unless ``fault`` decides otherwise.

    ``fault`` is called with each request, and returns None or a function.
    That function is called with the request and the pieces of the response,
    and returns what to send instead.  The request is sent on when the first
    piece is asked for.
    """

    def __init__(self, url, fault=lambda request: None):
        host, _, port = url.removeprefix('http://').partition(':')
        self.address = host, int(port)
        self.fault = fault
        super().__init__(self._pass)

    def _pass(self, request):
        pieces = self.forward(request)
        fault = self.fault(request)
        return pieces if fault is None else fault(request, pieces)

    def forward(self, request):
        try:
            server = socket.create_connection(self.address)
        except OSError:
            raise Cut from None
        self._open.add(server)
        with server:
            try:
                server.sendall(request.text)
                while piece := server.recv(65536):
                    yield piece
            except OSError:
                raise Cut from None
            finally:
                self._open.discard(server)


# Faults

def refuse(request, pieces):
    """The request never arrives."""
    raise Cut
    yield


def lose(request, pieces):
    """The response never arrives."""
    b''.join(pieces)
    raise Cut
    yield


def cut_after(size):
    """The response ends early."""
    def cut(request, pieces):
        rest = size
        for piece in pieces:
            yield piece[:rest]
            rest -= len(piece)
            if rest <= 0:
                raise Cut
    return cut


def cut_body_after(size):
    """The response ends early, counted without the headers."""
    def cut(request, pieces):
        text = b''
        for piece in pieces:
            text += piece
            if b'\r\n\r\n' in text:
                break
        start = text.index(b'\r\n\r\n') + 4
        yield text[:start]
        yield from cut_after(size)(request, chain([text[start:]], pieces))
    return cut


def status(code, **headers):
    """The server, or a proxy before it, answers with an error."""
    def fail(request, pieces):
        yield response(code, b'<html>', content_type='text/html', **headers)
    return fail


def garble(request, pieces):
    """The response is a page of a hotel's network."""
    yield response(200, b'<html>Welcome!</html>', content_type='text/html')


class Cache:
    """Repeats the answers that it gave before, as long as it may.

    It does so whatever is asked, so all of them are to other questions.
    """

    def __init__(self):
        self.stored = []

    def store(self, request, pieces):
        whole = b''.join(pieces)
        self.stored.append(whole)
        yield whole

    def __call__(self, request):
        if request.path != '/updates' or 'wait=' in request.target:
            return None
        if self.stored and 'cache-control' not in request.headers:
            return lambda request, pieces: iter([self.stored[0]])
        return self.store
