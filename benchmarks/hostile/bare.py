"""A server that reads nothing, and answers everything in the same way.

    python -m benchmarks.hostile.bare PORT

No server on this event loop can do less for a connection.
"""

import asyncio
import sys

import uvloop

ANSWER = b'HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n'


class Bare(asyncio.Protocol):

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._transport.write(ANSWER)
        self._transport.close()


async def serve(port):
    server = await asyncio.get_running_loop().create_server(
        Bare, '127.0.0.1', port, backlog=4096)
    print('ready', flush=True)
    await server.serve_forever()


if __name__ == '__main__':
    uvloop.run(serve(int(sys.argv[1])))
