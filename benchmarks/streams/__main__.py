"""Event streams beside nchan, which is nginx's, in C.

    python -m benchmarks.streams --clients 5000 --rounds 5

A document of 200 bytes changes each second.  *us an event* is the server's
processor time for each event of each client; the other times are those from
the write to the event at half of the clients, at 99 % of them, and at the
last.  The servers take turns, each alone on a core.

*us to open* is the server's processor time to open a stream; *us to connect*
and *us to hear* are those of the program that plays the clients, to open a
stream and to read an event.

With ``--slow 100``, so many more clients never read.  The first columns are
then without them, the others with them.
"""

import argparse
import socket
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.lib.connection import HOST, Connection
from benchmarks.lib.processes import allow_many_connections
from benchmarks.lib.streams import (
    WARM,
    Audience,
    on_core,
    quantile,
    without_pauses,
)
from benchmarks.lib.table import framed
from benchmarks.streams.servers import SERVERS

#: Changes in a round.
BEATS = 5
#: The statuses of responses to writes.
WRITTEN = 200, 201, 202
#: Bytes and number of the documents that fill the buffers of slow clients.
LARGE, FILLING = 60_000, 100


@contextmanager
def slow_clients(server, count):
    """Connect clients that never read, and fill what is buffered for them."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.connect((HOST, server.port))
            each.sendall(server.stream())
        if sockets:
            time.sleep(1)
            with Connection(server.port) as connection:
                for number in range(FILLING):
                    connection.ask(
                        server.write(f'{number}', 'x' * LARGE), WRITTEN)
        yield
    finally:
        for each in sockets:
            each.close()


def measured(kind, clients, slow):
    """Return the figures of one server."""
    with tempfile.TemporaryDirectory() as directory:
        with on_core(0):
            server = kind(Path(directory))
        try:
            with on_core(1), slow_clients(server, slow):
                return streams(server, clients)
        finally:
            server.process.stop()


class _Taken:
    """The processor time that a server and this process take."""

    def __init__(self, process):
        self._process = process
        self._before = self._now()

    def times(self, count):
        """Return the microseconds of both since the last call, for each."""
        before, self._before = self._before, self._now()
        return [(now - then) / count * 1e6
                for now, then in zip(self._before, before, strict=True)]

    def _now(self):
        return self._process.processor(), time.process_time()


def streams(server, clients):
    """Open streams, and return their figures."""
    with Connection(server.port) as connection:
        # Something to send at once, so that it shows when a stream is open.
        connection.ask(server.write('opening'), WRITTEN)
    message = server.stream()
    memory = server.process.memory()
    taken = _Taken(server.process)
    start = time.perf_counter()
    with closing(Audience([server.port], message, clients)) as audience:
        opened = time.perf_counter() - start
        to_open, to_connect = taken.times(clients)
        memory = server.process.memory() - memory
        with without_pauses():
            delays, processor = audience.beats(
                server.port, lambda number, mark: server.write(mark), BEATS,
                server.process.processor)
            _, to_hear = taken.times(clients * (BEATS + WARM))
    delays.sort()
    return {
        'us an event': processor / len(delays) * 1e6,
        'KB a client': memory / clients / 1024,
        'median ms': median(delays) * 1e3,
        '99 %': quantile(delays, .99) * 1e3, 'last': delays[-1] * 1e3,
        'opened in s': opened, 'us to open': to_open,
        'us to connect': to_connect, 'us to hear': to_hear}


def table(title, results):
    """Return a table of medians, with ratios to the last server."""
    rows = {
        kind: {name: median([each[name] for each in rounds])
               for name in rounds[0]}
        for kind, rounds in results.items()}
    *_, last = rows.values()
    heading = [title]
    for name in last:
        heading += [name, 'ratio']
    return framed([heading, *(
        [kind, *(text for name, value in row.items() for text in (
            f'{value:.1f}', f'{value / last[name]:.2f}'))]
        for kind, row in rows.items())])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clients', type=int, default=1000)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--slow', type=int, default=0)
    options = parser.parse_args()
    allow_many_connections()
    kinds = []
    for kind in SERVERS:
        if missing := kind.missing():
            print(f'without {kind.title}: {missing} is missing')
        else:
            kinds.append(kind)
    counts = [0, options.slow] if options.slow else [0]
    results = {}
    for _ in range(options.rounds):
        for kind in kinds:
            for slow in counts:
                results.setdefault(slow, {}).setdefault(
                    kind.title, []).append(
                        measured(kind, options.clients, slow))
    for slow, by_kind in results.items():
        title = f'{options.clients:,} streams'
        if slow:
            title += f' beside {slow:,} that never read'
        print('\n'.join(table(title, by_kind)))


if __name__ == '__main__':
    main()
