"""Both clients, with servers that break the protocol."""

import tracemalloc
import unittest
import zlib
from functools import partial

from zc.generationalset import wire
from zc.generationalset.client import (
    BadAnswer,
    Client,
    Refused,
    Unavailable,
)
from zc.generationalset.tests.support.clients import (
    ClientTests,
    Watcher,
    for_both,
    hurry,
)
from zc.generationalset.tests.support.faulty import Faulty, response
from zc.generationalset.tests.support.scripts import answer, event
from zc.generationalset.tests.support.serving import wait

MB = 2 ** 20
STREAM = response(200, length=-1, content_type='text/event-stream')


class Faults(ClientTests):
    """Servers that answer wrongly."""

    def serve(self, answer):
        self.server = Faulty(answer)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        return self.server

    def scripted(self, *responses, **options):
        """Return a client of a server with these responses, and the server.

        The last response is for all further requests.
        """
        rest = list(responses)

        def respond(request):
            pieces = rest.pop(0) if rest[1:] else rest[0]
            return [pieces] if isinstance(pieces, bytes) else pieces()
        server = self.serve(respond)
        client = self.make_client(server.url, **options)
        self.waits = hurry(client)
        return client, server

    def fails(self, kind, pattern, *responses, **options):
        client, _ = self.scripted(*responses, **options)
        with self.assertRaisesRegex(kind, pattern):
            client.sync()
        self.assertEqual(client.replica.generation, 0)
        self.assertEqual(client.replica.items, {})

    def test_no_http(self):
        for text in b'', b'SSH-2.0-x\r\n', b'\0' * 1000, b'HTTP/1.1 \r\n':
            self.fails(Unavailable, 'RemoteProtocolError', text)
            self.assertEqual(len(self.waits), 3)

    def test_body_that_is_no_answer(self):
        for body in b'', b'<html>', b'{}', b'\xff', answer(0, 3)[:-1]:
            self.fails(BadAnswer, 'updates: expected', response(200, body))
            self.assertEqual(len(self.server.requests), 1)
        self.fails(BadAnswer, "got 200 'text/html'",
                   response(200, answer(0, 3), content_type='text/html'))

    def test_cut_body(self):
        good = response(200, answer(0, 3, contents=[['a', 1]]))
        client, _ = self.scripted(good[:-1], good[:-10], good)
        self.assertEqual(len(client.sync()), 1)

    def test_cut_body_without_length(self):
        body = answer(0, 3, contents=[['a', 1]])
        self.fails(BadAnswer, 'truncated|expected',
                   response(200, body[:-1], length=-1))

    def test_silence(self):
        self.fails(Unavailable, 'Timeout',
                   lambda: self.server_hangs(), timeout=.05)
        self.fails(Unavailable, 'Timeout',
                   lambda: self.server_hangs(b'HTTP/1.1 200'), timeout=.05)
        self.fails(Unavailable, 'Timeout', lambda: self.server_hangs(
            response(200, b'{"format', length=99)), timeout=.05)

    def server_hangs(self, first=b''):
        yield first
        self.server.stopping.wait()

    def test_endless_body(self):
        sent = []

        def endless():
            yield response(200, length=-1)
            for number in range(1000):
                sent.append(number)
                yield b' ' * MB
        limits = wire.Limits(size=5 * MB)
        tracemalloc.start()
        try:
            self.fails(BadAnswer, 'expected at most 5,242,880 bytes', endless,
                       limits=limits)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 20 * MB)
        self.assertLess(len(sent), 100)

    def test_endless_problem(self):
        sent = []

        def endless():
            yield response(400, length=-1,
                           content_type='application/problem+json')
            for number in range(1000):
                sent.append(number)
                yield b' ' * MB
        self.fails(Refused, '400 Bad Request$', endless)
        self.assertLess(len(sent), 100)

    def test_bomb(self):
        packed = pack(b' ' * 100 * MB)
        self.assertLess(len(packed), MB)
        tracemalloc.start()
        try:
            self.fails(BadAnswer, 'expected at most 1,048,576 bytes',
                       response(200, packed, content_encoding='gzip'),
                       limits=wire.Limits(size=MB))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 10 * MB)

    def test_gzip(self):
        good = pack(answer(0, 3, contents=[['a', 1]]))
        client, server = self.scripted(
            response(200, good, content_encoding='gzip'))
        self.assertEqual(len(client.sync()), 1)
        self.assertEqual(server.requests[0].headers['accept-encoding'], 'gzip')
        for encoding, body, pattern in [
                ('gzip', good[:-5], 'got a part of it'),
                ('gzip', b'x', 'expected gzip, got'),
                ('gzip', good + b'x' * MB, 'got more'),
                ('br', good, "expected gzip or nothing, got 'br'")]:
            self.fails(BadAnswer, pattern,
                       response(200, body, content_encoding=encoding))

    def test_problems(self):
        problem = b'{"title": "Oh", "detail": "\\u001b expected x, got y"}'
        self.fails(Refused, r'400 \\x1b expected x, got y$', response(
            400, problem, content_type='application/problem+json'))
        for body in b'[', b'[]', b'{}', b'{"detail": 1}', b'[' * 60000, \
                b'{"title": ""}':
            self.fails(Refused, '418 I\'m a Teapot$', response(
                418, body, content_type='application/problem+json'))
        self.fails(Refused, '499 no explanation$', response(499))
        self.fails(Refused, '400 x{500}$', response(
            400, b'{"detail": "%b"}' % (b'x' * 900),
            content_type='application/problem+json'))

    def test_too_busy(self):
        for status in 429, 503:
            self.fails(Unavailable, f'{status} ',
                       response(status, retry_after=40))
            self.assertEqual(self.waits, [40, 40, 40])
        self.fails(Unavailable, '503 ', response(503, retry_after=4000))
        self.assertEqual(self.waits, [])

    def test_redirection_to_another_server(self):
        thief = self.serve(lambda request: [response(200, answer(0, 3))])
        for status in 301, 302, 303, 307, 308:
            client, server = self.scripted(
                response(status, location=f'{thief.url}/updates'),
                token='open-sesame')
            for action in client.sync, partial(client.put, 'a', 1), \
                    partial(next, client.watch()):
                with self.assertRaisesRegex(Refused, 'elsewhere') as caught:
                    action()
                self.assertNotIn('sesame', str(caught.exception))
            for request in server.requests:
                self.assertEqual(request.headers['authorization'],
                                 'Bearer open-sesame')
        self.assertEqual(thief.requests, [])

    def test_redirection(self):
        client, server = self.scripted(
            response(307, location='/other/updates?x=y'),
            response(200, answer(0, 3)), token='open-sesame')
        client.sync()
        self.assertEqual(server.requests[1].target, '/other/updates?x=y')
        self.assertEqual(server.requests[1].headers['authorization'],
                         'Bearer open-sesame')

    # Streams

    def streamed(self, *pieces, **options):
        """Return a client that watches a stream of these pieces."""
        def respond(request):
            if request.path == '/events':
                yield STREAM
                yield from pieces
            elif 'if-none-match' in request.headers:
                yield response(304)
            else:
                since = 3 if 'generation=3' in request.target else 0
                yield response(200, answer(since, 3))
        server = self.serve(respond)
        client = self.make_client(server.url, **options)
        self.waits = hurry(client)
        return client, server

    def test_endless_line(self):
        client, _ = self.streamed(
            *[b'x' * MB] * 9, limits=wire.Limits(size=2 * MB))
        with self.assertLogs('zc.generationalset.client', 'INFO') as logs:
            watcher = Watcher(client)
            wait(lambda: 'polling' in ''.join(logs.output))
        self.assertIn('expected events of at most 2,097,152 bytes',
                      logs.output[0])
        client.close()
        self.assertIsNone(watcher.ended())

    def test_stream_in_bytes(self):
        text = event(3, 4, adds=[['a', 1]]) + event(4, 5, adds=[['b', 1]])
        client, server = self.streamed(
            *(bytes([byte]) for byte in text), b'event: updates\ndata: {')
        with self.assertLogs('zc.generationalset.client'):
            watcher = Watcher(client)
            watcher.saw('added', 'a')
            watcher.saw('added', 'b')
            wait(lambda: self.waits)
        client.close()
        for request in server.requests:
            if request.path == '/events':  # where packing would delay
                self.assertEqual(
                    request.headers['accept-encoding'], 'identity')
        self.assertEqual(client.replica.items, {'a': 1, 'b': 1})

    def test_silent_stream(self):
        """No byte passes, as with a proxy that waits for the end."""
        def respond(request):
            if request.path == '/events':
                return server.hang()
            if 'generation=3' not in request.target:
                return [response(200, answer(0, 3))]
            if 'wait' not in request.target:
                return [response(304)]
            return [response(200, answer(3, 4, adds=[['a', 1]]))]
        server = self.serve(respond)
        client = self.make_client(server.url, heartbeat=.05)
        hurry(client)
        with self.assertLogs('zc.generationalset.client', 'INFO') as logs:
            watcher = Watcher(client)
            watcher.saw('added', 'a')
        self.assertIn('ReadTimeout', logs.output[0])
        # One stream is enough to see that streams don't work.
        self.assertEqual([request.path for request in server.requests].count(
            '/events'), 1)
        client.close()
        self.assertIsNone(watcher.ended())

    def test_it_is_never_hot(self):
        """However a server fails at once, it is asked only now and then."""
        for pieces in [
                (), (b':\n\n',), (event(type='ask'),), (event(3, 3),),
                (event(9, 10),), (event(3, 3, epoch='f'),), (b'data',),
                (b'event: updates\ndata: x\n\n',)]:
            client, server = self.streamed(*pieces)
            with self.assertLogs('zc.generationalset.client'):
                watcher = Watcher(client)
                wait(lambda: len(self.waits) > 20)
                client.close()
            self.assertIsNone(watcher.ended())
            self.assertLess(len(server.requests), 2.5 * len(self.waits) + 5)
            # The average wait is long enough.
            self.assertGreater(sum(self.waits), .2 * len(self.waits), pieces)

    def test_malformed_for_ever(self):
        client, _ = self.scripted(response(200, answer(0, 3)[:-1]))
        with self.assertLogs('zc.generationalset.client'):
            self.assertIsInstance(Watcher(client).ended(), BadAnswer)
        self.assertEqual(len(self.waits), 9)


SyncFaultTests, AsyncFaultTests = for_both(Faults)


def pack(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


class TextTests(unittest.TestCase):

    def test_token_is_in_no_text(self):
        """No repr shows it: of a client, its parts, or in a debugger."""
        client = Client('http://127.0.0.1:9', 'open-sesame')
        self.addCleanup(client.close)
        session = client._session
        request = session.server.request('GET', 'x', session.position())
        for ob in client, session, session.server, request, \
                client._network, client._network.http.headers:
            self.assertNotIn('sesame', repr(ob))
