"""Syncs over HTTP: outcomes, tokens, limits; lost responses; hostile peers."""

import gzip
import itertools
import json
import os
import random
import socket
import sqlite3
from contextlib import closing
from unittest import mock

import httpx
from starlette.applications import Starlette

from zc.generationalset.loopback import without_proxy
from zc.generationalset.sql.peers import (
    BadMessage,
    Cut,
    Rejected,
    Report,
    SyncError,
    SyncServer,
    frames,
    posting,
    route,
)
from zc.generationalset.sql.peers.links import packed, unpacked
from zc.generationalset.tests.support.posting_peers import (
    TOKEN,
    URL,
    PostingPeer,
    client_of,
)
from zc.generationalset.tests.support.serving import plain, running
from zc.generationalset.tests.unit.sql import (
    test_peers,
    test_peers_hostile,
    test_peers_sockets,
)


class Posting:
    """A test whose clients post."""

    def peer(self, path, *arguments, **options):
        peer = PostingPeer(path, *arguments, **options)
        self.addCleanup(peer.close)
        return peer


class PolicyTests(Posting, test_peers.PolicyTests):
    """The outcomes are those of sockets."""


class LostTests(Posting, test_peers.Base):
    """Half a response is lost; the next sync goes on."""

    def test_each_response(self):
        random_ = random.Random(1)
        values = itertools.count(1)
        self.server.policy = 'columns'
        for lost in 0, 1, 2:
            for peer in self.client, self.server, self.client:
                for id in 'xyz':
                    peer.run(
                        'INSERT INTO things VALUES (?, ?, 1) '
                        'ON CONFLICT (id) DO UPDATE SET '
                        f'{random_.choice("ab")} = excluded.a',
                        id, next(values))
                self.client.sync(self.server, lost=lost)
        while self.client.sync(self.server, lost=2) is None:
            pass
        self.sync()
        self.check(self.server.things)

    def test_push_whose_response_is_lost(self):
        """It was applied; what others do after it is no conflict."""
        self.begin('x', 1, 1)
        self.client.run('UPDATE things SET a = 2')
        self.assertIsNone(self.client.sync(self.server, lost=1))
        self.assertEqual(self.server.things, {'x': [2, 1]})
        self.server.run('UPDATE things SET a = 3')
        self.assertEqual(self.sync().conflicts, 0)
        self.check({'x': [3, 1]})


class HostileTests(Posting, test_peers_hostile.ServerTests):
    """What a client may post; the tests of half a conversation are others'."""

    def refused(self, text, *messages, **members):
        before = self.server.run('SELECT * FROM gset_clients')
        with self.assertRaisesRegex(SyncError, text):
            self._post(dict(test_peers_hostile.HELLO, **members), *messages)
        self.assertEqual(self.server.things, {'x': [1, 1]})
        self.assertEqual(
            self.server.run('SELECT * FROM gset_clients'), before)

    def _post(self, *messages):
        """Post messages; raise what the server refuses."""
        with client_of(self.server.app()) as client:
            response = client.post(
                URL, headers={'authorization': f'bearer {TOKEN}'},
                content=b''.join(packed(json.dumps(message).encode())
                                 for message in messages))
        rest = bytearray(response.content)

        def exactly(size):
            data = bytes(rest[:size])
            del rest[:size]
            return data

        while rest:
            frames.read(unpacked(exactly), 'welcome', 'contents', 'rows',
                        'end')
        self.assertEqual(response.status_code, 200)


class EndpointTests(test_peers_sockets.Base):
    """The objects of users, and a server."""

    def app(self, **options):
        self.server = SyncServer(
            'sqlite:///server.db', ['things'], token=TOKEN, **options)
        self.addCleanup(self.server.close)
        return Starlette(routes=[self.server.route('/sync')])

    def post(self, app, content=b'', token=TOKEN):
        with client_of(app) as client:
            return client.post(
                URL, content=content,
                headers={'authorization': f'Bearer {token}'})

    def test_sync(self):
        client = self.client(token=TOKEN)
        with running(plain(self.app())) as url:
            for expected in (0, 1, 0), (0, 0, 0):
                self.assertEqual(client.sync(f'{url}/sync'), expected)
            for token in '', 'other':
                with self.assertRaisesRegex(Rejected, '401.*another token'):
                    self.client(token=token).sync(f'{url}/sync')
            with self.assertRaisesRegex(Rejected, '404'):
                client.sync(f'{url}/other')
        with self.assertRaisesRegex(Cut, 'the request failed'):
            client.sync(f'{url}/sync')
        self.assertEqual(self.rows(), [('x', 1, 1)])

    def test_proxy_of_the_environment(self):
        """Requests to this machine don't leave it."""
        client = self.client(token=TOKEN)
        with running(plain(self.app())) as url, mock.patch.dict(
                os.environ, http_proxy='http://proxy.invalid'):
            self.assertEqual(client.sync(f'{url}/sync'), (0, 1, 0))
        self.assertEqual(without_proxy('https://example.org/sync'), {})

    def test_many_rows(self):
        """More than a block, both ways."""
        for path, first in ('server.db', 1), ('client.db', 100_000):
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.executemany('INSERT INTO things VALUES (?, 1, 1)', [
                    ('x' * 200 + str(first + number),)
                    for number in range(1500)])
        with running(plain(self.app())) as url:
            self.assertEqual(
                self.client(token=TOKEN).sync(f'{url}/sync'),
                Report(1500, 3001, 0))
        self.assertEqual(sorted(self.rows()), sorted(self.rows('server.db')))

    def test_route_needs_a_token(self):
        server = SyncServer('sqlite:///server.db', ['things'])
        with closing(server), \
                self.assertRaisesRegex(ValueError, 'expected token='):
            server.route('/sync')

    def test_urls(self):
        client = self.client(token=TOKEN)
        for text, url in [
                ('expected a URL', 'shop.example'),
                ('expected a URL', 'ftp://shop.example'),
                ('expected a URL', 'https://shop.example:port'),
                ('expected https:', 'http://192.0.2.1/sync'),
                ('expected https:', 'http://shop.example/sync')]:
            with self.assertRaisesRegex(ValueError, text):
                client.sync(url)

    def test_unknown_token(self):
        """The body isn't read."""
        response = self.post(self.app(), b'\xff' * 100, 'other')
        self.assertEqual(response.status_code, 401)
        self.assertEqual(response.headers['www-authenticate'], 'Bearer')

    def test_too_many_clients(self):
        with mock.patch('zc.generationalset.sql.peers.server.CLIENTS', 0):
            app = self.app()
        response = self.post(app)
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.headers['retry-after'], '5')

    def test_large_body(self):
        app = self.app()
        with mock.patch.object(route, 'TOTAL', 10):
            self.assertEqual(self.post(app, b' ' * 11).status_code, 413)

    def test_slow_body(self):
        app = self.app()
        with mock.patch.object(route, 'PATIENCE', 0.01), \
                running(plain(app)) as url, closing(
                    socket.create_connection(
                        ('127.0.0.1', httpx.URL(url).port))) as connected:
            connected.sendall((
                'POST /sync HTTP/1.1\r\nhost: localhost\r\n'
                f'authorization: Bearer {TOKEN}\r\n'
                'content-length: 9\r\n\r\n').encode())
            self.assertIn(b' 408 ', connected.recv(100))

    def test_bodies_that_are_no_frames(self):
        app = self.app()
        for body in b'', b'\0', b'\xff' * 10, b'\0\0\0\x0e{"type"':
            with self.assertLogs('zc.generationalset.sql'):
                response = self.post(app, body)
            self.assertEqual(response.content, b'')
        self.assertEqual(self.rows('server.db'), [('x', 1, 1)])

    def test_compressed_responses(self):
        """They aren't asked for, and aren't decompressed."""
        def respond(request):
            self.assertEqual(request.headers['accept-encoding'], 'identity')
            return httpx.Response(
                200, headers={'content-encoding': 'gzip'},
                content=iter([gzip.compress(packed(b'{}'))]))

        with httpx.Client(transport=httpx.MockTransport(respond)) as client, \
                posting.PostingLink(client, URL, TOKEN) as link, \
                self.assertRaisesRegex(BadMessage, 'a frame of at most'):
            link.send(b'hello')
            link.receive()

    def test_responses_that_are_no_frames(self):
        for text, error, body in [
                ('too early', Cut, b''), ('too early', Cut, b'\0\0\0\7{'),
                ('at most', BadMessage, b'<html>'),
                ('expected a message', BadMessage, b'\0\0\0\2{}')]:
            transport = httpx.MockTransport(
                lambda request, body=body: httpx.Response(
                    200, content=iter([body])))
            with self.assertRaisesRegex(error, text), \
                    httpx.Client(transport=transport) as client, \
                    posting.PostingLink(client, URL, TOKEN) as link:
                link.send(b'hello')
                frames.read(link.receive(), 'welcome')
