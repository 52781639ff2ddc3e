"""Other people's HTTP clients, as docs/clients.txt has them."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from zc.generationalset.tests.support import http_clients
from zc.generationalset.tests.support.faulty import Proxy
from zc.generationalset.tests.support.layers import Clients
from zc.generationalset.tests.support.serving import Served, wait

TOKEN = 'secret'
JSON = {'content-type': 'application/json'}
#: Some iterators of lines end a line at these characters.
ENDS = 'next\x85line, line\u2028separator, paragraph\u2029separator'
#: Seconds within which a client gets what the server has sent.
PATIENCE = 60
#: How often a client comes back to a stream that was cut.
ATTEMPTS = 3


def follow(client, url):
    """Yield events, and come back after each cut with the last id."""
    headers = {}
    for _ in range(ATTEMPTS):
        try:
            for event in client.events(url, headers):
                yield event
                headers = {'last-event-id': event.id}
        except Exception as error:
            cut = error
    raise AssertionError('a stream ended too often') from cut


class HTTPClients:
    """What a client has to do; mix into a Served."""

    layer = Clients
    options = {'tokens': {TOKEN: 'ann'}}
    program = None

    def setUp(self):
        if self.program and shutil.which(self.program) is None:
            self.skipTest(f'{self.program} is not on this machine')
        super().setUp()
        self.http.headers['authorization'] = f'Bearer {TOKEN}'
        self.thread = self.stack.enter_context(ThreadPoolExecutor(1))
        self.client = self.stack.enter_context(closing(self.make(TOKEN)))

    def request(self, method, path, body=None, **headers):
        if body is not None:
            headers.update(JSON)
        return self.client.request(method, self.url + path, body, {
            name.replace('_', '-'): value for name, value in headers.items()})

    def position(self):
        answer = self.get().json()
        return f'generation={answer["generation"]}&epoch={answer["epoch"]}'

    def test_reading(self):
        self.put('a', ENDS)
        reply = self.request('GET', '/updates')
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.json()['contents'], [['a', ENDS]])
        asked = self.position()
        etag = reply.headers['etag']
        again = self.request(
            'GET', f'/updates?{asked}', if_none_match=etag)
        self.assertEqual(again.status, 304)
        self.put('b', 1)
        for _ in range(2):
            reply = self.request(
                'GET', f'/updates?{asked}', if_none_match=etag)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.json()['adds'], [['b', 1]])
        # The same question has another answer.
        self.put('c', 2)
        reply = self.request('GET', f'/updates?{asked}')
        self.assertEqual(reply.json()['adds'], [['b', 1], ['c', 2]])

    def test_writing(self):
        path = '/items/a%2Fb'
        for status in 201, 200:
            reply = self.request('PUT', path, json.dumps({'text': ENDS}))
            self.assertEqual(reply.status, status, reply.text)
        self.assertEqual(
            self.request('GET', path).json(), {'text': ENDS})
        batch = {'changes': [{
            'op': 'put', 'path': [str(number)], 'item': 'x' * 1000}
            for number in range(100)]}
        reply = self.request('POST', '/batch', json.dumps(batch))
        self.assertEqual(reply.status, 200, reply.text)
        self.assertEqual(self.request('DELETE', path).status, 200)
        self.assertEqual(self.request('DELETE', path).status, 404)
        self.assertEqual(self.http.get(path).status_code, 404)
        with closing(self.make('wrong')) as stranger:
            reply = stranger.request('PUT', self.url + path, '1', JSON)
        self.assertEqual(reply.status, 401)

    def test_long_poll(self):
        poll = self.thread.submit(
            self.request, 'GET', f'/updates?{self.position()}&wait=30')
        wait(lambda: 'gset_long_polls 1.0' in self.http.get('/metrics').text)
        self.put('a', 1)
        self.assertEqual(
            poll.result(PATIENCE).json()['adds'], [['a', 1]])

    def test_compression(self):
        self.put('a', 'x' * 10_000)
        reply = self.request('GET', '/updates')
        self.assertEqual(reply.headers['content-encoding'], 'gzip')
        self.assertEqual(reply.json()['contents'], [['a', 'x' * 10_000]])

    def test_events(self):
        with Proxy(self.url) as proxy:
            events = follow(
                self.client, f'{proxy.url}/events?{self.position()}')

            def arrives(id, item):
                self.put(id, item)
                event = self.thread.submit(next, events).result(PATIENCE)
                self.assertEqual(event.data['adds'], [[id, item]])
                return event.data

            arrives('a', ENDS)
            before = arrives('large', 'x' * 250_000)
            proxy.cut()
            after = arrives('b', 2)
            # Without the id of the last event, it would be the first.
            self.assertEqual(after['since'], before['generation'])
            arrives('c', 3)
            self.thread.submit(events.close).result(PATIENCE)


class RequestsTests(HTTPClients, Served):
    make = http_clients.Requests


class CacheControlTests(HTTPClients, Served):
    make = http_clients.CacheControl


class RequestsCacheTests(HTTPClients, Served):
    make = http_clients.RequestsCache


class HTTPXTests(HTTPClients, Served):
    make = http_clients.HTTPX


class HTTPXSSETests(HTTPClients, Served):
    make = http_clients.HTTPXSSE


class AIOHTTPTests(HTTPClients, Served):
    make = http_clients.AIOHTTP


class CurlTests(HTTPClients, Served):
    make = http_clients.Curl
    level = 2  # not every machine has it
    program = 'curl'


class CurlHTTP2Tests(HTTPClients, Served):
    make = http_clients.CurlHTTP2
    level = 2  # not every machine has it
    program = 'curl'


class JavaTests(HTTPClients, Served):
    make = http_clients.Java
    program = 'java'
    level = 2
