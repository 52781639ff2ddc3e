"""``gset serve`` of a tree, and clients that read and write at random."""

import contextlib
import http.client
import random
import socket
import statistics
import sys
import threading
import time

from benchmarks.lib.connection import HOST, Connection, request
from benchmarks.lib.processes import Failed, Process, answers, free_port
from benchmarks.trees.tree import Session, value

CLIENTS = 12
#: How often the memory is told.
STEPS = 4
#: The share of writes; the others are reads of one item.
WRITES = .3
#: A write a second, while somebody has a stream.
BEATS = 10
#: Seconds until a stream that was told to ask is opened again.
REST = .2


class Served:

    def __init__(self, tree, directory):
        with Session(tree) as session:
            gset = session.at(())
            self._epoch, self._generation = gset.epoch, gset.generation
        self._tree = tree
        self._port = free_port()
        self._process = Process(
            [sys.executable, '-m', 'zc.generationalset', 'serve',
             str(tree.path), '--port', str(self._port)], directory)
        self.close = self._process.stop
        self.memory = self._process.memory
        self._failures = []
        self._process.wait_for(
            lambda: answers(self._port, request('GET', '/items/')))

    def use(self, requests):
        """Make requests; yield their number now and then."""
        each = requests // STEPS // CLIENTS
        for step in range(STEPS):
            threads = [threading.Thread(
                target=self._work, args=(step * CLIENTS + number, each))
                for number in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if self._failures:
                raise Failed(f'a client failed: {self._failures[0]}')
            yield (step + 1) * CLIENTS * each

    def _work(self, seed, count):
        chance = random.Random(seed)
        try:
            with Connection(self._port) as connection:
                for _ in range(count):
                    connection.ask(self._message(chance))
        except Exception as error:
            self._failures.append(error)

    def _message(self, chance):
        item = chance.randrange(self._tree.items)
        path = '/items/' + '/'.join(self._tree.place(item))
        if chance.random() < WRITES:
            return request('PUT', path, value(item, chance.random()))
        return request('GET', path)

    def _updates(self, behind):
        return request('GET', f'/updates?epoch={self._epoch}'
                       f'&generation={self._generation - behind}')

    def delays(self, behind):
        """Yield how long answers take, without and with a stream."""
        yield f'{behind:,} behind, a write a second', self._delay(behind)
        with stranger(self._port):
            seconds = self._delay(behind)
        yield f'{behind:,} behind, with a stream of nothing', seconds

    def _delay(self, behind):
        times = []
        with Connection(self._port) as connection:
            for number in range(BEATS):
                connection.ask(request('PUT', '/items/beat', number))
                self._learn()
                times.append(connection.ask(self._updates(behind)).last)
                time.sleep(1)
        return statistics.median(times)

    def _learn(self):
        """Ask for the generation, which the ETag has."""
        asking = http.client.HTTPConnection(HOST, self._port)
        with contextlib.closing(asking):
            asking.request('HEAD', f'/updates?epoch={self._epoch}'
                           f'&generation={self._generation}')
            etag = asking.getresponse().getheader('etag')
        self._generation = int(etag.strip('"').rpartition(':')[2])

    def everything(self):
        with Connection(self._port) as connection:
            return len(connection.ask(request('GET', '/updates')).body)


@contextlib.contextmanager
def stranger(port):
    """Open event streams without a generation, one after the other."""
    ended = threading.Event()

    def follow():
        while not ended.is_set():
            with socket.create_connection((HOST, port)) as stream:
                stream.sendall(request('GET', '/events'))
                while b'event: ask' not in stream.recv(65536):
                    pass
            ended.wait(REST)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
