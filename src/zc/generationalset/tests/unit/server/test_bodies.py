"""Bodies: their encoding, their time, and their number."""

import gzip
import json
import socket
import threading
import urllib.parse

from zc.generationalset.server import Limits, budget
from zc.generationalset.tests.support.serving import Served, wait

KIND = 'application/json'


class EncodingTests(Served):

    def put(self, body=b'"\xc3\xa4"', kind=KIND, **headers):
        return self.http.put('/items/a', content=body, headers={
            'content-type': kind, **{name.replace('_', '-'): value
                                     for name, value in headers.items()}})

    def test_encodings(self):
        body = gzip.compress(b'"a"')
        self.refused(415, self.put(body, content_encoding='gzip'), 'gzip')
        self.refused(415, self.put(content_encoding='gzip'), 'gzip')
        self.assertEqual(self.put(content_encoding='identity').status_code,
                         201)

    def test_charsets(self):
        for charset in 'latin-1', 'UTF-16', '"utf-7"', '':
            self.refused(
                415, self.put(kind=f'{KIND}; charset={charset}'), 'UTF-8')
        for charset in 'utf-8', 'UTF-8', '"utf-8"', 'UTF8; x=y':
            self.assertIn(
                self.put(kind=f'{KIND}; charset={charset}').status_code,
                (200, 201))
        self.assertEqual(self.http.get('/items/a').json(), 'ä')


class Sending(Served):

    def begin(self, path, size, sent, method='PUT'):
        """Send a head, and some of the body."""
        address = urllib.parse.urlsplit(self.url)
        connection = socket.create_connection(
            (address.hostname, address.port), 30)
        self.stack.callback(connection.close)
        connection.sendall(
            f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n'
            f'Content-Type: {KIND}\r\nContent-Length: {size}\r\n\r\n'
            .encode() + b'"'.ljust(sent, b'x')[:sent])
        return connection


class SlowBodyTests(Sending):

    options = {'limits': Limits(seconds=0.5)}

    def test_too_slow(self):
        for path, sent in [('/items/a', 5), ('/items/', 5), ('/items/s/', 0)]:
            method = 'POST' if path == '/items/' else 'PUT'
            with self.subTest(path):
                connection = self.begin(path, 10, sent, method)
                self.assertIn(b' 408 ', connection.recv(1000))


class BudgetTests(Sending):

    size = 500_000
    options = {'limits': Limits(bodies=1_200_000)}

    def rest(self):
        return self.app.state.gset.budget._rest

    def test_too_many_large_bodies(self):
        held = self.size - 1 - budget.FREE
        connections = [
            self.begin('/items/a', self.size, self.size - 1) for _ in '12']
        wait(lambda: self.rest() == 1_200_000 - 2 * held)
        text = json.dumps('x' * self.size)
        third = self.http.put('/items/b', content=text,
                              headers={'content-type': KIND})
        self.refused(503, third, 'too many large bodies')
        self.assertTrue(int(third.headers['retry-after']))
        # Small ones get through.
        self.assertEqual(self.http.put('/items/c', json=1).status_code, 201)
        connections[0].sendall(b'"')
        self.assertIn(b' 201 ', connections[0].recv(1000))
        connections[1].close()
        wait(lambda: self.rest() == 1_200_000)
        self.assertEqual(self.http.put(
            '/items/b', content=text,
            headers={'content-type': KIND}).status_code, 201)
        self.assertEqual(self.rest(), 1_200_000)

    def test_it_counts_until_it_is_written(self):
        proceed = threading.Event()
        self.stack.callback(proceed.set)
        self.http.get('/items/')
        trees = self.app.state.gset._trees[1]
        write = trees.source.write_all

        def slow(writes):
            proceed.wait(90)
            return write(writes)
        trees.source.write_all = slow
        connection = self.begin('/items/a', self.size, self.size - 1)
        connection.sendall(b'"')
        wait(lambda: trees.jobs._waiting)
        self.assertLess(self.rest(), 1_200_000)
        proceed.set()
        self.assertIn(b' 201 ', connection.recv(1000))
        wait(lambda: self.rest() == 1_200_000)
