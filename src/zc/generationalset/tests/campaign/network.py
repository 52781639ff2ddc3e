"""A network that fails, between any two programs that talk over TCP."""

import asyncio
import contextlib
import queue
import random
import threading

from anyio.from_thread import start_blocking_portal

from zc.generationalset.tests.support.faulty import reset

#: Seconds for which a connection is silent before it breaks.
SILENCE = 1.5
KINDS = 'cut', 'truncate', 'delay', 'drop', 'duplicate'
#: What is in each event that is pushed to an event stream.
EVENT = b'\nevent: updates\n'
#: Seconds within which an event should be pushed.
PATIENCE = 90


class Line:
    """Passes bytes on between a server and its clients, at its own address.

    ``strike`` makes a fault hit the next piece of some connection.  TCP never
    loses bytes and then goes on.  So if bytes are lost, or doubled on the way
    to the server, the connection breaks before there is an answer.

    address
        The address of the server: a host and a port, or the path of a socket.
    """

    def __init__(self, address, seed):
        self._server = address
        self._random = random.Random(seed)
        self._faults = queue.Queue()
        self._stops = queue.Queue()
        self._running = start_blocking_portal()
        self._portal = self._running.__enter__()
        self._listening = self._portal.call(
            asyncio.start_server, self._serve, '127.0.0.1', 0)
        self.address = self._listening.sockets[0].getsockname()

    def strike(self):
        """Wait until a fault has struck."""
        self._faults.put((self._random.choice(KINDS), self._random.random()))
        self._faults.join()

    @contextlib.contextmanager
    def unread(self):
        """Let a client have read half of an event, and nothing more."""
        struck, over = threading.Event(), asyncio.Event()
        self._stops.put((struck, over))
        try:
            if not struck.wait(PATIENCE):
                raise AssertionError('no event was pushed')
            yield
        finally:
            self._portal.call(over.set)

    def close(self):
        self._portal.call(self._listening.close)
        self._running.__exit__(None, None, None)

    async def _serve(self, *client):
        try:
            server = await self._connect()
        except OSError:
            client[1].transport.abort()
            return
        await Connection(
            self._faults, self._stops, client, server).run()

    async def _connect(self):
        if isinstance(self._server, str):
            return await asyncio.open_unix_connection(self._server)
        return await asyncio.open_connection(*self._server)


class Connection:
    """A client's connection, with the connection to the server."""

    def __init__(self, faults, stops, client, server):
        self._faults = faults
        self._stops = stops
        self._ends = client, server
        self._is_silent = self._is_doomed = False

    async def run(self):
        (from_client, to_client), (from_server, to_server) = self._ends
        await asyncio.gather(self._pass(from_client, to_server),
                             self._pass(from_server, to_client))

    async def _pass(self, reader, writer):
        try:
            while data := await reader.read(65536):
                if self._is_doomed:
                    raise ConnectionError
                if EVENT in data and not self._stops.empty():
                    data = await self._stop(data, writer)
                if not self._is_silent:
                    await self._send(data, writer)
            self._close()
        except OSError:
            self._break()

    async def _stop(self, data, writer):
        """Send half, read nothing for a while, and return the rest."""
        struck, over = self._stops.get_nowait()
        middle = len(data) // 2
        writer.write(data[:middle])
        struck.set()
        await over.wait()
        return data[middle:]

    async def _send(self, data, writer):
        try:
            kind, chance = self._faults.get_nowait()
        except queue.Empty:
            writer.write(data)
            await writer.drain()
            return
        try:
            await self._strike(kind, chance, data, writer)
        finally:
            self._faults.task_done()

    async def _strike(self, kind, chance, data, writer):
        part = data[:int(chance * len(data))]
        if kind == 'delay':
            await asyncio.sleep(chance / 2)
            writer.write(data)
        elif kind == 'duplicate':
            self._is_doomed = writer is self._ends[1][1]
            writer.write(data + data)
        else:
            writer.write(part)
            if kind == 'cut':
                self._break()
            elif kind == 'truncate':
                self._close()
            else:
                self._is_silent = True
                asyncio.get_running_loop().call_later(SILENCE, self._break)

    def _close(self):
        """End both connections in order."""
        for _, writer in self._ends:
            writer.close()

    def _break(self):
        for _, writer in self._ends:
            if not writer.transport.is_closing():
                reset(writer.get_extra_info('socket'))
                writer.transport.abort()
