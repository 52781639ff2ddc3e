"""What a change costs if few of all clients want it.

    python -m benchmarks.parts --clients 1000

Each client has a stream with two parts: its room, one of a hundred, and the
news, which all clients want.  The server's processor time for a change in one
room is compared with that for a change in the news.  Both take turns.
"""

import argparse
import json
import selectors
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from benchmarks.lib.connection import Connection, request
from benchmarks.lib.processes import (
    Failed,
    allow_many_connections,
    serving,
)
from benchmarks.lib.streams import CROWD, PATIENCE, Listener

ROOMS = 100
#: Changes of each kind in a round: a change in a room is short.
IN_ROOMS, IN_NEWS = 100, 2


class Clients:
    """Clients that wait for changes, in one thread."""

    def __init__(self, port, count, query):
        self._selector = selectors.DefaultSelector()
        self._listeners = []
        for number in range(count):
            parts = json.dumps([['news'], [f'room-{number % ROOMS}']])
            listener = Listener(port, request(
                'GET', f'/events?{query}&parts={quote(parts)}'))
            self._listeners.append(listener)
            self._selector.register(
                listener.socket, selectors.EVENT_READ, listener)
            if number % CROWD == CROWD - 1 or number == count - 1:
                self._until(lambda: all(
                    each.is_open for each in self._listeners), None)

    def close(self):
        for listener in self._listeners:
            listener.socket.close()
        self._selector.close()

    def wait(self, mark, count):
        """Wait until a mark has come to so many clients."""
        for listener in self._listeners:
            listener.arrival = None
        self._until(lambda: sum(
            listener.arrival is not None for listener in self._listeners
            ) == count, mark)

    def _until(self, is_enough, mark):
        end = time.monotonic() + PATIENCE
        while not is_enough():
            if time.monotonic() > end:
                raise Failed(f'not all clients heard in {PATIENCE} seconds')
            for key, _ in self._selector.select(0.1):
                key.data.hear(mark)


def measure(process, port, clients, paths, listening):
    """Return the seconds of the server's processor for each change."""
    before = process.processor()
    for number, path in enumerate(paths):
        mark = f'{time.monotonic_ns()}-{number}'
        with Connection(port) as connection:
            connection.ask(request('PUT', f'/items/{path}/item', mark))
        clients.wait(mark.encode(), listening)
    return (process.processor() - before) / len(paths)


def prepared(port):
    """Make the sets; return the query of a client that has everything."""
    names = ['news', *[f'room-{number}' for number in range(ROOMS)]]
    with Connection(port) as connection:
        connection.ask(request('POST', '/batch', {'changes': [
            {'op': 'set', 'path': [name]} for name in names]}))
        answer = connection.ask(request('GET', '/updates')).json()
    return f'generation={answer["generation"]}&epoch={answer["epoch"]}'


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clients', type=int, default=1000,
                        help='a multiple of 100')
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    allow_many_connections()
    with tempfile.TemporaryDirectory() as directory:
        server, port = serving(
            Path(directory), 'benchmarks.lib.served', 'data.fs')
        try:
            times = run(server, port, options)
        finally:
            server.stop()
    rooms, news = map(statistics.median, zip(*times, strict=True))
    print(f'{options.clients} clients, {options.rounds} rounds, medians:\n'
          f'a change in one room:  {rooms * 1000:8.2f} ms of the processor\n'
          f'a change in the news:  {news * 1000:8.2f} ms\n'
          f'ratio:                 {news / rooms:8.1f}')


def run(server, port, options):
    """Return pairs of times, one for each round."""
    clients = Clients(port, options.clients, prepared(port))
    rooms = [f'room-{number * 7 % ROOMS}' for number in range(IN_ROOMS)]
    try:
        pairs = [(
            measure(server, port, clients, rooms, options.clients // ROOMS),
            measure(server, port, clients, ['news'] * IN_NEWS,
                    options.clients))
            for _ in range(options.rounds + 1)]
    finally:
        clients.close()
    return pairs[1:]  # the first round warms up


if __name__ == '__main__':
    main()
