"""Writing over HTTP: items, sets and batches; what is refused."""

import json
import socket
import threading
import urllib.parse

import httpx
from starlette.routing import Route

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import Limits, Problem
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.support.things import Thing


class WritingTests(Served):

    def contents(self):
        return self.get().json()['contents']

    def test_put(self):
        response = self.http.put('/items/a', json={'n': 1})
        self.assertEqual((response.status_code, response.json()), (201, {}))
        self.assertEqual(self.contents(), [['a', {'n': 1}]])
        response = self.http.put('/items/a', json={'n': 2})
        self.assertEqual((response.status_code, response.json()), (200, {}))
        self.assertEqual(self.contents(), [['a', {'n': 2}]])
        self.assertEqual(self.http.get('/items/a').json(), {'n': 2})

    def test_put_twice_is_one_change(self):
        for status in 201, 200, 200:
            response = self.http.put('/items/a', json={'n': 1})
            self.assertEqual(response.status_code, status)
        self.assertEqual(self.get().json()['generation'], 2)

    def test_updates_of_others_come_along(self):
        epoch = self.epoch()
        self.put('a')
        response = self.http.put(
            '/items/b', json=2, params={'generation': 1, 'epoch': epoch})
        self.assertEqual(response.json(), {'updates': {
            'format': 1, 'epoch': epoch, 'since': 1, 'generation': 3,
            'adds': [['a', None], ['b', 2]]}})
        response = self.http.delete(
            '/items/a', params={'generation': 3, 'epoch': epoch})
        self.assertEqual(response.json()['updates']['removals'], ['a'])
        response = self.http.post(
            '/items/', json=3, params={'generation': 4, 'epoch': epoch})
        answer = response.json()
        self.assertEqual(answer['updates']['adds'], [[answer['id'], 3]])

    def test_no_updates_if_they_are_too_large(self):
        with self.changing() as things:
            for number in range(2000):
                things.add(Document(number, 'x' * 100))
        response = self.http.put('/items/~1', json=2, params={'generation': 0})
        self.assertEqual(response.json(), {})

    def test_post(self):
        response = self.http.post('/items/', json={'n': 1})
        self.assertEqual(response.status_code, 201)
        id = response.json()['id']
        self.assertEqual(self.contents(), [[id, {'n': 1}]])

    def test_delete(self):
        self.put('a')
        response = self.http.delete('/items/a')
        self.assertEqual((response.status_code, response.json()), (200, {}))
        self.refused(404, self.http.delete('/items/a'), 'no "a"')
        self.assertEqual(self.contents(), [])

    def test_subsets(self):
        for status in 201, 200:
            response = self.http.put('/items/people/')
            self.assertEqual(response.status_code, status)
        self.http.put('/items/people/ann', json={'name': 'Ann'})
        self.http.put('/items/people/deep/')
        id = self.http.post('/items/people/deep/', json=1).json()['id']
        self.assertEqual(self.contents(), [{'id': 'people', 'contents': [
            ['ann', {'name': 'Ann'}], {'id': 'deep', 'contents': [[id, 1]]}]}])
        self.assertEqual(self.http.get('/items/people/').json(),
                         {'id': 'people', 'length': 2})
        self.assertEqual(self.http.get('/items/').json(),
                         {'id': None, 'length': 1})
        self.assertEqual(self.http.delete('/items/people/').status_code, 200)
        self.assertEqual(self.contents(), [])

    def test_ids_in_paths(self):
        for id, segment in [
                ('a/b', 'a%2Fb'), ('a b', 'a%20b'), ('ä', '%C3%A4'),
                ('~x', '~%22~x%22'), ('', '~%22%22'), ('..', '~%22..%22'),
                ('%2F', '%252F'), ('?', '%3F'), ('#', '%23'),
                ('a\nb', 'a%0Ab'), ('\r\n', '%0D%0A'), ('\0', '%00')]:
            with self.subTest(id):
                response = self.http.put(f'/items/{segment}', json=id)
                self.assertEqual(response.status_code, 201, response.text)
                self.assertEqual(
                    self.http.get(f'/items/{segment}').json(), id)
                self.assertIn([id, id], self.contents())
                self.assertEqual(
                    self.http.delete(f'/items/{segment}').status_code, 200)

    def test_numbers_as_ids(self):
        self.http.put('/items/numbers/')
        self.http.put('/items/numbers/~42', json=1)
        self.http.put('/items/numbers/~{"$int":"9007199254740993"}', json=2)
        with self.changing() as things:
            self.assertEqual(list(things['numbers'].ids()), [42, 2 ** 53 + 1])

    def test_extended_values_are_kept(self):
        value = {'when': {'$datetime': '2026-11-21T09:30:00+00:00'},
                 'big': {'$int': str(2 ** 70)}, 'plain': [1, None, 'x', 1.5]}
        self.http.put('/items/a', json=value)
        self.assertEqual(self.http.get('/items/a').json(), value)
        with self.changing() as things:
            self.assertEqual(things['a'].value['big'], 2 ** 70)

    def test_conflicts_are_retried(self):
        def write(number):
            with httpx.Client(base_url=self.url, timeout=90) as client:
                for each in range(20):
                    response = client.put(
                        '/items/same', json=[number, each],
                        params={'generation': 0})
                    if response.status_code not in (200, 201):
                        statuses.append(response.status_code)
        statuses = []
        threads = [threading.Thread(target=write, args=(number,))
                   for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        self.assertEqual(statuses, [])
        self.assertEqual(self.get().json()['generation'], 121)


class RefusedTests(Served):

    options = {'limits': Limits(
        document=1000, batch=5000, changes=10, depth=8, path=400, seconds=1)}

    def setUp(self):
        super().setUp()
        self.http.put('/items/a', json=1)
        self.http.put('/items/set/')
        with self.changing() as things:
            things.add(Thing('app'))
        self.before = self.generation()

    def tearDown(self):
        self.assertEqual(self.generation(), self.before)

    def generation(self):
        with self.changing() as things:
            return things.generation

    def send(self, body, path='/items/b', kind='application/json'):
        return self.http.put(
            path, content=body, headers={'content-type': kind})

    def test_bodies(self):
        for body in (b'', b'{', b'nul', b'"\\ud800"', b'NaN',
                     b'[1,]', b'{"a":1}x', b'{"$int":"x"}', b'{"$new":1}',
                     b'1e999', b'\xef\xbb\xbf1', b'{"a":1,"a":2}'):
            with self.subTest(body):
                self.refused(400, self.send(body))
        self.refused(400, self.send(b'[' * 9 + b']' * 9), '8')
        self.refused(400, self.send(b'[' * 500))
        self.refused(413, self.send(b'"' + b'x' * 1000 + b'"'), '1000 bytes')
        self.refused(413, self.http.put(
            '/items/b', content=iter([b'"', b'x' * 999, b'"']),
            headers={'content-type': 'application/json'}), '1000 bytes')
        for kind in '', 'text/plain', 'application/x-www-form-urlencoded':
            self.refused(415, self.send(b'1', kind=kind), 'application/json')
        self.assertEqual(self.send(
            b'1', '/items/a', 'Application/JSON; charset=utf-8').status_code,
            200)

    def test_slow_body(self):
        host, port = urllib.parse.urlsplit(self.url).netloc.split(':')
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b'PUT /items/b HTTP/1.1\r\nHost: localhost\r\n'
                b'Content-Type: application/json\r\n'
                b'Content-Length: 5\r\n\r\n1')
            self.assertIn(b' 408 ', connection.recv(1000))

    def test_paths(self):
        for method in 'GET', 'PUT', 'DELETE':
            for path in ('no/b', 'a/b', 'set/no/x', 'app/x'):
                with self.subTest(path, method=method):
                    self.refused(404, self.http.request(
                        method, f'/items/{path}',
                        json=1 if method == 'PUT' else None))
        self.refused(404, self.http.get('/items/set'), 'is a set')
        self.refused(404, self.http.get('/items/a/'), 'is an item')
        for path in ('~', '~x', '~[1]', '~null', '~{}', '%ff', '~"%ff"',
                     '~{"$float":"nan"}'):
            with self.subTest(path):
                self.refused(400, self.http.put(f'/items/{path}', json=1))
        self.refused(400, self.http.put('/items/' + 'x' * 500, json=1), '400')
        self.refused(400, self.http.put('/items/' + 'x/' * 9 + 'y', json=1))

    def test_methods(self):
        self.refused(405, self.http.post('/items/a', json=1), 'slash')
        self.refused(405, self.http.patch('/items/set/', json=1))
        for method in 'PUT', 'DELETE':
            self.refused(405, self.http.request(method, '/items/'), 'top')
        self.refused(400, self.http.put('/items/new/', json=1), 'no body')

    def test_what_is_something_else(self):
        self.refused(409, self.http.put('/items/set', json=1))
        self.refused(409, self.http.put('/items/a/'), 'it is an item')
        self.refused(409, self.http.put('/items/app', json=1), 'Thing')
        self.refused(409, self.http.delete('/items/set'), 'is a set')
        self.refused(409, self.http.delete('/items/a/'), 'is an item')
        self.refused(409, self.http.put('/items/~1', json=1), 'compared')

    def test_batches(self):
        for body in ([], {}, {'changes': {}}, {'changes': 1}):
            self.refused(400, self.http.post('/batch', json=body))
        good = {'op': 'put', 'path': ['b'], 'item': 1}
        for change in (
                1, {}, {'op': 'put'}, {'op': 'put', 'path': ['b']},
                {**good, 'op': 'move'}, {**good, 'path': 'b'},
                {**good, 'path': [None]}, {**good, 'path': [['b']]},
                {**good, 'item': {'$int': 1}}, {**good, 'path': []},
                {**good, 'path': ['b'] * 9}, {**good, 'op': ['put']}):
            with self.subTest(change):
                problem = self.refused(400, self.http.post(
                    '/batch', json={'changes': [good, change]}))
                self.assertEqual(problem['change'], 1)
        self.refused(413, self.http.post(
            '/batch', json={'changes': [good] * 11}), '10 changes')
        self.refused(413, self.http.post(
            '/batch', json={'changes': [{**good, 'item': 'x' * 999}]}))
        self.refused(413, self.http.post(
            '/batch', content=b'"' + b'x' * 5000 + b'"',
            headers={'content-type': 'application/json'}))

    def test_a_batch_that_fails_in_its_middle(self):
        changes = [{'op': 'put', 'path': ['b'], 'item': 1},
                   {'op': 'put', 'path': ['a'], 'item': 2},
                   {'op': 'remove', 'path': ['set']},
                   {'op': 'put', 'path': ['no', 'a'], 'item': 2},
                   {'op': 'add', 'path': [], 'item': 2}]
        problem = self.refused(
            404, self.http.post('/batch', json={'changes': changes}))
        self.assertEqual(problem['change'], 3)
        with self.changing() as things:
            self.assertEqual(things['a'].value, 1)


class BatchTests(Served):

    def test_is_one_transaction(self):
        self.put('eve')
        epoch = self.epoch()
        before = self.db.lastTransaction()
        response = self.http.post(
            '/batch', params={'generation': 2, 'epoch': epoch},
            json={'changes': [
                {'op': 'set', 'path': ['people']},
                {'op': 'put', 'path': ['people', 'ann'], 'item': 1},
                {'op': 'add', 'path': ['people'], 'item': 2},
                {'op': 'remove', 'path': ['eve']}]})
        self.assertEqual(response.status_code, 200)
        answer = response.json()
        made = answer['ids'][2]
        self.assertEqual(answer['ids'], ['people', 'ann', made, 'eve'])
        self.assertEqual(answer['updates'], {
            'format': 1, 'epoch': epoch, 'since': 2, 'generation': 6,
            'removals': ['eve'],
            'adds': [{'id': 'people', 'adds': [['ann', 1], [made, 2]]}]})
        connection = self.db.open()
        history = self.db.storage.history(
            connection.root()['things']._p_oid, size=10)
        self.assertEqual(
            [entry['tid'] for entry in history if entry['tid'] > before],
            [self.db.lastTransaction()])
        connection.close()

    def test_empty(self):
        response = self.http.post('/batch', json={'changes': []})
        self.assertEqual((response.status_code, response.json()),
                         (200, {'ids': []}))

    def test_many(self):
        changes = [{'op': 'put', 'path': [f'{number:05}'],
                    'item': {'text': 'x' * 100}} for number in range(10_000)]
        response = self.http.post('/batch', json={'changes': changes})
        self.assertEqual(response.status_code, 200, response.text[:200])
        self.assertEqual(len(self.get().json()['contents']), 10_000)


class DocumentTests(Served):

    def test_values(self):
        document = Document('a', {'n': [1, (2, 3)]})
        self.assertEqual(document.value, {'n': [1, (2, 3)]})
        document.value = 5
        self.assertEqual(document.__wire__(), b'5')
        self.assertEqual(repr(document), "<Document 'a'>")
        with self.assertRaises(TypeError):
            document.value = object()
        self.assertEqual(document.value, 5)

    def test_is_stored(self):
        self.put('a', {'n': 1})
        with self.changing() as things:
            things['a']._p_deactivate()
            self.assertEqual(things['a'].value, {'n': 1})
            self.assertEqual(things['a'].id, 'a')

    def test_items_of_applications(self):
        with self.changing() as things:
            things.add({'n': 1}, 'plain')
            things.add(GSet('set'))
        self.assertEqual(self.http.get('/items/plain').json(), {'n': 1})
        self.assertEqual(json.loads(self.get().content)['contents'],
                         [['plain', {'n': 1}], {'id': 'set', 'contents': []}])


async def rename(request):
    def change(things):
        if 'new' in things:
            raise Problem(409, 'there is a new one')
        things.add(Document('new', things['old'].value))
        things.discard('old')
    return await request.app.state.gset.write(request, change)


class ApplicationsTests(Served):
    """Write handlers of applications."""

    options = {'routes': [Route('/rename', rename, methods=['POST'])]}

    def test_write(self):
        self.put('old', 1)
        response = self.http.post(
            '/rename', params={'generation': 2, 'epoch': self.epoch()})
        self.assertEqual(response.status_code, 200)
        updates = response.json()['updates']
        self.assertEqual((updates['removals'], updates['adds']),
                         (['old'], [['new', 1]]))
        self.refused(409, self.http.post('/rename'), 'there is a new one')
        self.assertEqual(self.get().json()['generation'], 4)
