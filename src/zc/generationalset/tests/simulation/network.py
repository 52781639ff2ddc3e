"""The network between clients and servers, with its faults."""

import asyncio
import random
from collections import deque
from urllib.parse import unquote

import httpx

from zc.generationalset.server.requests import HAND_OVER
from zc.generationalset.tests.simulation.caches import Caches

#: The most pieces of a response on the way; then the sender has to wait.
ON_THE_WAY = 4
#: Seconds between the heartbeats of streams.
HEARTBEAT = 60.0
#: Seconds that a stream lasts, on average.
STREAM = 1800.0


class Network:
    """Carries requests to hosts, as well as the weather allows."""

    def __init__(self, loop, rnd, report):
        self.loop = loop
        self.rnd = rnd
        self.report = report
        self.hosts = {}
        self.caches = Caches(random.Random(rnd.random()), report)
        #: The probability of each fault of a request.
        self.badness = 0.0
        #: Pairs of a host's name and a group of clients that can't reach it.
        self.partitions = []
        #: Whether writes are held back, and don't arrive.
        self.held = False

    def fault(self, *which):
        """Return a fault, or None."""
        for name in which:
            if self.rnd.random() < self.badness:
                self.report.faults[name] += 1
                return name
        return None

    def is_parted(self, host, who):
        return any(host == name and who.group in groups
                   for name, groups in self.partitions)

    def part(self, name, groups):
        """Separate a host from groups of clients; streams fall silent.

        Return the pairs in ``partitions``, to be removed later.
        """
        partition = name, groups
        self.partitions.append(partition)
        for exchange in list(self.hosts[name].exchanges):
            if self.is_parted(name, exchange.who):
                exchange.mute()
        return partition

    async def delay(self):
        await asyncio.sleep(
            self.rnd.expovariate(50 if self.rnd.random() < .95 else 1))

    async def begin(self, transport, request, body, write):
        """Return the exchange that a request begins; it may have a write."""
        host = self.hosts[request.url.host]
        if self.held and request.method != 'GET':
            raise httpx.ConnectError('held')
        if self.is_parted(host.name, transport.who):
            await asyncio.sleep(request.extensions['timeout']['connect'])
            raise httpx.ConnectTimeout('parted')
        if not host.is_up:
            raise httpx.ConnectError('refused')
        return Exchange(host, transport.who, request, body, write)

    async def repeat(self, transport, request, body, write):
        """Let a copy of a request arrive later."""
        await asyncio.sleep(self.rnd.expovariate(.05))
        try:
            exchange = await self.begin(transport, request, body, write)
            exchange.leave()
        except httpx.TransportError:
            pass
        finally:
            if write is not None:
                write.drop_copy()


class Transport(httpx.AsyncBaseTransport):
    """The connections of one client.

    who
        The client; has a ``group``, a small number.
    """

    def __init__(self, network, who):
        self._network = network
        self.who = who
        #: The current write, whose copies are counted.
        self.write = None

    async def handle_async_request(self, request):
        network = self._network
        network.report.count('requests')
        await network.delay()
        kept = network.caches.answer(request, network.badness)
        if kept is not None:
            return kept
        name = network.fault(
            'refused', 'busy', 'request lost', 'request late',
            'request repeated', 'response lost', 'response cut')
        if name == 'refused':
            raise httpx.ConnectError('refused')
        if name == 'busy':
            return httpx.Response(503, headers={'retry-after': '2'},
                                  stream=httpx.ByteStream(b''))
        body = await request.aread()
        write = self.write if request.method != 'GET' else None
        if name in ('request late', 'request repeated'):
            self._repeat(request, body, write)
        if name in ('request late', 'request lost'):
            await self._fail(request)
        exchange = await network.begin(self, request, body, write)
        if name == 'response lost':
            exchange.leave()
            await self._fail(request)
        status, headers = await exchange.head()
        length = None
        if exchange.is_stream:
            network.loop.call_later(
                network.rnd.expovariate(1 / STREAM),
                network.rnd.choice([exchange.cut, exchange.mute]))
        elif name == 'response cut':
            length = network.rnd.randrange(
                1 + int(dict(headers).get(b'content-length', 20000)))
        keep = network.caches.keeper(request, status, headers)
        return httpx.Response(
            status, headers=headers, stream=Body(exchange, length, keep))

    def _repeat(self, request, body, write):
        if write is not None:
            write.copies += 1
        self._network.loop.create_task(
            self._network.repeat(self, request, body, write))

    async def _fail(self, request):
        """Tell the client at once, or let it wait in vain."""
        if self._network.rnd.random() < .5:
            raise httpx.ReadError('reset')
        await asyncio.sleep(request.extensions['timeout']['read'])
        raise httpx.ReadTimeout('silence')


class Exchange:
    """A request and its response.

    Streams of hosts that can do it go on without ASGI: see ``Outlet``.
    """

    is_direct = True

    def __init__(self, host, who, request, body, write):
        self.host = host
        self.who = who
        self._request = request
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._timeout = request.extensions['timeout']['read']
        self._head = None
        self._pieces = deque()
        self._reader = None
        self._left = asyncio.Event()
        self._room = asyncio.Event()
        self._error = None
        self._ended = self._muted = False
        self._stream = None
        self._reading = asyncio.Event()
        self._reading.set()
        #: Whether the client reads only half of the next piece.
        self._stops = False
        host.exchanges[self] = None
        self.writes = request.method != 'GET'
        self.task = self._loop.create_task(self._run())
        self.task.add_done_callback(self._done)
        if write is not None:
            write.copies += 1
            self.task.add_done_callback(lambda task: write.drop_copy())

    # The server's side

    async def _run(self):
        try:
            await self.host.app(self._scope(), self._receive, self._send)
        except asyncio.CancelledError:
            self.cut()
        except Exception as error:
            self.cut()
            self.host.report.error(f'{self._request.url}: {error!r}')

    def _done(self, task):
        if task.cancelled():  # before it began
            self.cut()
        if self._stream is None:
            self.end()

    def _hand_over(self, stream, ended):
        self._stream = stream
        stream.begin(self, ended)
        return True

    def write(self, piece):
        self._pieces.append(piece.body)
        self._wake()
        if len(self._pieces) > ON_THE_WAY:
            self._stream.pause()

    def end(self):
        self.host.exchanges.pop(self, None)
        self._ended = True
        self._wake()

    def _scope(self):
        url = self._request.url
        path, _, query = url.raw_path.partition(b'?')
        return {
            'type': 'http', 'asgi': {'version': '3.0'}, 'http_version': '1.1',
            'method': self._request.method, 'scheme': 'http',
            'path': unquote(path.decode()), 'raw_path': path,
            'query_string': query, 'root_path': '',
            'headers': [(name.lower(), value) for name, value
                        in self._request.headers.raw],
            'client': (self.who.name, 1), 'server': (url.host, 80),
            'extensions': {HAND_OVER: {'call': self._hand_over}}
                          if self.host.hands_over else {}}

    async def _receive(self):
        if self._body is None:
            await self._left.wait()
            return {'type': 'http.disconnect'}
        body, self._body = self._body, None
        return {'type': 'http.request', 'body': body, 'more_body': False}

    async def _send(self, message):
        if message['type'] == 'http.response.start':
            self._head = message['status'], message['headers']
        elif message.get('body'):
            self._pieces.append(message['body'])
        self._wake()
        while len(self._pieces) > ON_THE_WAY and not self._left.is_set():
            self._room.clear()
            await self._room.wait()

    # The client's side

    @property
    def is_stream(self):
        return (b'content-type', b'text/event-stream') in [
            (name, value.partition(b';')[0]) for name, value in self._head[1]]

    async def head(self):
        while self._head is None:
            await self._wait()
        return self._head

    async def piece(self):
        """Return the next piece, or a part of it; b'' at the end."""
        await self._reading.wait()
        while not self._pieces or self._muted:
            if self._ended and self._error is None and not self._muted:
                return b''
            await self._wait()
        if self._stops:
            return self._half()
        self._room.set()
        if self._stream is not None and len(self._pieces) == ON_THE_WAY + 1:
            self._stream.resume()
        return self._pieces.popleft()

    def _half(self):
        self._stops = False
        self._reading.clear()
        piece = self._pieces[0]
        middle = len(piece) // 2
        self._pieces[0] = piece[middle:]
        return piece[:middle]

    async def _wait(self):
        if self._error and not self._muted:
            raise httpx.ReadError(self._error)
        self._reader = self._loop.create_future()
        timer = self._loop.call_later(self._timeout, self._time_out)
        try:
            await self._reader
        finally:
            timer.cancel()
            self._reader = None

    def _wake(self):
        if self._reader and not self._reader.done() and not self._muted:
            self._reader.set_result(None)

    def _time_out(self):
        if self._reader and not self._reader.done():
            self._reader.set_exception(httpx.ReadTimeout('silence'))

    def leave(self):
        """Let the server know that nobody listens any more."""
        self._left.set()
        self._room.set()
        if self._stream is not None:
            self._stream.leave()
            self.host.exchanges.pop(self, None)

    # Faults

    @property
    def is_shared(self):
        """Whether this is a stream that may share what is sent."""
        return self._stream is not None

    def stop_reading(self):
        """Let the client read half of the next piece, and then nothing."""
        self._stops = True

    def go_on(self):
        self._stops = False
        self._reading.set()

    def cut(self):
        if not self._ended:
            self._error = 'reset'
            self._pieces.clear()
            self.leave()
            self._wake()

    def mute(self):
        """Let nothing arrive any more, and nobody notice."""
        self._muted = True


class Body(httpx.AsyncByteStream):
    """The body of a response; it may be cut after some bytes.

    keep
        Called with the body, if it isn't cut; or None.
    """

    def __init__(self, exchange, length, keep):
        self._exchange = exchange
        self._length = length
        self._keep = keep

    async def __aiter__(self):
        size = 0
        pieces = []
        while piece := await self._exchange.piece():
            size += len(piece)
            if self._length is not None and size > self._length:
                yield piece[:self._length - size]
                raise httpx.RemoteProtocolError('cut')
            if self._keep:
                pieces.append(piece)
            yield piece
        if self._keep:
            self._keep(b''.join(pieces))

    async def aclose(self):
        self._exchange.leave()
