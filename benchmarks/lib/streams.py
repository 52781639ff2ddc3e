"""Many clients on event streams, and when a change arrives at each.

The clients only search for a mark in the input, so they cost little.  The
server has one core, and they have the other.
"""

import gc
import os
import selectors
import socket
import time
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from statistics import median

from benchmarks.lib.connection import HOST, Connection
from benchmarks.lib.dialects import This
from benchmarks.lib.documents import document, documents
from benchmarks.lib.processes import Failed
from benchmarks.lib.servers import load

#: Clients that connect at once, and seconds that they may wait.
CROWD, PATIENCE = 100, 30
#: Changes that warm up, before those that are counted.
WARM = 2
PIECE = 65536
#: An option of Linux that Python 3.11 has no name for.
IP_BIND_ADDRESS_NO_PORT = 24


class Listener:
    """A client: a socket, and what is known of it."""

    def __init__(self, port, message, address=HOST):
        self.socket = socket.socket()
        if address != HOST:
            # Else `bind` would look long for a port that nobody uses at all.
            self.socket.setsockopt(
                socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            self.socket.bind((address, 0))
        self.socket.connect((HOST, port))
        self.socket.sendall(message)
        self.socket.setblocking(False)
        self.is_open = False
        self.arrival = None
        self._tail = b''

    def hear(self, mark):
        """Read; tell whether the mark has just come."""
        data = self.socket.recv(PIECE)
        if not data:
            raise Failed('the server has closed a stream')
        if not self.is_open:
            if not data.startswith(b'HTTP/1.1 200'):
                raise Failed(f'no stream: {data[:500]!r}')
            self.is_open = True
        if mark is None or self.arrival is not None:
            return False
        data = self._tail + data
        if mark not in data:
            self._tail = data[-len(mark):]
            return False
        self._tail = b''
        self.arrival = time.perf_counter()
        return True


class Audience:
    """All clients of some servers, in one loop; they have one address."""

    def __init__(self, ports, message, count, address=HOST):
        self._selector = selectors.DefaultSelector()
        self._listeners = []
        turns = cycle(ports)
        while len(self._listeners) < count:
            crowd = [Listener(port, message, address) for port in islice(
                turns, min(CROWD, count - len(self._listeners)))]
            for listener in crowd:
                self._selector.register(
                    listener.socket, selectors.EVENT_READ, listener)
            self._listeners += crowd
            self._listen(lambda crowd=crowd: all(
                listener.is_open for listener in crowd), PATIENCE)

    def close(self):
        for listener in self._listeners:
            listener.socket.close()
        self._selector.close()

    def rest(self, until):
        """Read what comes until a time; nothing is expected."""
        self._listen(lambda: time.perf_counter() >= until, PATIENCE)

    def beat(self, write, mark):
        """Write; return the seconds from then to the arrival at each client.
        """
        for listener in self._listeners:
            listener.arrival = None
        start = time.perf_counter()
        write()
        missing = len(self._listeners)
        end = start + PATIENCE
        while missing:
            if time.perf_counter() > end:
                raise Failed(f'{missing} clients have not heard of a change '
                             f'in {PATIENCE} seconds')
            for key, _ in self._selector.select(0.1):
                missing -= key.data.hear(mark)
        return [listener.arrival - start for listener in self._listeners]

    def beats(self, port, message, count, processor):
        """Write once a second; return all delays, and their processor time.

        message
            Returns the request that writes, from the number of the beat and
            the mark for which clients search.
        processor
            Returns the seconds of a processor that were taken so far.
        """
        delays = []
        with socket.create_connection((HOST, port)) as writer:
            writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(-WARM, count):
                if number == 0:
                    delays.clear()
                    before = processor()
                mark = f'beat-{number:05}'
                tick = time.perf_counter() + 1
                write = partial(writer.sendall, message(number, mark))
                delays += self.beat(write, mark.encode())
                writer.recv(PIECE)
                self.rest(tick)
        return delays, processor() - before

    def _listen(self, is_enough, seconds):
        end = time.perf_counter() + seconds
        while not is_enough():
            if time.perf_counter() > end:
                raise Failed(f'streams did not open in {seconds} seconds')
            for key, _ in self._selector.select(0.02):
                key.data.hear(None)


def streams(source, count, beats, servers=None):
    """Return the figures of a number of clients.

    ``beats`` changes are made at the source, one a second.  The time of an
    arrival is counted from the moment the write is sent.  The clients listen
    to the source, or, in turns, to other servers that follow it.
    """
    client = source.dialect()
    with Connection(source.port) as connection:
        load(client, connection, documents(1000))
        token = _token(client, source.port)
        # Something to send at once, so that it shows when a stream is open.
        connection.ask(client.put('opening', document(0)))
    if servers:
        last = _token(client, source.port)
        while any(_token(client, server.port) != last for server in servers):
            time.sleep(0.05)
    servers = servers or [source]
    before = [server.process.memory() for server in servers]
    start = time.perf_counter()
    audience = Audience(
        [server.port for server in servers], client.stream(token), count)
    try:
        opened = time.perf_counter() - start
        memory = (sum(server.process.memory() for server in servers)
                  - sum(before)) / count
        with without_pauses():
            delays, seconds = audience.beats(
                source.port, lambda number, mark: client.put(
                    f'event-{number}', document(0, 0, mark)),
                beats, partial(processor, servers))
    finally:
        audience.close()
    delays.sort()
    return {'median': median(delays), 'most': quantile(delays, 0.99),
            'last': delays[-1], 'memory': memory, 'opened': opened,
            'processor': seconds / len(delays)}


def following(port):
    """Return the request for a stream of a client of ours that has all."""
    client = This()
    return client.stream(_token(client, port))


def _token(client, port):
    with Connection(port) as connection:
        return client.token(connection.ask(client.everything()))


def processor(servers):
    return sum(server.process.processor() for server in servers)


def quantile(ordered, share):
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@contextmanager
def without_pauses():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def on_core(number):
    """Let this process and its new children run on one core alone."""
    if not hasattr(os, 'sched_setaffinity') or os.cpu_count() < 2:
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
