"""Answers 204 to each webhook; prints how many, whenever it is asked.

It is asked by a line in the standard input.
"""

import asyncio
import sys
from contextlib import suppress

from benchmarks.lib.connection import HOST

COUNTS = [0]


async def answer(reader, writer):
    # A pusher that is stopped leaves connections without a request.
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await take(reader, writer)
    writer.close()


async def take(reader, writer):
    head = await reader.readuntil(b'\r\n\r\n')
    size = int(head.lower().split(b'content-length:')[1].split()[0])
    await reader.readexactly(size)
    COUNTS[0] += 1
    writer.write(b'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    await writer.drain()


async def main():
    server = await asyncio.start_server(answer, HOST, 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(COUNTS[0], flush=True)


asyncio.run(main())
