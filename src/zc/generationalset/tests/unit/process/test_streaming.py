"""Event streams that go on without ASGI, as clients and operators see them."""

import asyncio
import gc
import shutil
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from zc.generationalset.documents import Document
from zc.generationalset.process.connections import UNREAD, Connection
from zc.generationalset.process.running import configuration
from zc.generationalset.process.streaming import Streaming
from zc.generationalset.server.audience import Audience
from zc.generationalset.server.events import EventStream
from zc.generationalset.server.requests import HAND_OVER
from zc.generationalset.server.stream import Stream
from zc.generationalset.tests.support.connections import Connecting
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import wait

COMMENT = b'3\r\n:\n\n\r\n'
END = b'0\r\n\r\n'


class Streams(Connecting):

    options = {'heartbeat': 3600}

    def ask(self, more=b'', version=b'1.1', query=''):
        """Return the beginning of a request, or a whole one."""
        return (f'GET /events?generation=1&epoch={self.epoch()}{query} HTTP/'
                .encode() + version + b'\r\nHost: localhost\r\n' + more)

    def open(self, request=None):
        """Open a stream; return its connection, and the head."""
        connection = self.connect()
        connection.sendall(request or self.ask(b'\r\n'))
        head, _, rest = self.receive(connection, COMMENT).partition(
            b'\r\n\r\n')
        self.assertEqual(rest, COMMENT)
        return connection, head

    def receive(self, connection, end):
        received = b''
        while not received.endswith(end):
            piece = connection.recv(65536)
            self.assertTrue(piece, received)
            received += piece
        return received

    def places(self):
        return sum(self.app.state.gset.access._open.values())

    def count(self, *kinds):
        return sum(type(ob) in kinds for ob in gc.get_objects())


class StreamingTests(Streams):

    def grow(self):
        """Make the next answer too large for a stream."""
        with self.changing() as things:
            for number in range(3000):
                things.add(Document(f'{number:05}', 'x' * 100))

    def test_what_a_client_gets(self):
        connection, head = self.open()
        status, *fields = head.split(b'\r\n')
        self.assertEqual(status, b'HTTP/1.1 200 OK')
        self.assertIn(b'transfer-encoding: chunked', fields)
        self.assertNotIn(b'connection: close', fields)
        self.put('a', 1)
        size, _, rest = self.receive(connection, b'\n\n\r\n').partition(
            b'\r\n')
        self.assertEqual(len(rest), int(size, 16) + 2)
        self.assertRegex(rest, rb'^id: .*:2\nevent: updates\ndata: {.*}\n\n')
        self.assertEqual(self.count(Streaming), 1)

    def test_the_connection_goes_on(self):
        self.grow()
        connection = self.connect()
        for _ in range(2):
            connection.sendall(self.ask(b'\r\n'))
            self.assertIn(b'event: ask\n', self.receive(connection, END))
            connection.sendall(b'GET /items/00001 HTTP/1.1\r\n'
                               b'Host: localhost\r\n\r\n')
            self.assertIn(b' 200 ', self.receive_one(connection)[0])
        self.assertEqual(self.places(), 0)

    def test_the_connection_ends(self):
        self.grow()
        for request in (self.ask(b'Connection: close\r\n\r\n'),
                        self.ask(b'\r\n', b'1.0')):
            connection = self.connect()
            connection.sendall(request)
            received = self.receive_all(connection)
            self.assertIn(b'\r\nconnection: close\r\n', received)
            self.assertTrue(received.endswith(b'event: ask\ndata: {}\n\n\r\n'
                                              + END), received)

    def test_more_requests_than_one(self):
        self.grow()
        connection = self.connect()
        connection.sendall(
            self.ask(b'\r\n') + b'GET /healthz HTTP/1.1\r\nHost: ')
        received = self.receive(connection, END)
        connection.sendall(b'localhost\r\n\r\n')
        self.assertIn(b'event: ask\n', received)
        self.assertIn(b' 200 ', self.receive_one(connection)[0])
        connection.sendall(2 * self.ask(b'\r\n'))
        received = b''
        while received.count(END) < 2:
            received += connection.recv(65536)
        self.assertEqual(received.count(b'event: ask\n'), 2)

    def test_a_request_that_is_not_complete(self):
        connection, _ = self.open(self.ask(b'Content-Length: 2\r\n\r\n'))
        self.assertEqual(self.count(Streaming), 0)
        self.put('a', 1)
        self.assertIn(b':2\n', self.receive(connection, b'\n\n\r\n'))
        connection.sendall(b'{}')
        self.put('b', 1)
        self.assertIn(b':3\n', self.receive(connection, b'\n\n\r\n'))

    def test_clients_have_no_more_to_say(self):
        for more in b'nonsense', self.ask(b'\r\n'), b'x' * 100_000:
            connection, _ = self.open()
            connection.sendall(more)
            self.assertNotIn(b'HTTP', self.receive_all(connection))
            wait(lambda: self.places() == 0)

    def test_log(self):
        with self.assertLogs('zc.generationalset.requests', 'INFO') as logs:
            connection, _ = self.open()
            self.put('a', 1)
            received = COMMENT + self.receive(connection, b'\n\n\r\n')
            self.assertEqual(logs.records, [])
            connection.close()
            wait(lambda: logs.records)
        record, = logs.records
        size = sum(map(len, received.split(b'\r\n')[1::2]))
        self.assertEqual(record.request['bytes'], size)
        self.assertEqual(record.request['route'], '/events')
        self.assertEqual(record.request['client'], '127.0.0.1')
        self.assertIn(f'gset_sent_bytes_total{{route="/events"}} {size}.0',
                      self.http.get('/metrics').text)

    def test_the_end_of_many_groups(self):
        opened = [self.open()[0]]
        for name in 'abc':
            opened.append(self.open(self.ask(
                b'\r\n', query=f'&parts=[["{name}"]]'))[0])
        with Mute('asyncio') as mute, Mute('uvicorn.error') as other:
            self.app.state.gset.stop()
            for connection in opened:
                self.receive(connection, END)
            self.stack.close()
        self.assertEqual(mute.records + other.records, [])


class KeptTests(Streams):
    """What an open stream holds, and no garbage collector needs to find."""

    def test_little(self):
        self.check(Connection, RequestResponseCycle, EventStream, Request)

    def check(self, *kinds, more=b'\r\n'):
        self.get()
        self.http.close()
        loop, _ = self.app.state.gset._trees
        wait(lambda: len(asyncio.all_tasks(loop)) == 5)
        gc.collect()
        gc.disable()
        self.stack.callback(gc.enable)
        opened = [self.open(self.ask(more))[0] for _ in range(5)]
        self.put('a', 1)
        for connection in opened:
            self.receive(connection, b'\n\n\r\n')
        wait(lambda: len(asyncio.all_tasks(loop)) == 5)
        self.assertEqual(self.count(Streaming), 5)
        wait(lambda: self.count(*kinds) == 0)
        for connection in opened:
            connection.close()
        wait(lambda: self.places() == 0)
        wait(lambda: self.count(Streaming, Stream, Audience) == 0)


class KeptWithTokensTests(KeptTests):

    options = {**KeptTests.options, 'tokens': {'secret': 'ann'}}

    def test_little(self):
        """The request is asked again at each event."""
        self.check(Connection, RequestResponseCycle, EventStream,
                   more=b'Authorization: Bearer secret\r\n\r\n')


class LoopTests(Streams):
    """Without uvloop."""

    @staticmethod
    def configure(app):
        config = configuration(app)
        config.loop = 'asyncio'
        return config

    def test_events(self):
        opened = [self.open()[0] for _ in range(3)]
        self.assertEqual(self.count(Streaming), 3)
        for number in range(3):
            self.put(f'{number}', 'x' * 100_000)
            for connection in opened:
                self.assertIn(f':{number + 2}\n'.encode(),
                              self.receive(connection, b'\n\n\r\n'))
        opened.pop().close()
        wait(lambda: self.places() == 2)
        self.app.state.gset.stop()
        for connection in opened:
            self.receive(connection, END)


class HandOverTests(unittest.IsolatedAsyncioTestCase):
    """Which connections streams get, and what becomes of them."""

    head = b'GET /events HTTP/1.1\r\nHost: localhost\r\n'

    def setUp(self):
        self.transport = mock.Mock()
        self.transport.is_closing.return_value = False
        self.transport.get_extra_info.return_value = None
        self.transport.get_write_buffer_size.return_value = 0
        self.stream = mock.Mock()

    async def take(self, request=head + b'\r\n', meanwhile=None):
        """Tell whether a stream gets the connection of a request.

        meanwhile
            Called with the connection, before the stream asks for it.
        """
        taken = []

        async def app(scope, receive, send):
            await send({'type': 'http.response.start', 'status': 200})
            if meanwhile is not None and not taken:
                meanwhile(connection)
            taken.append(scope['extensions'][HAND_OVER]['call'](
                self.stream, print))
            if not taken[-1]:
                await send({'type': 'http.response.body'})

        self.state = ServerState()
        connection = Connection(configuration(app), self.state, {})
        connection.connection_made(self.transport)
        connection.data_received(request)
        await asyncio.gather(*self.state.tasks)
        return taken[0]

    async def end(self):
        """End the stream; return the next protocol of its connection."""
        outlet, _ = self.stream.begin.call_args.args
        self.assertEqual(self.state.connections, {outlet})
        self.transport.set_protocol.assert_called_once_with(outlet)
        outlet.end()
        return self.transport.set_protocol.call_args.args[0]

    async def test_a_request_alone(self):
        self.assertTrue(await self.take())
        following = await self.end()
        self.assertIsInstance(following, Connection)
        self.assertFalse(following.flow.write_paused)
        self.assertEqual(self.state.connections, {following})
        self.stream.pause.assert_not_called()
        self.transport.close.assert_not_called()

    async def test_more_comes(self):
        for more in b'\r\n', b'G', self.head, self.head + b'\r\n':
            with self.subTest(more=more):
                self.assertFalse(await self.take(
                    meanwhile=lambda connection, more=more:
                    connection.data_received(more)))

    async def test_a_connection_that_closes(self):
        self.transport.is_closing.return_value = True
        self.assertFalse(await self.take())
        self.stream.begin.assert_not_called()

    async def test_who_goes_is_noticed_behind_a_body(self):
        self.assertTrue(await self.take(
            self.head + b'Content-Length: 100000\r\n\r\n' + 100_000 * b'x'))
        self.transport.pause_reading.assert_called_once_with()
        self.transport.resume_reading.assert_called_once_with()

    async def test_a_client_that_does_not_read(self):
        self.assertTrue(await self.take(
            meanwhile=Connection.pause_writing))
        self.stream.pause.assert_called_once_with()
        self.transport.get_write_buffer_size.return_value = UNREAD + 1
        following = await self.end()
        # The transport tells only once that too much waits.
        self.assertTrue(following.flow.write_paused)

    async def test_the_server_takes_no_more_requests(self):
        self.assertTrue(await self.take())
        for connection in list(self.state.connections):
            connection.shutdown()
        self.assertNotIsInstance(await self.end(), Connection)
        self.transport.close.assert_called_once_with()


@unittest.skipUnless(shutil.which('openssl'), 'needs openssl')
class TLSTests(LoopTests):

    def configure(self, app):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        certificate = Path(directory.name, 'certificate.pem')
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:prime256v1', '-nodes', '-subj',
             '/CN=localhost', '-keyout', certificate, '-out', certificate],
            check=True, capture_output=True)
        self.certificate = certificate.read_text()
        config = configuration(app)
        config.ssl_certfile = config.ssl_keyfile = str(certificate)
        return config

    def connect(self):
        context = ssl.create_default_context(cadata=self.certificate)
        connection = context.wrap_socket(
            super().connect(), server_hostname='localhost')
        self.stack.callback(connection.close)
        return connection


del Streams, Connecting  # which have no tests of their own
