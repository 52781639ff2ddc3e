"""The front of a server: serves the pages, and counts bytes.

Each front has a port of its own.  So for a browser, each is another origin,
with nothing stored.
"""

import asyncio
import contextlib
import threading
import time
from pathlib import Path

from benchmarks.lib.connection import END, HOST

TYPES = {'.html': 'text/html', '.js': 'text/javascript'}
PREFIX = '/pages/'
#: Seconds without a byte after which nothing is under way any more.
QUIET = 1
PIECE = 65_536


class Front:
    """Passes requests and responses between browsers and a server unchanged.

    ``sent`` and ``received`` are bytes, from the browsers' view, without those
    of pages.
    """

    def __init__(self, loop, port, pages):
        self.sent = self.received = 0
        #: Whether the server can be reached; the pages always can.
        self.up = True
        self._port = port
        self._pages = pages
        self._loop = loop
        self._changed = time.monotonic()
        server = loop.call(asyncio.start_server(self._serve, HOST, 0))
        self.url = (f'http://{HOST}:{server.sockets[0].getsockname()[1]}'
                    f'{PREFIX}')

    def settled(self):
        """Wait until nothing is under way, return bytes sent and received."""
        while (rest := self._changed + QUIET - time.monotonic()) > 0:
            time.sleep(rest)
        return self.sent, self.received

    async def _serve(self, reader, writer):
        server = None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                path, request = await _read(reader)
                if path.startswith(PREFIX):
                    writer.write(self._page(path))
                    continue
                if not self.up:
                    break
                if server is None:
                    server = await self._connect(writer)
                self._count(sent=len(request))
                server.write(request)
        for each in filter(None, [writer, server]):
            each.close()

    async def _connect(self, writer):
        reader, server = await asyncio.open_connection(HOST, self._port)
        self._loop.start(self._pass_back(reader, writer))
        return server

    async def _pass_back(self, reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                self._count(received=len(piece))
                writer.write(piece)
                await writer.drain()
        writer.close()

    def _count(self, sent=0, received=0):
        self.sent += sent
        self.received += received
        self._changed = time.monotonic()

    def _page(self, path):
        name = path.removeprefix(PREFIX).partition('?')[0]
        body = self._pages.get(name)
        if body is None:
            return b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'
        head = '\r\n'.join([
            'HTTP/1.1 200 OK', f'Content-Type: {TYPES[Path(name).suffix]}',
            f'Content-Length: {len(body)}', 'Cache-Control: max-age=3600',
            '', ''])
        return head.encode() + body


async def _read(reader):
    """Return the path of the next request, and all of it."""
    head = await reader.readuntil(END)
    first, *lines = head.decode('latin-1').split('\r\n')
    length = next((int(line.partition(':')[2]) for line in lines
                   if line.lower().startswith('content-length:')), 0)
    return first.split(' ')[1], head + await reader.readexactly(length)


class Loop:
    """An event loop in a thread, for fronts."""

    def __enter__(self):
        self._started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run,
                                        args=[self._run()])
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *exception):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._tasks = set()
        self._started.set()
        await self._stopping.wait()

    def call(self, coroutine):
        """Run to the end, return the result."""
        return asyncio.run_coroutine_threadsafe(
            coroutine, self._loop).result()

    def start(self, coroutine):
        """Begin with it; to be called in the loop."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
