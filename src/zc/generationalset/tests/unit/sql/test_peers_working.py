"""Sides that write for long tell that they are still working."""

import io
import json
import socket
import threading
import unittest
from contextlib import ExitStack, closing
from unittest import mock

import httpx
from starlette.applications import Starlette

from zc.generationalset.sql.peers import (
    BadMessage,
    Cut,
    Report,
    SyncServer,
    beats,
    links,
    posting,
    route,
)
from zc.generationalset.sql.peers.conversation import PROTOCOL
from zc.generationalset.sql.peers.links import WORKING, packed
from zc.generationalset.tests.support.certificates import contexts
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.posting_peers import TOKEN, URL
from zc.generationalset.tests.support.serving import plain, running, wait
from zc.generationalset.tests.support.tables import make
from zc.generationalset.tests.unit.sql import test_peers_sockets

#: What a side tells before the test goes on.
COUNT = 3


class Told(unittest.TestCase):
    """Sides tell it often; ``told`` is released each time one hears it."""

    layer = Servers

    def setUp(self):
        super().setUp()
        self.told = threading.Semaphore(0)
        real = links.unpacked

        def unpacked(*arguments):
            frame = real(*arguments)
            if not frame:
                self.told.release()
            return frame

        stack = ExitStack()
        self.addCleanup(stack.close)
        for module, name, value in [
                (links, 'unpacked', unpacked), (beats, 'BEAT', 0.001),
                (route, 'BEAT', 0.001)]:
            stack.enter_context(mock.patch.object(module, name, value))


class Base(Told, test_peers_sockets.Base):
    """A conflict is decided when the other side has heard of it."""

    def setUp(self):
        super().setUp()
        make('client.db', "INSERT INTO things VALUES ('x', 2, 2)")

    def work(self):
        for _ in range(COUNT):
            if not self.told.acquire(timeout=90):
                raise AssertionError('nothing was told')

    def decide(self, conflict):
        self.work()
        return conflict.client


class ServerTests(Base):
    """A server that writes for long."""

    def check(self, report):
        self.assertEqual(report, Report(1, 1, 1))
        self.assertEqual(self.rows('server.db'), [('x', 2, 2)])

    def test_socket(self):
        self.serve(self.unix(), policy=self.decide)
        self.check(self.client().sync(self.connect()))

    def test_tls(self):
        for_server, for_client, _ = contexts()
        listening = socket.create_server(('127.0.0.1', 0))
        self.serve(listening, policy=self.decide, ssl=for_server)
        self.check(self.client(ssl=for_client).sync(
            socket.create_connection(listening.getsockname()), name='server'))

    def test_http(self):
        with running(plain(self.app())) as url:
            self.check(self.client(token=TOKEN).sync(f'{url}/sync'))

    def app(self):
        server = SyncServer('sqlite:///server.db', ['things'], token=TOKEN,
                            policy=self.decide)
        self.addCleanup(server.close)
        self.route = server.route('/sync')
        return Starlette(routes=[self.route])

    def test_client_of_http_that_has_gone(self):
        """What it has sent is written, and its place becomes free."""
        shape = [['id'], {'id': 'sqlite TEXT', 'a': 'sqlite INTEGER',
                          'b': 'sqlite INTEGER'}, '']
        body = b''.join(packed(json.dumps(message).encode()) for message in [
            {'type': 'hello', 'protocol': PROTOCOL, 'id': 'client',
             'token': TOKEN, 'tables': {'things': shape}},
            {'type': 'push', 'push': 'p'},
            {'type': 'rows', 'table': 'things',
             'rows': [[['x'], None, [2, 2]]]},
            {'type': 'end'}, {'type': 'bye'}])
        with running(plain(self.app())) as url:
            with socket.create_connection(
                    ('127.0.0.1', httpx.URL(url).port)) as connected:
                connected.sendall(
                    b'POST /sync HTTP/1.1\r\nhost: localhost\r\n'
                    b'authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n'
                    % (TOKEN.encode(), len(body)) + body)
                self.assertIn(b' 200 ', connected.recv(100))
            self.told.release(COUNT)
            wait(lambda: not self.route.endpoint._served)
        self.assertEqual(self.rows('server.db'), [('x', 2, 2)])


class ClientTests(Base):
    """A client that compares, or writes, for long."""

    def test_socket(self):
        self.serve(self.unix())
        told = []

        def tell(text):
            told.append(text)
            self.work()

        self.assertEqual(self.client().sync(self.connect(), tell=tell),
                         Report(1, 1, 1))
        self.assertIn('1 rows applied', told)


class LinkTests(Told):

    def setUp(self):
        super().setUp()
        beats.BEAT = 3600
        self.here, self.there = socket.socketpair()
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)

    def link(self):
        return links.SocketLink(self.there)

    def test_cuts_at_every_byte(self):
        """Each frame that has come whole is taken, and no part of one."""
        said = [b'one', b'', b'', b'two', b'', b'three', b'']
        data = b''.join(map(packed, said))
        for size in range(len(data) + 1):
            whole, rest = [], size
            for each in said:
                rest -= len(packed(each))
                if rest >= 0 and each:
                    whole.append(each)
            here, there = socket.socketpair()
            with closing(here), closing(there), \
                    links.SocketLink(there) as link:
                here.sendall(data[:size])
                here.shutdown(socket.SHUT_WR)
                came = []
                with self.assertRaises(Cut):
                    while True:
                        came.append(link.receive())
            self.assertEqual(came, whole)

    def test_nothing_else_for_long(self):
        self.here.sendall(WORKING * 3 + packed(b'frame'))
        with mock.patch.object(links, 'LONGEST', -1), self.link() as link, \
                self.assertRaisesRegex(Cut, 'only that it is working'):
            link.receive()

    def test_nothing_else_for_long_over_http(self):
        transport = httpx.MockTransport(lambda request: httpx.Response(
            200, content=iter([WORKING] * 3)))
        with mock.patch.object(links, 'LONGEST', -1), \
                httpx.Client(transport=transport) as client, \
                posting.PostingLink(client, URL, TOKEN) as link, \
                self.assertRaisesRegex(Cut, 'only that it is working'):
            link.send(b'hello')
            link.receive()

    def test_each_is_heard_over_http_when_it_comes(self):
        """It isn't kept until there are many."""
        def content():
            yield WORKING
            self.assertTrue(self.told.acquire(blocking=False))
            yield packed(b'frame')

        transport = httpx.MockTransport(lambda request: httpx.Response(
            200, content=content()))
        with httpx.Client(transport=transport) as client, \
                posting.PostingLink(client, URL, TOKEN) as link:
            link.send(b'hello')
            self.assertEqual(link.receive(), b'frame')

    def test_greeting(self):
        """Who says nothing else hasn't greeted in time."""
        with mock.patch.object(links, 'GREETED', 0.01), self.link() as link:
            link.expect_greeting()
            self.here.sendall(WORKING)
            with self.assertRaises(Cut):
                link.receive()

    def test_limit_of_the_greeting(self):
        """It is that of the first frame that says something."""
        with self.link() as link:
            self.here.sendall(
                WORKING + (links.GREETING + 1).to_bytes(4, 'big'))
            with self.assertRaisesRegex(BadMessage, 'a frame of at most'):
                link.receive()

    def test_nobody_is_there(self):
        """Half of it may have been sent, so nothing can be sent after it."""
        beats.BEAT = 0
        with self.link() as link:
            self.here.sendall(packed(b'hello'))
            link.receive()
            self.here.close()
            link._beats._thread.join()
            with self.assertRaises(Cut):
                link.send(b'frame')

    def test_nothing_is_told_before_the_greeting(self):
        """Another version of the protocol refuses the greeting plainly."""
        beats.BEAT = 0
        with self.link() as link:
            self.assertIsNone(link._beats._thread)
            link.send(b'hello')
            self.assertIsNotNone(link._beats._thread)
        self.assertEqual(self.here.recv(9), packed(b'hello'))

    def test_files(self):
        """Nothing in a file tells that a side is still working."""
        link = links.FileLink(io.BytesIO(WORKING), io.BytesIO())
        self.assertEqual(link.receive(), b'')
