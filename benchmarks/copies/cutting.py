"""A network that breaks."""

import asyncio
import threading
from contextlib import suppress

#: After how many bytes a connection breaks.
CUT = 1_000_000


class Cutting(threading.Thread):
    """Passes bytes between a client and servers, and breaks connections.

    A connection leads to the first server, the next one to the second, and so
    on by turns.
    """

    def __init__(self, *ports):
        super().__init__(daemon=True)
        self.connections = 0
        #: The bytes from each server.
        self.bytes = dict.fromkeys(ports, 0)
        self._ports = ports
        self._ready = threading.Event()
        self.start()
        self._ready.wait()

    def run(self):
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    def stop(self):
        self._loop.call_soon_threadsafe(self._task.cancel)
        self.join()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        server = await asyncio.start_server(self._pass, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _pass(self, reader, writer):
        port = self._ports[self.connections % len(self._ports)]
        self.connections += 1
        upstream, sending = await asyncio.open_connection('127.0.0.1', port)

        async def send():
            with suppress(OSError):
                while data := await reader.read(65536):
                    sending.write(data)
        task = asyncio.create_task(send())
        left = CUT
        with suppress(OSError, asyncio.CancelledError):
            while left > 0 and (data := await upstream.read(min(65536, left))):
                left -= len(data)
                self.bytes[port] += len(data)
                writer.write(data)
                await writer.drain()
        task.cancel()
        sending.close()
        writer.transport.abort()
