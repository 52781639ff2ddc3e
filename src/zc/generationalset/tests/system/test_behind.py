"""Two servers of one database, one a little behind the other."""

import contextlib
import itertools
import os
import queue
import random
import socket
import threading
import time
import unittest

import httpx
import ZODB
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.replica import Replica
from zc.generationalset.server import application
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.faulty import shut
from zc.generationalset.tests.support.layers import Processes, Servers
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.serving import served
from zc.generationalset.wire import decode

SEED = 5
#: Seconds that messages of the ZEO server take to one of the servers.
DELAY = 0.01


class Slow:
    """Passes on what a server and its clients send; the server's part late."""

    def __init__(self, address):
        self._server = address
        self.address = os.path.abspath('slow.socket')
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.address)
        self._listening.listen()
        self._open = [self._listening]
        self._start(self._accept)

    def _start(self, target, *arguments):
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += client, server
                self._start(self._pass, client, server, 0)
                self._start(self._pass, server, client, DELAY)

    def _pass(self, source, target, delay):
        pieces = queue.Queue()
        self._start(self._send, pieces, target)
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                pieces.put((time.monotonic() + delay, data))
        pieces.put((0, b''))

    def _send(self, pieces, target):
        with contextlib.suppress(OSError):
            while (piece := pieces.get())[1]:
                when, data = piece
                time.sleep(max(0, when - time.monotonic()))
                target.sendall(data)
        shut(target)

    def close(self):
        for each in self._open:
            shut(each)
            each.close()


class Base:
    """Two servers, and a client that goes to and fro."""

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.set_up_storage()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        storages = self.open_storages()
        self.servers = [self.serve(next(storages))]
        with self.db.transaction() as connection:
            connection.root.things = GSet(maximum_removals=5)
        self.servers.append(self.serve(next(storages)))
        self.replica = Replica()
        self.resets = []

    def set_up_storage(self):
        pass

    def serve(self, storage):
        self.db = ZODB.DB(storage)
        self.stack.callback(self.db.close)
        url = self.stack.enter_context(served(application(
            self.db, lambda root: root['things'], write=True)))
        return self.stack.enter_context(
            httpx.Client(base_url=url, timeout=90))

    def sync(self, server):
        response = server.get('/updates', params=self.query())
        self.assertEqual(response.status_code, 200, response.text)
        self.apply(decode(response.content))

    def query(self):
        return {name: value for name, value in [
            ('generation', self.replica.generation),
            ('epoch', self.replica.epoch)] if value is not None}

    def apply(self, updates):
        if 'reset' in updates:
            self.resets.append(updates['reset'])
        self.replica.apply(updates)

    def put(self, server, id, item):
        """Write with the replica's generation, and apply what comes back."""
        response = server.put(f'/items/{id}', json=item, params=self.query())
        self.assertIn(response.status_code, (200, 201), response.text)
        self.apply(decode(self.updates_of(response)))

    def updates_of(self, response):
        text = response.content
        return text[text.index(b'"updates":') + 10:-1]

    def test_goes_on_at_once(self):
        for number in range(3):
            self.sync(self.servers[0])
            self.put(self.servers[0], number, number)
            generation = self.replica.generation
            self.sync(self.servers[1])
            self.assertEqual(self.replica.generation, generation)
        self.assertEqual(self.resets, [])
        self.assertEqual(len(self.replica.items), 3)

    def test_writes_that_change_nothing(self):
        for number in range(3):
            self.sync(self.servers[0])
            self.put(self.servers[0], 'same', 1)
            self.put(self.servers[0], number, number)
            self.put(self.servers[1], 'same', 1)
        self.assertEqual(self.resets, [])

    def test_writes_that_depend_on_what_others_wrote(self):
        ahead, behind = self.servers
        for number in range(3):
            self.sync(ahead)
            self.put(ahead, f'gone {number}', 1)
            response = behind.delete(f'/items/gone {number}')
            self.assertEqual(response.status_code, 200, response.text)
            for item in 1, 2:
                self.put(ahead, f'again {number}', item)
            # Where the second one isn't known yet, it would change nothing.
            self.put(behind, f'again {number}', 1)
            self.assertEqual(
                behind.get(f'/items/again {number}').json(), 1)

    def test_streams(self):
        self.sync(self.servers[0])
        self.put(self.servers[0], 'a', 1)
        with self.servers[1].stream(
                'GET', '/events', params=self.query()) as stream:
            lines = stream.iter_lines()
            next(lines)
            self.put(self.servers[0], 'b', 1)
            line = next(line for line in lines if line.startswith('data'))
        self.assertNotIn('reset', line)

    def test_new_epoch(self):
        self.sync(self.servers[0])
        self.put(self.servers[0], 'a', 1)
        with self.db.transaction() as connection:  # of the second server
            connection.root.things.renew()
        for server in 1, 0, 1, 0:
            self.sync(self.servers[server])
        self.assertEqual(self.resets, ['epoch'])

    def test_client_that_is_ahead(self):
        self.sync(self.servers[0])
        self.replica.generation += 5
        for server in 1, 0, 1:
            self.sync(self.servers[server])
        self.assertEqual(self.resets, ['ahead'])

    def test_hops_under_load(self):
        stopping = threading.Event()

        def write(number):
            with httpx.Client(
                    base_url=self.servers[0].base_url, timeout=90) as http:
                for count in itertools.count():
                    if stopping.wait(0.05):
                        return
                    statuses.add(http.put(
                        f'/items/{number} {count % 20}', json=count
                    ).status_code)
        statuses = set()
        threads = [threading.Thread(target=write, args=(number,))
                   for number in range(2)]
        for thread in threads:
            thread.start()
        chance = random.Random(SEED)
        try:
            for number in range(self.hops):
                self.put(self.servers[0], f'own {number % 5}', number)
                for _ in range(3):
                    self.sync(chance.choice(self.servers))
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.resets, [])
        self.assertLessEqual(statuses, {200, 201})
        self.sync(self.servers[0])
        new = Replica()
        new.apply(decode(self.servers[0].get('/updates').content))
        self.assertEqual(self.replica.items, new.items)

    hops = 20


class ZEOTests(Base, unittest.TestCase):

    layer = Processes

    def set_up_storage(self):
        self.server = storages.ZEOServer()
        self.addCleanup(self.server.stop)
        self.slow = Slow(self.server.address)
        self.addCleanup(self.slow.close)

    def open_storages(self):
        # Not synchronized with the server when transactions begin, as tests
        # otherwise are.
        for address in self.server.address, self.slow.address:
            yield storages.zeo_client(address, server_sync=False)


class RelStorageTests(Base, unittest.TestCase):

    layer = Servers

    def open_storages(self):
        yield storages.relstorage('data')
        yield storages.relstorage('data')


class PostgreSQLTests(Base, unittest.TestCase):

    layer = DATABASES

    def open_storages(self):
        dsn = DATABASES.new()
        yield storages.postgresql(dsn)
        yield storages.postgresql(dsn)


class ZEOTestsForLong(ZEOTests):

    level = 2
    hops = 1000


class PostgreSQLTestsForLong(PostgreSQLTests):

    level = 2
    hops = 1000
