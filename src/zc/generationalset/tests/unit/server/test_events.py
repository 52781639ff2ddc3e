"""Event streams: what is pushed, to whom, and when streams end."""

import asyncio
import contextlib
import gc
import json
import socket
import threading
import unittest
import urllib.parse
from http.client import HTTPResponse
from unittest import mock

import httpx
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import application
from zc.generationalset.server.events import EventStream
from zc.generationalset.server.spool import Spools
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.tests.support.serving import (
    Served,
    plain,
    served,
    wait,
)
from zc.generationalset.tests.support.streams import Stream


class EventsTests(Served):

    options = {'heartbeat': 3600}

    def listeners(self):
        trees = self.app.state.gset._trees
        return trees[1].tree(None).listeners if trees else 0

    def stream(self, *args, **headers):
        expected = self.listeners() + 1
        stream = Stream(self.http, *args, **headers)
        wait(lambda: self.listeners() == expected and stream.comments())
        return stream

    def test_of_a_new_client(self):
        self.put('a', 1)
        stream = self.stream()
        stream.wait_for(2)
        response = stream.response
        self.assertEqual(response.headers['content-type'],
                         'text/event-stream; charset=utf-8')
        self.assertEqual(response.headers['cache-control'], 'no-store')
        epoch = self.epoch()
        self.assertEqual(stream.events(), [(f'{epoch}:2', 'updates', {
            'format': 1, 'epoch': epoch, 'since': 0, 'generation': 2,
            'contents': [['a', 1]]})])

    def test_goes_on_from_what_the_client_has(self):
        self.put('a', 1)
        self.put('b', 2)
        epoch = self.epoch()
        stream = self.stream(2, epoch)
        stream.wait_for(3)
        self.put('c', 3)
        stream.wait_for(4)
        with self.changing() as things:
            del things['a']
        stream.wait_for(5)
        self.assertEqual([data for _, _, data in stream.events()], [
            {'format': 1, 'epoch': epoch, 'since': 2, 'generation': 3,
             'adds': [['b', 2]]},
            {'format': 1, 'epoch': epoch, 'since': 3, 'generation': 4,
             'adds': [['c', 3]]},
            {'format': 1, 'epoch': epoch, 'since': 4, 'generation': 5,
             'removals': ['a']}])

    def test_last_event_id_has_precedence(self):
        for number in range(4):
            self.put(f'{number}', number)
        epoch = self.epoch()
        stream = self.stream(1, epoch, last_event_id=f'{epoch}:4')
        stream.wait_for(5)
        self.assertEqual(stream.events()[0][2]['since'], 4)

    def test_starts_over_in_another_epoch(self):
        self.put('a', 1)
        stream = self.stream(5, 'other')
        stream.wait_for(2)
        data = stream.events()[0][2]
        self.assertEqual(data['reset'], 'epoch')
        self.assertEqual(data['contents'], [['a', 1]])
        with self.changing() as things:
            things.renew()
        epoch = self.epoch()
        wait(lambda: len(stream.events()) == 2)
        id, _, data = stream.events()[1]
        self.assertEqual(data['reset'], 'epoch')
        self.assertEqual(id, f'{epoch}:2')

    def test_a_burst_is_few_events(self):
        stream = self.stream(1, self.epoch())
        with self.busy():
            for number in range(100):
                self.put(f'{number:03}', number)
        stream.wait_for(101)
        self.assertLess(len(stream.events()), 60)
        generation = 1
        for _, _, data in stream.events():
            # It may begin before: those at other positions share it.
            self.assertLessEqual(data['since'], generation)
            self.assertGreater(data['generation'], generation)
            generation = data['generation']

    @contextlib.contextmanager
    def busy(self):
        """Keep the server's event loop from doing anything."""
        loop, _ = self.app.state.gset._trees
        go_on = threading.Event()
        loop.call_soon_threadsafe(go_on.wait, 90)
        try:
            yield
        finally:
            go_on.set()

    def test_all_streams_get_all(self):
        streams = [self.stream(1, self.epoch()) for _ in range(5)]
        for number in range(30):
            self.put(f'{number:03}', number)
        for stream in streams:
            stream.wait_for(31)
            ids = [id for _, _, data in stream.events()
                   for id, _ in data['adds']]
            self.assertEqual(ids, [f'{number:03}' for number in range(30)])

    def test_too_much_is_to_be_asked_for(self):
        with self.changing() as things:
            for number in range(3000):
                things.add(Document(f'{number:05}', 'x' * 100))
        with mock.patch.object(Spools, 'make') as make:
            for position in (), (1, 'another epoch'), (1, self.epoch()):
                stream = Stream(self.http, *position)
                wait(lambda stream=stream: stream.ended)
                self.assertEqual(stream.events(), [(None, 'ask', {})])
        make.assert_not_called()  # nothing is copied for it

    def test_ends_with_the_server(self):
        stream = self.stream(1, self.epoch())
        self.app.state.gset.stop()
        wait(lambda: stream.ended)

    def test_ends_when_the_tree_goes(self):
        stream = self.stream(1, self.epoch())
        with self.db.transaction() as connection:
            del connection.root.things
        wait(lambda: stream.ended)
        self.refused(404, self.http.get('/events'))

    def test_another_set_in_its_place(self):
        self.put('a', 1)
        stream = self.stream(2, self.epoch())
        with self.db.transaction() as connection:
            connection.root.things = GSet()
            connection.root.things.add(Document('b', 2))
        wait(stream.events)
        data = stream.events()[0][2]
        self.assertEqual(data['reset'], 'epoch')
        self.assertEqual(data['contents'], [['b', 2]])

    def test_refused(self):
        for headers in ({'last-event-id': 'x'}, {'last-event-id': 'x:'},
                        {'last-event-id': 'x:-1'}, {'last-event-id': ':1e5'}):
            self.refused(400, self.http.get('/events', headers=headers))
        self.refused(400, self.http.get('/events?generation=x'))
        self.assertEqual(self.listeners(), 0)

    def test_head(self):
        self.assertEqual(self.http.head('/events').status_code, 200)
        wait(lambda: self.listeners() == 0)

    def test_nothing_is_left_of_clients_that_vanish(self):
        self.get()
        loop, trees = self.app.state.gset._trees
        self.http.close()
        wait(lambda: len(asyncio.all_tasks(loop)) == 5)
        for _ in range(3):
            sockets = [self.connect(1) for _ in range(20)]
            wait(lambda: self.listeners() == 20)
            self.put(f'item {trees.source.count}', 1)
            for each in sockets:
                each.close()
            wait(lambda: self.listeners() == 0)
        self.assertEqual(dict(self.app.state.gset.access._open), {})
        # The server, its lifespan, what follows the database, and the server
        wait(lambda: len(asyncio.all_tasks(loop)) == 5)
        gc.collect()
        self.assertEqual([each for each in gc.get_objects()
                          if isinstance(each, EventStream)], [])

    def connect(self, generation):
        host, port = urllib.parse.urlsplit(self.url).netloc.split(':')
        connection = socket.socket()
        # So that little fits between the server and one who doesn't read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(90)
        connection.connect((host, int(port)))
        connection.sendall(
            f'GET /events?generation={generation}&epoch={self.epoch()} '
            'HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
        return connection

    def test_a_slow_client_is_not_buffered_for(self):
        slow = self.connect(1)
        wait(lambda: self.listeners() == 1)
        fast = self.stream(1, self.epoch())
        for number in range(150):
            self.put(f'{number:03}', 'x' * 50_000)
            fast.wait_for(number + 2)
        written = 150 * 50_000
        received = 0
        while True:
            data = slow.recv(1 << 16)
            received += len(data)
            if not data or b'event: ask' in data:
                break
        slow.close()
        # What fits into the buffers of two sockets, and of one event.
        self.assertLess(received, written / 2)
        self.assertEqual(len(fast.events()), 150)

    def test_a_client_that_stops_within_an_event(self):
        sockets = [self.connect(1) for _ in range(2)]
        slow, left = map(HTTPResponse, sockets)
        wait(lambda: self.listeners() == 2)
        fast = self.stream(1, self.epoch())
        self.put('0', 'x' * 200_000)
        for each in slow, left:
            each.begin()
            while not each.readline().startswith(b'id: '):
                pass
            each.read(100)
        for each in left, sockets[1]:
            each.close()
        for number in range(1, 20):
            self.put(f'{number}', 'x' * 50_000)
            fast.wait_for(number + 2)
        # The slow one misses nothing, until it is told to ask.
        generation = 2
        while generation < 21 and (line := slow.readline()) != b'event: ask\n':
            if line.startswith(b'data: '):
                event = json.loads(line.removeprefix(b'data: '))
                self.assertEqual(event['since'], generation)
                generation = event['generation']
        for each in slow, sockets[0]:
            each.close()
        wait(lambda: self.listeners() == 1)


class ASGIEventsTests(EventsTests):
    """On a server that has no extensions for streams."""

    configure = staticmethod(plain)


class HeartbeatTests(Served):

    options = {'heartbeat': 0.1}

    def test_signs_of_life(self):
        stream = Stream(self.http, 1, self.epoch())
        wait(lambda: stream.comments() > 3)
        self.assertEqual(stream.events(), [])

    def test_what_nobody_told_of_is_found(self):
        with mock.patch.object(Commits, '_invalidate', lambda *_: None):
            stream = Stream(self.http, 1, self.epoch())
            wait(lambda: stream.comments() > 1)
            self.put('a', 1)
            stream.wait_for(2)


class ASGIHeartbeatTests(HeartbeatTests):

    configure = staticmethod(plain)


class UntoldTests(Served):
    """A storage that keeps its own connections current."""

    options = {'heartbeat': 3600}

    def setUp(self):
        begin, last = Commits._begin, None

        def untold(commits):
            commits.is_told = False
            begin(commits)

        def has_changed(storage):
            """Notice a commit when it can be read, as RelStorage does."""
            nonlocal last
            before, last = last, storage.lastTransaction()
            return before != last

        for name, function in [('Commits._begin', untold),
                               ('_has_changed', has_changed)]:
            patched = mock.patch(f'{Commits.__module__}.{name}', function)
            patched.start()
            self.addCleanup(patched.stop)
        super().setUp()

    def test_is_looked_at(self):
        stream = Stream(self.http, 1, self.epoch())
        self.put('a', 1)
        stream.wait_for(2)

    def test_own_writes_are_seen_at_once(self):
        for number in range(20):
            self.http.put(f'/items/{number}', json=number)
            self.assertEqual(
                self.get().json()['generation'], number + 2)


class LoopTests(unittest.TestCase):

    def test_in_one_event_loop_after_the_other(self):
        db = ZODB.DB(DemoStorage())
        self.addCleanup(db.close)
        with db.transaction() as connection:
            connection.root.things = GSet()
        app = application(db, lambda root: root['things'], write=True)

        async def use(number):
            async with httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url='http://test') as client:
                response = await client.put(f'/items/{number}', json=number)
                self.assertEqual(response.status_code, 201)
                response = await client.get('/updates')
                self.assertEqual(response.json()['generation'], number + 2)

        for number in range(3):
            asyncio.run(use(number))
        asyncio.run(app.state.gset.close())

    def test_lifespan_lets_go_of_the_database(self):
        db = ZODB.DB(DemoStorage())
        with db.transaction() as connection:
            connection.root.things = GSet()
        app = application(db, lambda root: root['things'])
        with served(app) as url:
            httpx.get(f'{url}/updates')
            self.assertIsNotNone(app.state.gset._trees)
        self.assertIsNone(app.state.gset._trees)
        self.assertEqual(
            [each for each in db._mvcc_storage._instances
             if isinstance(each, Commits)], [])
        db.close()
