"""HTTP for clients: takes their steps, with httpx."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing, contextmanager
from socket import SHUT_RDWR, socket
from typing import Any, Protocol, TypeVar, cast
from weakref import WeakSet

import anyio
import httpx

from zc.generationalset.client.errors import Closed, Lost, Silence, Unavailable
from zc.generationalset.client.replies import (
    CHANGED,
    PROBLEM_SIZE,
    Body,
    Reply,
)
from zc.generationalset.client.steps import (
    Course,
    Read,
    Request,
    Step,
    Steps,
    Wait,
)

CONNECT = 10.0  # seconds
#: Events of httpcore that say that there is a connection.
_CONNECTED = {
    f'{kind}.{event}.complete' for kind in ('connection', 'proxy', 'socks')
    for event in ('connect_tcp', 'connect_unix_socket', 'start_tls')}

T = TypeVar('T')
C = TypeVar('C', httpx.Client, httpx.AsyncClient)


class Network:
    """Connections for threads that block; ``close`` wakes the threads.

    After a fork, the child makes connections of its own.  It leaves inherited
    connections open, because closing them could disturb the parent.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        #: Connections of the parent process.
        self._inherited: list[httpx.Client] = []
        self._begin()

    def _begin(self) -> None:
        self.http = self.streams = httpx.Client(**self._options)
        if self._options.get('http2'):
            self.streams = httpx.Client(**_without_http2(self._options))
            self.streams.cookies = self.http.cookies.jar
        self.closed = threading.Event()
        self._sockets: WeakSet[socket] = WeakSet()
        #: Those that have a stream.  Threads add to it while another one
        #: makes a list of it, which a WeakSet wouldn't survive.
        self.listening: set[Line] = set()
        self._lock = threading.Lock()  # held while connections are added
        self.process = os.getpid()

    def check_process(self) -> None:
        """Begin anew if this process is a child of a fork."""
        if self.process != os.getpid():
            self._inherited += self.http, self.streams
            was_closed = self.closed.is_set()
            self._begin()
            if was_closed:
                self.closed.set()

    def line(self) -> Line:
        return Line(self)

    def run(self, steps: Steps[T]) -> T:
        """Take all steps; return their result."""
        course = Course(steps)
        with closing(course), closing(self.line()) as line:
            for step in course:
                line.take(step, course)
        return course.result

    def wait(self, seconds: float) -> None:
        self.closed.wait(seconds)

    def close(self) -> None:
        self.check_process()
        self.closed.set()
        with self._lock:
            for connection in self._sockets:
                _shut(connection)
        self.http.close()
        self.streams.close()

    def end_streams(self) -> None:
        """Make threads that wait for a stream see its end."""
        for line in list(self.listening):
            line.end_stream()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep a connection, for ``close``."""
        if event in _CONNECTED:
            connection = info['return_value'].get_extra_info('socket')
            with self._lock:
                self._sockets.add(connection)
            if self.closed.is_set():
                _shut(connection)


class Line:
    """Takes steps, blocking; has at most one stream."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._process = network.process
        self._stream: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def take(self, step: Step, course: Course[Any]) -> None:
        if self._network.closed.is_set():
            raise Closed('the client is closed')
        try:
            course.answer(self._take(step))
        except Exception as error:
            if self._network.closed.is_set():
                raise Closed('the client was closed') from error
            if not isinstance(error, Unavailable):
                raise
            course.fail(error)

    def _take(self, step: Step) -> Reply | bytes | None:
        with _mapped_errors():
            if isinstance(step, Request):
                return self._request(step)
            if isinstance(step, Read):
                self._check_process()
                return next(self._pieces, b'')
        self.close()
        self._network.wait(cast(Wait, step).seconds)
        return None

    def _check_process(self) -> None:
        """Leave a stream to the parent, if this is a child of a fork."""
        if self._process != os.getpid():
            self._network.check_process()
            self._process = self._network.process
            self._stream, self._pieces = None, iter(())

    def _request(self, step: Request) -> Reply:
        self._check_process()
        if step.stream:
            self.close()
        http = _used(self._network, step)
        response = http.send(http.build_request(
            **_arguments(step), extensions={'trace': self._network.trace},
        ), stream=True)
        if _is_stream(step, response):
            self._stream, self._pieces = response, response.iter_raw()
            self._network.listening.add(self)
            return Reply(
                response.status_code, response.headers, stream=True)
        with closing(response):
            body = _body(step, response)
            for piece in response.iter_raw():
                if not body.add(piece):
                    break
            return body.reply(response.status_code, response.headers)

    def end_stream(self) -> None:
        """End the stream, in any thread."""
        stream = self._stream
        if stream:
            _shut(stream.extensions['network_stream'].get_extra_info('socket'))

    def close(self) -> None:
        self._network.listening.discard(self)
        if self._stream:
            self._stream.close()
            self._stream = None


class AsyncNetwork:
    """Connections for tasks that await; ``close`` ends them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.http = httpx.AsyncClient(**options)
        self.streams = self.http
        if options.get('http2'):
            self.streams = httpx.AsyncClient(**_without_http2(options))
            self.streams.cookies = self.http.cookies.jar
        self.closed = False
        self.scopes: set[anyio.CancelScope] = set()
        #: Those of tasks that wait for a stream.
        self.reading: set[anyio.CancelScope] = set()

    def line(self) -> AsyncLine:
        return AsyncLine(self)

    async def wait(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def end_streams(self) -> None:
        """Make tasks that wait for a stream see its end."""
        for scope in self.reading:
            scope.cancel()

    async def close(self) -> None:
        self.closed = True
        for scope in self.scopes:
            scope.cancel()
        await self.http.aclose()
        await self.streams.aclose()


class AsyncLine:
    """Takes steps, awaiting; has at most one stream."""

    def __init__(self, network: AsyncNetwork) -> None:
        self._network = network
        self._stream: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes]

    async def take(self, step: Step, course: Course[Any]) -> None:
        if self._network.closed:
            raise Closed('the client is closed')
        with anyio.CancelScope() as scope:
            self._network.scopes.add(scope)
            if isinstance(step, Read):
                self._network.reading.add(scope)
            try:
                course.answer(await self._take(step))
            except Unavailable as error:
                course.fail(error)
            finally:
                self._network.scopes.discard(scope)
                self._network.reading.discard(scope)
        if self._network.closed:
            raise Closed('the client was closed')

    async def _take(self, step: Step) -> Reply | bytes | None:
        with _mapped_errors():
            if isinstance(step, Request):
                return await self._request(step)
            if isinstance(step, Read):
                return await anext(self._pieces, b'')
        await self.aclose()
        await self._network.wait(cast(Wait, step).seconds)
        return None

    async def _request(self, step: Request) -> Reply:
        if step.stream:
            await self.aclose()
        http = _used(self._network, step)
        response = await http.send(
            http.build_request(**_arguments(step)), stream=True)
        if _is_stream(step, response):
            self._stream, self._pieces = response, response.aiter_raw()
            return Reply(
                response.status_code, response.headers, stream=True)
        async with aclosing(response):
            body = _body(step, response)
            async for piece in response.aiter_raw():
                if not body.add(piece):
                    break
            return body.reply(response.status_code, response.headers)

    async def aclose(self) -> None:
        if self._stream:
            await self._stream.aclose()
            self._stream = None


class _Clients(Protocol[C]):
    """Clients of httpx: for requests, and for those that the server holds."""

    http: C
    streams: C


def _used(network: _Clients[C], step: Request) -> C:
    return network.streams if step.stream or step.held else network.http


def _without_http2(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options for requests that the server holds.

    In a connection of HTTP/2, the thread that waits for a stream reads the
    bytes of other responses, too.  So these would wait until the stream has
    more.
    """
    return {**options, 'http1': True, 'http2': False}


def _arguments(step: Request) -> dict[str, Any]:
    """Return a request as arguments for httpx."""
    return {
        'method': step.method, 'url': step.url, 'headers': step.headers,
        'content': step.content,
        'timeout': httpx.Timeout(step.silence, connect=CONNECT)}


def _is_stream(step: Request, response: httpx.Response) -> bool:
    reply = Reply(response.status_code, response.headers)
    return (step.stream and reply.status == 200
            and reply.media_type == 'text/event-stream')


def _body(step: Request, response: httpx.Response) -> Body:
    is_short = response.is_error and response.status_code != CHANGED
    return Body(response.headers, PROBLEM_SIZE if is_short else step.limit)


@contextmanager
def _mapped_errors() -> Iterator[None]:
    """Raise Unavailable instead of errors of the network."""
    try:
        yield
    except httpx.TransportError as error:
        request = error.request
        url = request.url.copy_with(query=None)
        text = f'{request.method} {url}: {type(error).__name__}: {error}'
        if isinstance(error, httpx.ReadTimeout):
            raise Silence(text) from error
        if isinstance(error, (
                httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
            raise Unavailable(text) from error
        raise Lost(text) from error


def _shut(connection: socket) -> None:
    """End a connection that a thread may be waiting for."""
    try:
        # The method of SSLSocket isn't safe in another thread.
        socket.shutdown(connection, SHUT_RDWR)
    except OSError:
        return  # the socket is closed already
