"""A server without ZODB, of a source in memory, with a real client."""

import contextlib
import subprocess
import sys
import threading
import unittest

import httpx

from zc.generationalset import wire
from zc.generationalset.client import Client, Refused
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.support.streams import Stream

#: Runs the server where importing ZODB is an error.
CODE = '''
import sys
for name in 'ZODB', 'BTrees', 'persistent', 'transaction', 'ZEO':
    sys.modules[name] = None
from zc.generationalset.tests.support.memory_server import main
main()
'''


class MemoryTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        process = self.stack.enter_context(subprocess.Popen(
            [sys.executable, '-c', CODE],
            env=ENVIRONMENT, stdout=subprocess.PIPE, text=True))
        self.stack.callback(process.terminate)
        self.url = process.stdout.readline().strip()
        self.http = self.stack.enter_context(httpx.Client(
            base_url=self.url, timeout=90,
            headers={'authorization': 'Bearer a'}))

    def client(self, token='a'):
        return self.stack.enter_context(Client(self.url, token))

    def refused(self, status, method, path, **options):
        response = self.http.request(method, path, **options)
        self.assertEqual(response.status_code, status, response.text)
        problem = response.json()
        self.assertEqual(problem['status'], status)
        return problem

    def test_writes_of_a_client(self):
        client, other = self.client(), self.client()
        client.sync()
        client.put('a', {'size': 1})
        client.make_set('s')
        client.put(('s', 'b'), [1, (2, 3)])
        id = client.add('s', 'new')
        client.batch([('put', 'c', 1), ('set', 't'), ('remove', 'a')])
        client.put('c', 2)
        expected = {'s': {'b': [1, (2, 3)], id: 'new'}, 'c': 2, 't': {}}
        self.assertEqual(client.replica.items, expected)
        other.sync()
        self.assertEqual(other.replica.items, expected)
        client.remove_set('s')
        client.remove('c')
        other.sync()
        self.assertEqual(other.replica.items, {'t': {}})
        self.assertEqual(other.sync(), [])

    def test_watching(self):
        client, other = self.client(), self.client()
        seen = []

        def watch():
            for changes in client.watch():
                seen.extend(changes)

        thread = threading.Thread(target=watch)
        thread.start()
        for number in range(5):
            other.put(f'{number}', number)
            wait(lambda number=number: client.replica.items.get(
                f'{number}') == number)
        client.close()
        thread.join(90)
        self.assertEqual(len(seen), 5)

    def test_event_streams_and_long_polls(self):
        answer = self.http.get('/updates').json()
        position = {name: answer[name] for name in ('generation', 'epoch')}
        stream = Stream(self.http, **position)
        wait(stream.comments)
        thread = threading.Timer(.1, self.client().put, ['a', 1])
        thread.start()
        self.stack.callback(thread.join)
        response = self.http.get('/updates', params={**position, 'wait': 30})
        self.assertEqual(response.json()['adds'], [['a', 1]])
        stream.wait_for(position['generation'] + 1)

    def test_items(self):
        client = self.client()
        client.make_set('s')
        client.put(('s', 'a'), {'x': [1]})
        self.assertEqual(self.http.get('/items/s/a').json(), {'x': [1]})
        self.assertEqual(
            self.http.get('/items/s/').json(), {'id': 's', 'length': 1})
        self.assertEqual(
            self.http.get('/items/').json(), {'id': None, 'length': 1})

    def test_statuses(self):
        client = self.client()
        client.put('a', 1)
        client.make_set('s')
        for status, method, path in [
                (404, 'GET', '/items/x'), (404, 'GET', '/items/a/'),
                (404, 'GET', '/items/s'), (404, 'DELETE', '/items/x'),
                (404, 'PUT', '/items/x/s/'), (409, 'DELETE', '/items/a/'),
                (409, 'DELETE', '/items/s'), (409, 'PUT', '/items/a/'),
                (403, 'POST', '/sell/nothing'), (405, 'PUT', '/items/')]:
            self.refused(status, method, path)
        for status, path in [(409, '/items/s'), (404, '/items/x/a'),
                             (404, '/items/a/b'), (200, '/items/a')]:
            response = self.http.put(path, json=1)
            self.assertEqual(response.status_code, status, path)
        problem = self.refused(409, 'POST', '/batch', json={'changes': [
            {'op': 'put', 'path': ['b'], 'item': 1},
            {'op': 'set', 'path': ['a']}]})
        self.assertEqual(problem['change'], 1)
        self.refused(404, 'GET', '/items/b')
        with self.assertRaises(Refused):
            client.make_set('a')

    def test_users(self):
        self.client().put('a', 1)
        self.assertEqual(self.client('b').sync(), [])
        for method, path in ('GET', '/updates'), ('PUT', '/items/a'):
            self.refused(404, method, path, json=1, headers={
                'authorization': 'Bearer c'})
            self.refused(401, method, path, headers={
                'authorization': 'Bearer x'})

    def test_conditions(self):
        response = self.http.get('/updates')
        asked = {
            'params': {name: response.json()[name]
                       for name in ('epoch', 'generation')},
            'headers': {'if-none-match': response.headers['etag']}}
        self.assertEqual(self.http.get('/updates', **asked).status_code, 304)
        self.client().put('a', 1)
        self.assertEqual(self.http.get('/updates', **asked).status_code, 200)

    def test_handlers_of_applications(self):
        answer = self.http.get('/updates').json()
        response = self.http.post('/sell/a', params={
            'generation': answer['generation'], 'epoch': answer['epoch']})
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(response.json()['updates']['adds'], [['a', 'sold']])

    def test_large_answers(self):
        client = self.client()
        client.batch([('put', f'{number:05}', 'x' * 100)
                      for number in range(5000)])
        for encoding in 'gzip', 'identity':
            response = self.http.get(
                '/updates', headers={'accept-encoding': encoding})
            answer = wire.decode(response.content)
            self.assertEqual(len(answer['contents']), 5000)
        other = self.client()
        other.sync()
        self.assertEqual(len(other.replica.items), 5000)

    def test_monitoring(self):
        wait(lambda: self.http.get('/healthz').json() == {'status': 'ok'})
        self.client().put('a', 1)
        self.assertIn('gset_conflicts_total 0.0',
                      self.http.get('/metrics').text)
