"""A keep-alive HTTP client that costs as little as possible.

It is the same for all servers, and asks for no compression.
"""

import json
import socket
import time
from dataclasses import dataclass, field

HOST = '127.0.0.1'
#: Seconds without a byte, after which the client gives up.
PATIENCE = 600
PIECE = 262_144
END = b'\r\n\r\n'


def request(method, path, body=None, headers=()):
    """Return a request as bytes; a body is made JSON."""
    lines = [f'{method} {path} HTTP/1.1', f'Host: {HOST}', *headers]
    content = b''
    if body is not None:
        content = json.dumps(body, separators=(',', ':')).encode()
        lines.append('Content-Type: application/json')
    if body is not None or method in ('POST', 'PUT'):
        lines.append(f'Content-Length: {len(content)}')
    return '\r\n'.join(lines).encode() + END + content


@dataclass
class Response:
    """A response; times are seconds since the request was sent."""

    status: int
    headers: dict = field(repr=False)
    body: bytes = field(repr=False)
    #: To the first byte of the body; without one, to the end.
    first: float
    last: float

    def json(self):
        return json.loads(self.body)


class Connection:
    """A connection that is kept open."""

    def __init__(self, port):
        self._socket = socket.create_connection((HOST, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._socket.close()

    def ask(self, message, expected=(200, 201)):
        """Send a request, return its response; else raise ValueError."""
        start = time.perf_counter()
        self._socket.sendall(message)
        head, rest = self._head()
        status, headers = parse_head(head)
        first = None
        pieces = []
        if status != 304:
            for piece in self._body(headers, rest):
                if first is None and piece:
                    first = time.perf_counter()
                pieces.append(piece)
        last = time.perf_counter()
        body = b''.join(pieces)
        if status not in expected:
            raise ValueError(
                f'expected status {expected}, got {status} for '
                f'{message[:200]!r}: {body[:500]!r}')
        return Response(status, headers, body, (first or last) - start,
                        last - start)

    def _more(self):
        data = self._socket.recv(PIECE)
        if not data:
            raise ConnectionError('the server has closed the connection')
        return data

    def _head(self):
        data = self._more()
        while END not in data:
            data += self._more()
        head, _, rest = data.partition(END)
        return head, rest

    def _body(self, headers, rest):
        """Yield the body in pieces, as it comes."""
        if headers.get('transfer-encoding') == 'chunked':
            yield from self._chunks(rest)
            return
        missing = int(headers['content-length']) - len(rest)
        yield rest
        while missing > 0:
            piece = self._more()
            missing -= len(piece)
            yield piece

    def _chunks(self, data):
        while True:
            while b'\r\n' not in data:
                data += self._more()
            size, _, data = data.partition(b'\r\n')
            missing = int(size.partition(b';')[0], 16)
            if not missing:
                break
            while missing > len(data):
                yield data
                missing -= len(data)
                data = self._more()
            yield data[:missing]
            data = data[missing:]
            while len(data) < 2:
                data += self._more()
            data = data[2:]
        while not data.endswith(b'\r\n'):
            data += self._more()


def parse_head(head):
    """Return status, and headers by name in lower case."""
    status, *lines = head.decode('latin-1').split('\r\n')
    pairs = (line.partition(':') for line in lines)
    return (int(status.split(' ', 2)[1]),
            {name.lower(): value.strip() for name, _, value in pairs})
