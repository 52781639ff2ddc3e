"""Syncs over sockets: TCP, Unix, TLS; who may listen; hostile peers."""

import socket
import sqlite3
import ssl
import threading
import unittest
import warnings
from contextlib import closing, suppress
from unittest import mock

from zope.testing import setupstack

from zc.generationalset.sql.peers import (
    BadMessage,
    Cut,
    Rejected,
    SyncClient,
    SyncServer,
    frames,
    links,
)
from zc.generationalset.tests.support.certificates import contexts
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.peers import SCHEMA
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.support.tables import make


class Base(unittest.TestCase):

    layer = Servers

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        make('server.db', SCHEMA + "; INSERT INTO things VALUES ('x', 1, 1)")
        make('client.db', SCHEMA)

    def serve(self, listening, **options):
        """Let a server listen; return it."""
        return self.start(SyncServer(
            'sqlite:///server.db', ['things'], **options), listening)

    def start(self, server, listening):
        self.thread = threading.Thread(target=server.listen, args=[listening])
        self.thread.start()
        self.addCleanup(self.thread.join)
        self.addCleanup(server.close)
        return server

    def client(self, **options):
        client = SyncClient('sqlite:///client.db', ['things'], **options)
        self.addCleanup(client.close)
        return client

    def unix(self):
        listening = socket.socket(socket.AF_UNIX)
        listening.bind('socket')
        listening.listen()
        return listening

    def connect(self):
        connected = socket.socket(socket.AF_UNIX)
        self.addCleanup(connected.close)
        connected.connect('socket')
        return connected

    def rows(self, path='client.db'):
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute('SELECT * FROM things').fetchall()


class SocketTests(Base):

    def test_unix(self):
        listening = self.unix()
        server = self.serve(listening)
        connected = self.connect()
        self.assertEqual(self.client().sync(connected), (0, 1, 0))
        self.assertEqual(self.rows(), [('x', 1, 1)])
        self.assertEqual(connected.fileno(), -1)
        server.close()
        self.thread.join()
        self.assertEqual(listening.fileno(), -1)

    def test_tcp(self):
        listening = socket.create_server(('127.0.0.1', 0))
        self.serve(listening, token='secret')
        client = self.client(token='secret')
        for expected in (0, 1, 0), (0, 0, 0):
            self.assertEqual(client.sync(socket.create_connection(
                listening.getsockname())), expected)

    def test_token(self):
        self.serve(self.unix(), token='secret')
        for token in '', 'other':
            with self.assertRaisesRegex(Rejected, 'another token'):
                self.client(token=token).sync(self.connect())
        self.assertEqual(self.rows(), [])

    def test_connections_of_the_user(self):
        """As in the seed: objects get connections and sockets."""
        with closing(sqlite3.connect('server.db')) as there, \
                closing(sqlite3.connect('client.db')) as here:
            server = SyncServer(there, ['things'])
            client = SyncClient(here, ['things'])
        self.start(server, self.unix())
        client.sync(self.connect())
        client.close()
        self.assertEqual(self.rows(), [('x', 1, 1)])

    def test_close_ends_conversations(self):
        server = self.serve(self.unix())
        connected = self.connect()
        connected.sendall(b'\0\0')
        server.close()
        server.close()
        with suppress(ConnectionResetError):
            self.assertEqual(connected.recv(1), b'')

    def test_close_while_a_client_is_accepted(self):
        """No conversation begins that ``close`` doesn't wait for."""

        class Listening(socket.socket):

            def accept(self):
                accepted = super().accept()
                server.close()
                return accepted

        listening = Listening(socket.AF_UNIX)
        listening.bind('socket')
        listening.listen()
        server = self.serve(listening)
        with mock.patch.object(
                server, '_serve', side_effect=socket.socket.close) as serve:
            connected = self.connect()
            self.assertEqual(connected.recv(1), b'')
            self.thread.join()
        self.assertEqual(serve.mock_calls, [])

    def test_a_thread_that_can_not_be_started(self):
        server = SyncServer('sqlite:///server.db', ['things'])
        listening = self.unix()
        self.connect()
        with mock.patch.object(threading.Thread, 'start', side_effect=[
                RuntimeError("can't start new thread")]), \
                warnings.catch_warnings(record=True) as unclosed, \
                self.assertRaisesRegex(RuntimeError, 'new thread'):
            warnings.simplefilter('always')
            server.listen(listening)
        self.assertEqual(unclosed, [])
        server.close()  # which waits for no such thread

    def test_who_is_turned_away_has_been_noted(self):
        """Whoever sees that finds the reason in the log."""

        class Listening(socket.socket):

            def accept(self):
                accepted = Accepted(fileno=super().accept()[0].detach())
                return accepted, ''

        class Accepted(socket.socket):

            def close(self):
                noted.append(list(logs.output))
                super().close()

        noted = []
        listening = Listening(socket.AF_UNIX)
        listening.bind('socket')
        listening.listen()
        with mock.patch('zc.generationalset.sql.peers.server.CLIENTS', 0), \
                self.assertLogs('zc.generationalset.sql') as logs:
            self.serve(listening)
            self.assertEqual(self.connect().recv(1), b'')
        [[warning]] = noted
        self.assertIn('turned away', warning)

    def test_server_that_was_closed(self):
        server = SyncServer('sqlite:///server.db', ['things'])
        server.close()
        listening = self.unix()
        server.listen(listening)
        self.assertEqual(listening.fileno(), -1)

    def test_too_many_clients(self):
        with mock.patch(
                'zc.generationalset.sql.peers.server.CLIENTS', 1):
            self.serve(self.unix())
            first = self.connect()
            first.sendall(b'\0')
            with self.assertLogs('zc.generationalset.sql'), \
                    self.assertRaises(Cut):
                self.client().sync(self.connect())
            with self.assertLogs('zc.generationalset.sql'):
                first.close()
                while True:  # until the place is free
                    with suppress(Cut):
                        self.client().sync(self.connect())
                        break


class TLSTests(Base):

    def setUp(self):
        super().setUp()
        self.for_server, self.for_client, self.without = contexts()
        self.listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.listening.close)

    def connected(self):
        return socket.create_connection(self.listening.getsockname())

    def test_certificates(self):
        self.serve(self.listening, ssl=self.for_server)
        client = self.client(ssl=self.for_client)
        self.assertEqual(client.sync(self.connected(), name='server'),
                         (0, 1, 0))

    def test_no_certificate(self):
        server = self.serve(self.listening, ssl=self.for_server)
        with self.assertLogs('zc.generationalset.sql'):
            with self.assertRaises((Cut, OSError)):
                report = self.client(ssl=self.without).sync(
                    self.connected(), name='server')
                self.fail(f'the server has answered: {report}')
            server.close()  # which waits
        self.assertEqual(self.rows(), [])

    def test_close_within_a_conversation(self):
        """TLS is let be: without it, the thread would send rows in clear."""
        ended = []

        class Secured(ssl.SSLSocket):

            def shutdown(self, how):
                ended.append(how)
                socket.socket.shutdown(self, how)

        self.for_server.sslsocket_class = Secured
        server = self.serve(self.listening, ssl=self.for_server)
        with self.for_client.wrap_socket(
                self.connected(), server_hostname='server'), \
                self.assertLogs('zc.generationalset.sql'):
            wait(lambda: server._sockets)
            server.close()
        self.assertEqual(ended, [])

    def test_no_tls(self):
        server = self.serve(self.listening, ssl=self.for_server)
        with self.assertLogs('zc.generationalset.sql'):
            with self.assertRaises((Cut, BadMessage)):
                self.client().sync(self.connected())
            server.close()  # which waits

    def test_sockets_that_have_tls(self):
        with self.for_server.wrap_socket(
                socket.socket(), server_side=True) as secured:
            for use in SyncServer(
                    'sqlite:///server.db', ['things']).listen, \
                    self.client().sync:
                with self.assertRaisesRegex(TypeError, 'ssl='):
                    use(secured)

    def test_others_can_connect(self):
        """That needs TLS, and certificates of clients or a token."""
        server = SyncServer('sqlite:///server.db', ['things'], token='secret')
        self.addCleanup(server.close)
        listening = socket.create_server(('0.0.0.0', 0))
        with self.assertRaisesRegex(ValueError, 'requires certificates'):
            server.listen(listening)
        self.assertEqual(listening.fileno(), -1)
        self.for_server.verify_mode = ssl.CERT_NONE
        server = SyncServer('sqlite:///server.db', ['things'],
                            ssl=self.for_server)
        self.addCleanup(server.close)
        with self.assertRaisesRegex(ValueError, 'requires certificates'):
            server.listen(socket.create_server(('0.0.0.0', 0)))

    def test_token_does_not_leave_the_machine_in_the_clear(self):
        connected = mock.Mock(spec=socket.socket)
        connected.getpeername.return_value = '192.0.2.1', 5984
        with self.assertRaisesRegex(ValueError, 'expected ssl='):
            self.client(token='secret').sync(connected)
        connected.close.assert_called_once_with()
        connected.sendall.assert_not_called()


class FrameTests(Base):

    def setUp(self):
        super().setUp()
        self.serve(self.unix())

    def refused(self, *sent):
        """Send bytes; return what the server says before it hangs up."""
        connected = self.connect()
        with self.assertLogs('zc.generationalset.sql'):
            for each in sent:
                connected.sendall(each)
            parts = []
            while part := connected.recv(1000):
                parts.append(part)
        self.assertEqual(self.rows('server.db'), [('x', 1, 1)])
        return b''.join(parts).decode(errors='replace')

    def test_large_greeting(self):
        size = frames.GREETING + 1
        self.assertEqual(self.refused(size.to_bytes(4, 'big')), '')

    def test_deep_greeting(self):
        text = b'[' * 1000 + b']' * 1000
        self.assertIn('expected a message', self.refused(
            len(text).to_bytes(4, 'big') + text))

    def test_no_greeting(self):
        self.assertIn('expected a message, hello', self.refused(
            b'\0\0\0\x0e{"type":"bye"}'))

    def test_half_a_greeting(self):
        connected = self.connect()
        with self.assertLogs('zc.generationalset.sql'):
            connected.sendall(b'\0\0\0\x0e{"type"')
            connected.shutdown(socket.SHUT_WR)
            self.assertEqual(connected.recv(100), b'')

    def test_large_rows(self):
        """The next frame may be larger than a greeting, but not too large."""
        here, there = socket.socketpair()
        with closing(here), closing(there), links.SocketLink(here) as sender, \
                links.SocketLink(there) as receiver:
            sender.send(b'hello')
            self.assertEqual(receiver.receive(), b'hello')
            here.sendall((frames.FRAME + 1).to_bytes(4, 'big'))
            with self.assertRaisesRegex(BadMessage, 'a frame of at most'):
                receiver.receive()
            with mock.patch.object(links, 'FRAME', 3), \
                    self.assertRaisesRegex(BadMessage, 'less than 3 bytes'):
                sender.send(b'hello')

    def test_slow_greeting(self):
        with mock.patch.object(links, 'GREETED', 0.01):
            connected = self.connect()
            with self.assertLogs('zc.generationalset.sql'):
                self.assertEqual(connected.recv(100), b'')


