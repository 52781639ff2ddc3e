"""Both clients, with servers and proxies that do what they shouldn't."""

import contextlib
import itertools
import random
import time
import tracemalloc
import unittest
import zlib
from functools import partial

from zc.generationalset import GSet, wire
from zc.generationalset.client import (
    BadAnswer,
    Client,
    ClientError,
    MaybeWritten,
    Refused,
    Unavailable,
)
from zc.generationalset.documents import Document
from zc.generationalset.tests import faulty
from zc.generationalset.tests.clients import (
    ClientTests,
    Watcher,
    for_both,
    hurry,
    quiet,
)
from zc.generationalset.tests.faulty import Faulty, Proxy, response
from zc.generationalset.tests.scripts import answer, event
from zc.generationalset.tests.serving import Served, wait

MB = 2 ** 20
STREAM = response(200, length=-1, content_type='text/event-stream')


class Faults(ClientTests):
    """Servers that are wrong."""

    def serve(self, answer):
        server = Faulty(answer)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def scripted(self, *responses, **options):
        """Return a client of a server with these responses, and the server.

        The last one is for all further requests.
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
        client, self.server = self.scripted(*responses, **options)
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
        self.fails(Unavailable, 'ReadTimeout',
                   lambda: self.server_hangs(), timeout=.05)
        self.fails(Unavailable, 'ReadTimeout',
                   lambda: self.server_hangs(b'HTTP/1.1 200'), timeout=.05)
        self.fails(Unavailable, 'ReadTimeout', lambda: self.server_hangs(
            response(200, b'{"format', length=99)), timeout=.05)

    def server_hangs(self, first=b''):
        yield first
        time.sleep(.2)

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
        self.fails(Refused, '400 \x1b expected x, got y$', response(
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
        """No byte passes, as through a proxy that waits for the end."""
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
        # Once is enough to see that it doesn't work.
        self.assertEqual([request.path for request in server.requests].count(
            '/events'), 1)
        client.close()
        self.assertIsNone(watcher.ended())

    def test_it_is_never_hot(self):
        """Whatever a server does at once, it is asked once in a while."""
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
            # On the average, and without hurry.
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


class ProxyFaults(ClientTests):
    """A good server, with something bad on the way to it."""

    options = {'heartbeat': .2}
    seeds = range(3)

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.url)
        self.stack.enter_context(self.proxy)
        self.client = self.make_client(self.proxy.url, heartbeat=.5)
        self.waits = hurry(self.client)

    def fault(self, *faults):
        """Let these be the faults of the next requests; then all is well."""
        rest = list(faults)
        self.proxy.fault = lambda request: rest.pop(0) if rest else None

    def written(self):
        with self.changing() as things:
            return things.generation - 1, sorted(things.ids())

    def test_lost_responses_of_writes(self):
        for write, id in [
                (lambda: self.client.put('a', 1), 'a'),
                (lambda: self.client.add((), 2), None),
                (lambda: self.client.batch([('put', 'c', 3)])[0], 'c'),
                (lambda: self.client.make_set('d'), 'd')]:
            self.client.sync()
            before, _ = self.written()
            self.fault(faulty.lose, faulty.cut_after(20), faulty.status(502))
            id = write() or id
            generation, ids = self.written()
            self.assertIn(id, ids)
            self.assertIn(generation - before, (1, 3))  # no other items
            self.assertIn(id, self.client.replica.items)
        self.assertEqual(len(ids), 4)

    def test_lost_response_of_a_removal(self):
        self.client.put('a', 1)
        self.client.sync()
        self.fault(faulty.lose)
        self.client.remove('a')
        self.assertEqual(self.client.replica.items, {})
        self.client.put('a', 1)
        self.fault(faulty.lose)
        with self.assertRaises(MaybeWritten):
            self.client.batch([('remove', 'a')])

    def test_writes_that_never_get_through(self):
        self.fault(*[faulty.refuse] * 4)
        with self.assertRaises(MaybeWritten):
            self.client.put('a', 1)
        self.assertEqual(self.written(), (0, []))
        self.fault(*[faulty.status(503)] * 4)
        with self.assertRaises(Unavailable):
            self.client.put('a', 1)
        self.fault(faulty.garble)
        with self.assertRaises(MaybeWritten):
            self.client.put('a', 1)

    def test_cache(self):
        """Old answers are not applied, and the cache is passed by."""
        self.put('a')
        self.proxy.fault = faulty.Cache()
        self.client.sync()
        self.put('b')
        self.client.sync()
        with self.changing() as things:
            things.renew()
            del things['a']
        self.client.sync()
        self.client.sync()
        self.assertEqual(self.client.replica.items, {'b': None})
        self.assertEqual(len(self.proxy.fault.stored), 4)

    def test_cache_that_does_not_let_pass(self):
        cache = faulty.Cache()

        def fault(request):
            request.headers.pop('cache-control', None)
            return cache(request)
        self.proxy.fault = fault
        self.put('a')
        self.client.sync()
        self.put('b')
        with self.assertRaisesRegex(BadAnswer, 'look for a cache'):
            self.client.sync()
        self.assertEqual(self.client.replica.items, {'a': None})

    def test_half_events(self):
        """Streams are cut everywhere; every change comes once."""
        watcher = Watcher(self.client)
        sizes = itertools.count(200)  # of one event, and a bit
        self.proxy.fault = lambda request: faulty.cut_body_after(
            next(sizes)) if request.path == '/events' else None
        with self.assertLogs('zc.generationalset.client'):
            for number in range(60):
                self.put(f'{number:03}')
                watcher.saw('added', f'{number:03}')
        self.assertGreater(next(sizes), 230)
        self.assertEqual(
            sorted(watcher.seen),
            [('added', (f'{number:03}',)) for number in range(60)])

    def test_random_faults(self):
        """Whatever happens, it gets everything, once, in the end."""
        for seed in self.seeds:
            chance = random.Random(seed)
            cache = faulty.Cache()

            def fault(request, chance=chance, cache=cache):
                if chance.random() < .5:
                    return None
                return chance.choice([
                    faulty.refuse, faulty.lose, faulty.garble,
                    faulty.cut_after(chance.randrange(400)),
                    faulty.status(500), faulty.status(503, retry_after=1),
                    faulty.status(429), cache(request)])
            self.proxy.fault = fault
            client = self.make_client(self.proxy.url, heartbeat=.3)
            hurry(client)
            watcher = Watcher(client)
            with quiet():
                self.change_at_random(chance, client)
                self.proxy.fault = lambda request: None
                self.put('last', seed)
                wait(lambda seed=seed, client=client:
                     client.replica.items.get('last') == seed)
            with Client(self.url) as other:
                other.sync()
                with client.lock:
                    self.assertEqual(
                        client.replica.items, other.replica.items)
            wait(lambda watcher=watcher, client=client:
                 replay(watcher.changes) == client.replica.items)
            client.close()
            self.assertIsNone(watcher.ended())

    def change_at_random(self, chance, client):
        for number in range(60):
            id = chance.choice('abcdef')
            with self.changing() as things:
                if id in things:
                    del things[id]
                elif chance.random() < .3:
                    things.add(GSet(id))
                    things[id].add(Document('inner', number))
                else:
                    things.add(Document(id, number))
                if chance.random() < .05:
                    things.renew()
            time.sleep(chance.random() * .01)
            if chance.random() < .1:
                self.proxy.cut()
            if chance.random() < .2:
                with contextlib.suppress(ClientError):
                    client.put(f'own {id}', number)


SyncProxyTests, AsyncProxyTests = for_both(ProxyFaults, Served)


def replay(changes):
    """Return what a user interface shows that was told of these changes."""
    shown = {}
    for kind, (*path, id), item in list(changes):
        inside = shown
        for step in path:
            inside = inside[step]
        if kind == 'removed':
            del inside[id]
        else:
            inside[id] = {} if type(item).__name__ == 'Subset' else item
    return shown


class TextTests(unittest.TestCase):

    def test_token_is_in_no_text(self):
        """Not of a client, of its parts, nor of what a debugger shows."""
        client = Client('http://127.0.0.1:9', 'open-sesame')
        self.addCleanup(client.close)
        session = client._session
        request = session.request('GET', 'x', session.position())
        for ob in client, session, request, client._network, \
                client._options['headers']:
            self.assertNotIn('sesame', repr(ob))
