"""Heads of requests that are too large, too slow, or nonsense."""

import gc
import itertools
import json
import logging
import socket
import struct
from unittest import mock

from zc.generationalset.process import connections
from zc.generationalset.tests.support.connections import Connecting
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import wait

GET = b'GET /updates HTTP/1.1\r\nHost: localhost\r\n'


class HeadTests(Connecting):

    def test_nonsense_behind_a_request_that_is_answered(self):
        connection = self.connect()
        connection.sendall(GET.replace(b'/updates', b'/events') + b'\r\n')
        received = b''
        while b'\n:\n' not in received:
            received += connection.recv(65536)
        connection.sendall(b'nonsense\r\n\r\n')
        self.assertNotIn(b'400', self.receive_all(connection))

    def test_too_large(self):
        just = GET + b'x: ' + b'a' * (connections.HEAD + 1) + b'\r\n'
        many = GET + b''.join([b'x%d: 1\r\n' % i for i in range(12_000)])
        line = b'GET /' + b'a' * 70_000
        for head in just, many, line:
            for rest in b'', b'\r\n\r\n', b' HTTP/1.1\r\n\r\n':
                with self.subTest(head[:100], rest=rest), \
                        Mute('uvicorn.error'):
                    connection = self.connect()
                    connection.sendall(head + rest)
                    self.refuse(431, self.receive_all(connection))

    def test_endless(self):
        for chunk in b'a' * 10_000, b': 1\r\nx' * 2_000:
            self.closed = False
            with self.subTest(chunk[:10]):
                self.send_all(self.connect(), [GET, b'x', *[chunk] * 10_000])
                self.assertTrue(self.closed)

    def test_as_large_as_it_may_be(self):
        connection = self.connect()
        head = GET + b'x: ' + b'a' * (connections.HEAD - 200) + b'\r\n\r\n'
        for _ in range(3):
            for start in range(0, len(head), 10_000):
                connection.sendall(head[start:start + 10_000])
            self.assertIn(b' 200 ', self.receive_one(connection)[0])

    def test_a_large_body_is_no_head(self):
        connection = self.connect()
        body = json.dumps('x' * 200_000).encode()
        for _ in range(2):
            connection.sendall(
                b'PUT /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: '
                b'application/json\r\nContent-Length: %d\r\n\r\n%b' % (
                    len(body), body))
            self.assertIn(b' 20', self.receive_one(connection)[0])

    def test_many_fields(self):
        for fields, status in (connections.FIELDS - 1, 200), (
                connections.FIELDS, 431):
            connection = self.connect()
            connection.sendall(GET + b'a:b\r\n' * fields + b'\r\n')
            self.assertIn(b' %d ' % status, connection.recv(1000))

    def test_pipelined(self):
        connection = self.connect()
        for _ in range(3):
            connection.sendall((GET + b'\r\n') * connections.WAITING)
            received = b''
            while received.count(b'HTTP/1.1 200 ') < connections.WAITING:
                received += connection.recv(65536)
            self.assertNotIn(b'connection: close', received)

    def test_too_many_pipelined(self):
        connection = self.connect()
        connection.sendall((GET + b'\r\n') * 3_000)
        # The one that is being answered is, and says that it is the last.
        *_, last = self.receive_all(connection).split(b'HTTP/1.1 200 ')
        self.assertIn(b'connection: close', last)

    def test_trailers(self):
        put = (b'PUT /items/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: '
               b'application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
               b'1\r\n1\r\n0\r\n')
        connection = self.connect()
        for _ in range(2):
            connection.sendall(put + b'content-type: text/plain\r\n\r\n')
            self.assertIn(b' 20', self.receive_one(connection)[0])
        events = put.replace(b'PUT /items/a', b'GET /events')
        for begin, chunk in itertools.product(
                (put, events), (b'a:b\r\n' * 2_000, b'a' * 10_000)):
            self.closed = False
            with self.subTest(begin[:10], chunk=chunk[:10]):
                self.send_all(self.connect(), [begin, *[chunk] * 10_000])
                self.assertTrue(self.closed)

    def test_endless_chunk_extension(self):
        put = GET.replace(b'GET', b'PUT')
        self.closed = False
        self.send_all(self.connect(), [
            put, b'Transfer-Encoding: chunked\r\n\r\n1;',
            *[b'a' * 10_000] * 10_000])
        self.assertTrue(self.closed)

    def test_pipelining_clients_that_hang_up(self):
        with Mute('uvicorn.error') as mute, Mute('asyncio') as other:
            for _ in range(30):
                connection = self.connect()
                connection.sendall(
                    b'GET /items/ HTTP/1.1\r\nHost: localhost\r\n\r\n' * 30)
                connection.recv(1)
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
                connection.close()
            self.assertEqual(self.get().status_code, 200)
        self.assertEqual(mute.records + other.records, [])

    def test_no_request(self):
        with self.assertNoLogs(level=logging.INFO):
            for begin in (b'\x16\x03\x01', b'x', b'CONNECT a:1 HTTP/1.1',
                          b'GET http://[::1/ HTTP/1.1', b'GET /\xff'):
                connection = self.connect()
                connection.sendall(begin + b'\r\n\r\n')
                self.refuse(400, self.receive_all(connection))

    def test_tunnels_are_refused(self):
        connection = self.connect()
        connection.sendall(b'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n'
                           b'Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n')
        self.assertIn(b' 40', self.receive_all(connection).split(b'\r\n')[0])

    def test_offers_of_other_protocols_are_ignored(self):
        """Requests as Java's HttpClient and curl --http2 make them."""
        offer = (b'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'
                 b'HTTP2-Settings: AAMAAABkAAQAAP__\r\n')
        put = (b'PUT /items/%b HTTP/1.1\r\nHost: localhost\r\n'
               b'Content-Type: application/json\r\n')
        sized = b'Content-Length: 3\r\n\r\n"a"'
        chunked = b'Transfer-Encoding: chunked\r\n\r\n3\r\n"a"\r\n0\r\n\r\n'
        sent = [put % b'a' + offer + sized, put % b'b' + offer + chunked,
                GET + offer + b'\r\n']
        with self.assertNoLogs(level=logging.WARNING):
            for size in 1, 99, 1000:
                connection = self.connect()
                for request in sent:
                    for start in range(0, len(request), size):
                        connection.sendall(request[start:start + size])
                    head, _ = self.receive_one(connection)
                    self.assertIn(head[:12], (b'HTTP/1.1 200',
                                              b'HTTP/1.1 201'))
            connection.sendall(b''.join(sent))
            received = b''
            while received.count(b'HTTP/1.1 20') < len(sent):
                piece = connection.recv(65536)
                self.assertTrue(piece, received)
                received += piece

    def test_nothing_stays(self):
        """A connection leaves nothing to the garbage collector."""
        gc.collect()
        gc.disable()
        self.stack.callback(gc.enable)
        self.get()
        before = self.connections()
        for sent in (GET, GET + b'\r\n', (GET + b'\r\n') * 3_000, b'x\r\n\r\n',
                     GET.replace(b'updates', b'events') + b'\r\n' + GET,
                     b'GET /items/a HTTP/1.1\r\n\r\n'):
            for linger in 0, 1:
                connection = self.connect()
                connection.sendall(sent)
                if linger:
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack('ii', 1, 0))
                connection.close()
        self.get()  # which was accepted after all of them
        wait(lambda: self.connections() == before)

    def connections(self):
        return sum(type(ob) is connections.Connection
                   for ob in gc.get_objects())


class SlowTests(Connecting):
    """What comes too late, whenever a busy machine brings it."""

    def setUp(self):
        super().setUp()
        #: Connections of the server, whenever one begins to wait.
        self.waiting = []
        wait = connections.Connection._wait

        def begin_to_wait(connection):
            wait(connection)
            self.waiting.append(connection)

        self.stack.enter_context(mock.patch.object(
            connections.Connection, '_wait', begin_to_wait))

    def expire(self, size):
        """Let the time be over when so many bytes are there."""
        wait(lambda: self.waiting and self.waiting[-1]._size == size)
        connection = self.waiting[-1]
        connection.loop.call_soon_threadsafe(connection._expire)

    def test_nothing(self):
        with mock.patch.object(connections, 'PATIENCE', 0.3):
            self.assertEqual(self.receive_all(self.connect()), b'')

    def test_half_a_head(self):
        for begin in b'GET', GET, GET + b'x: ':
            connection = self.connect()
            connection.sendall(begin)
            self.expire(len(begin))
            self.refuse(408, self.receive_all(connection))

    def test_half_of_the_second(self):
        for begin in b'G', b'\r\n', GET:
            connection = self.connect()
            connection.sendall(GET + b'\r\n')
            self.receive_one(connection)
            connection.sendall(begin)
            self.expire(len(begin))
            self.refuse(408, self.receive_all(connection))

    def test_a_body_that_nobody_reads(self):
        connection = self.connect()
        connection.sendall(GET + b'Content-Length: 1000000000\r\n\r\n')
        self.receive_one(connection)
        connection.sendall(b'1')
        wait(lambda: len(self.waiting) == 2)
        self.expire(0)
        self.closed = False
        self.send_all(connection, itertools.repeat(b'1'))
        self.assertTrue(self.closed)

    def test_others_may_take_their_time(self):
        generation = self.get().json()['generation']
        connection = self.connect()
        connection.sendall(
            b'GET /updates?generation=%d&epoch=%b&wait=1 HTTP/1.1\r\n'
            b'Host: localhost\r\n\r\n' % (
                generation, self.epoch().encode()))
        tree = self.app.state.gset._trees[1].tree(None)
        wait(lambda: tree.listeners)
        self.assertIsNone(self.waiting[-1]._waiting)
        self.assertIn(b' 200 ', self.receive_one(connection)[0])
