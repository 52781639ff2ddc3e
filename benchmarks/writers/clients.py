"""Clients that write, or read, each as soon as it has its answer.

    python -m benchmarks.writers.clients PORT COUNT SECONDS write|read|PATH

With a path, such as /items/, those that write create documents there.  This
prints what they have measured, as JSON.
"""

import json
import os
import random
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial

from benchmarks.lib.connection import (
    END,
    HOST,
    Connection,
    parse_head,
    request,
)

#: Items that are written; bytes of each.
ITEMS, SIZE = 1000, 200
#: A reader is so many changes behind, at most.
BEHIND = 30
#: Seconds between the requests of a reader.
PAUSE = 0.01
#: Seconds that aren't counted.
WARM = 0.3


@dataclass
class Done:
    """What clients have measured."""

    #: Requests a second.
    rate: float = 0
    #: Seconds of each request.
    times: list = field(default_factory=list)
    #: How many were refused.
    refused: int = 0


class Writer:
    """A connection that changes items, or creates documents at a path."""

    def __init__(self, port, number, path):
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._random = random.Random(number)
        # Other processes create others.
        self._path = path and f'{path}{os.getpid()}-{number}-'
        self._count = 0
        self._data = b''

    def ask(self):
        self._count += 1
        text = f'{self._random.random():<{SIZE}}'
        if self._path:
            message = request(
                'PUT', f'{self._path}{self._count}', {'text': text})
        else:
            id = self._random.randrange(ITEMS)
            message = request('PUT', f'/items/{id}', text)
        self.socket.sendall(message)
        self.asked = time.perf_counter()

    def hear(self):
        """Return the status, when the response is there, else None."""
        self._data += self.socket.recv(65536)
        head, end, rest = self._data.partition(END)
        if not end:
            return None
        status, headers = parse_head(head)
        if len(rest) < int(headers['content-length']):
            return None
        self._data = b''
        return status


def write(port, count, seconds, path=None):
    """Write with some connections, for some seconds."""
    done = Done()
    with selectors.DefaultSelector() as selector:
        for number in range(count):
            writer = Writer(port, number, path)
            selector.register(writer.socket, selectors.EVENT_READ, writer)
            writer.ask()
        begin = time.perf_counter() + WARM
        while (now := time.perf_counter()) < begin + seconds:
            for key, _ in selector.select(1):
                writer = key.data
                status = writer.hear()
                if status is None:
                    continue
                if writer.asked > begin:
                    done.times.append(time.perf_counter() - writer.asked)
                    done.refused += status not in (200, 201)
                writer.ask()
        done.rate = len(done.times) / (now - begin)
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return done


def read(port, count, seconds):
    """Ask what has changed since a little while ago, now and then."""
    done = Done()
    connections = [Connection(port) for _ in range(count)]
    chance = random.Random(1)
    answer = connections[0].ask(request('GET', '/updates')).json()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for connection in connections:
            since = answer['generation'] - chance.randrange(1, BEHIND)
            response = connection.ask(request(
                'GET', f'/updates?generation={since}&epoch={answer["epoch"]}'))
            done.times.append(response.last)
            answer = response.json()
            time.sleep(PAUSE)
    done.rate = len(done.times) / seconds
    return done


def main():
    port, count, seconds, how = sys.argv[1:]
    clients = {'write': write, 'read': read}.get(
        how, partial(write, path=how))
    print(json.dumps(asdict(clients(int(port), int(count), float(seconds)))))


if __name__ == '__main__':
    main()
