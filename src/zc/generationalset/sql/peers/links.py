"""Sockets and files as links: frames, with limits of size and time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO

from zc.generationalset.loopback import is_loopback
from zc.generationalset.sql.peers.beats import Beats
from zc.generationalset.sql.peers.errors import BadMessage, Cut
from zc.generationalset.sql.peers.frames import FRAME, GREETING, HEAD

#: Seconds to wait for the other side while it is silent.
PATIENCE = 600.0
#: Seconds to wait while it tells nothing but that it is still working.
LONGEST = 86_400.0
#: Seconds within which a client has greeted.
GREETED = 10.0

#: A frame without bytes, which tells that a side is still working.
WORKING = bytes(HEAD)

#: The type of frames as the bodies of requests and responses of HTTP.
TYPE = 'application/vnd.zc.generationalset.sync'

#: Bytes that are read at a time.
_BLOCK = 2 ** 18


class SocketLink:
    """A connected socket.

    The first frame must come soon, and be small, as nobody knows its sender.
    After that, the other side is told every few seconds that this one is still
    working, until the end of the context.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._most = GREETING
        self._deadline: float | None = None
        # Two threads that use TLS at once break it.
        self._turn = threading.Lock()
        self._beats = Beats(self._beat, self._turn)
        connected.settimeout(PATIENCE)

    def __enter__(self) -> SocketLink:
        return self

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        if not self._turn.acquire(blocking=False):
            self._shut()  # a beat may wait for a side that doesn't read
        self._beats.stop()

    def expect_greeting(self) -> None:
        """Wait a limited time in all for the first frame."""
        self._deadline = time.monotonic() + GREETED

    def send(self, frame: bytes) -> None:
        data = packed(frame)
        with self._turn:
            self._send(data)
        self._beats.start()

    def receive(self) -> bytes:
        with self._turn:
            frame = awaited(self._exactly, self._most)
            self._most, self._deadline = FRAME, None
            self._socket.settimeout(PATIENCE)
        self._beats.start()
        return frame

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _cut(error) from error

    def _beat(self) -> None:
        try:
            self._socket.sendall(WORKING)
        except OSError:
            self._shut()  # half a frame may be sent
            raise

    def _shut(self) -> None:
        with suppress(OSError):
            # The method of SSLSocket would go on in the clear.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            if self._deadline is not None:
                self._socket.settimeout(
                    max(0.001, self._deadline - time.monotonic()))
            try:
                part = self._socket.recv(min(size, _BLOCK))
            except OSError as error:
                raise _cut(error) from error
            if not part:
                raise Cut('the connection ended too early')
            parts.append(part)
            size -= len(part)
        return b''.join(parts)


class FileLink:
    """Frames that have come in a file; others are written to a second one."""

    def __init__(self, came: IO[bytes], sent: IO[bytes]) -> None:
        self._came = came
        self._sent = sent

    def send(self, frame: bytes) -> None:
        self._sent.write(packed(frame))

    def receive(self) -> bytes:
        return unpacked(self._exactly)

    def _exactly(self, size: int) -> bytes:
        data = self._came.read(size)
        if len(data) < size:
            raise Cut('the file ends too early')
        return data


def packed(frame: bytes) -> bytes:
    """Return a frame after its length.  Raises BadMessage if it is too long.
    """
    if len(frame) > FRAME:
        raise BadMessage(f'expected rows of less than {FRAME} bytes, got '
                         f'{len(frame)}')
    return len(frame).to_bytes(HEAD, 'big') + frame


def awaited(exactly: Callable[[int], bytes], most: int = FRAME) -> bytes:
    """Return the next frame, after any that tell that a side is still working.

    Raises BadMessage if it is too long, and Cut if it doesn't come in a day.

    exactly
        Returns so many bytes.
    """
    until = time.monotonic() + LONGEST
    while not (frame := unpacked(exactly, most)):
        if time.monotonic() > until:
            raise Cut(f'the other side has told for {LONGEST:.0f} seconds '
                      'only that it is working')
    return frame


def unpacked(exactly: Callable[[int], bytes], most: int = FRAME) -> bytes:
    """Return the next frame.  Raises BadMessage if it is too long.

    exactly
        Returns so many bytes.
    """
    size = int.from_bytes(exactly(HEAD), 'big')
    if size > most:
        raise BadMessage(f'expected a frame of at most {most} bytes, got one '
                         f'of {size}')
    return exactly(size)


def _cut(error: OSError) -> Cut:
    return Cut(f'the connection ended too early: {error}')


def check_plain(given: socket.socket) -> None:
    """Raise TypeError for a socket that has TLS already."""
    if isinstance(given, ssl.SSLSocket):
        raise TypeError('expected a plain socket, and the context as ssl=, '
                        'got an SSLSocket')


def is_local(address: object) -> bool:
    """Tell whether an address of a socket is on this machine.

    >>> is_local(('127.0.0.1', 80)), is_local(('0.0.0.0', 80)), is_local('/s')
    (True, False, True)
    """
    if not isinstance(address, tuple):
        return True  # a socket of Unix, whose file has permissions
    return is_loopback(str(address[0]))
