"""PATCH: what it makes of items, and what is refused."""

import re

from zc.generationalset.server import Limits
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.support.things import Thing

KIND = 'application/merge-patch+json'


class PatchTests(Served):

    options = {'limits': Limits(document=1000, batch=5000, depth=8)}

    def setUp(self):
        super().setUp()
        self.item = {'name': 'Ann', 'age': 42, 'born': {'$date': '1984-01-01'}}
        self.http.put('/items/ann', json=self.item)

    def patch(self, path, patch, kind=KIND, **options):
        if isinstance(patch, bytes):
            body = {'content': patch}
        else:
            body = {'json': patch}
        return self.http.patch(
            f'/items/{path}', headers={'content-type': kind}, **body,
            **options)

    def unwritten(self, status, response, detail='.'):
        self.refused(status, response, detail)
        self.assertEqual(self.http.get('/items/ann').json(), self.item)

    def test_members(self):
        answer = self.get().json()
        has = {name: answer[name] for name in ('epoch', 'generation')}
        patch = {'age': None, 'born': {'$date': '1985-01-01'}}
        for _ in range(2):
            response = self.patch('ann', patch, params=has)
            self.assertEqual(response.status_code, 200)
            self.assertEqual(response.json()['updates'], {
                'format': 1, 'epoch': has['epoch'],
                'since': has['generation'],
                'generation': has['generation'] + 1,
                'adds': [['ann', {
                    'name': 'Ann', 'born': {'$date': '1985-01-01'}}]]})

    def test_conditions(self):
        etag = self.http.get('/items/ann').headers['etag']
        for age, status in (43, 200), (43, 200), (44, 412):
            response = self.http.patch(
                '/items/ann', json={'age': age},
                headers={'content-type': KIND, 'if-match': etag})
            self.assertEqual(response.status_code, status)
        self.assertEqual(response.json()['item']['age'], 43)

    def test_batch(self):
        changes = [
            {'op': 'patch', 'path': ['ann'], 'item': {'age': 43}},
            {'op': 'patch', 'path': ['bob'], 'item': {'age': 1}}]
        problem = self.refused(
            404, self.http.post('/batch', json={'changes': changes}))
        self.assertEqual(problem['change'], 1)
        self.assertEqual(self.http.get('/items/ann').json(), self.item)
        changes.insert(1, {
            'op': 'put', 'path': ['bob'], 'item': {'name': 'Bob'}})
        changes.append({'op': 'patch', 'path': ['bob'], 'item': {'x': None}})
        response = self.http.post('/batch', json={'changes': changes})
        self.assertEqual(
            response.json(), {'ids': ['ann', 'bob', 'bob', 'bob']})
        self.assertEqual(self.http.get('/items/bob').json(),
                         {'name': 'Bob', 'age': 1})
        for change in [{'op': 'patch', 'path': ['ann']},
                       {'op': 'patch', 'path': [], 'item': {}}]:
            self.refused(
                400, self.http.post('/batch', json={'changes': [change]}))

    def test_what_is_no_document(self):
        self.http.put('/items/s/')
        with self.changing() as things:
            things.add(Thing('t'))
        self.refused(409, self.patch('t', {}), 'to be a document')
        for path in 's', 'x', 's/x', 'x/y':
            self.refused(404, self.patch(path, {}))
        for path in 's/', '':
            response = self.patch(path, {})
            self.refused(405, response)
            self.assertNotIn('PATCH', response.headers['allow'])

    def test_types(self):
        for kind in 'application/json', 'application/json-patch+json', '':
            response = self.patch('ann', {}, kind)
            self.unwritten(415, response, re.escape(KIND))
            self.assertEqual(response.headers['accept-patch'], KIND)
        self.assertEqual(
            self.http.options('/items/ann').headers['accept-patch'], KIND)
        self.assertNotIn(
            'accept-patch', self.http.options('/items/').headers)

    def test_hostile_patches(self):
        deep = b'{"a":' * 10_000 + b'1' + b'}' * 10_000
        too_deep = b'{"a":' * 9 + b'1' + b'}' * 9
        for patch, status in [
                (b'', 400), (b'{', 400), (too_deep, 400), (deep, 413),
                (b'{"a":1,"a":2}', 400), (b'{"a":{"$int":"x"}}', 400),
                (b'{"a":{"$new":null}}', 400), (b'{"a":1e999}', 400),
                (b'{"a":9007199254740993}', 400), (b'"\xff"', 415),
                (b'"' + b'x' * 1000 + b'"', 413)]:
            with self.subTest(patch[:40]):
                self.unwritten(status, self.patch('ann', patch))
                change = (b'{"changes":[{"op":"patch","path":["ann"],"item":'
                          + patch + b'}]}')
                response = self.http.post(
                    '/batch', content=change,
                    headers={'content-type': 'application/json'})
                self.unwritten(status, response)

    def test_too_large_afterwards(self):
        for name in 'one', 'two':
            response = self.patch('ann', {name: 'x' * 600})
        self.refused(413, response, '1000 bytes')
        self.assertNotIn('two', self.http.get('/items/ann').json())
        problem = self.refused(413, self.http.post('/batch', json={
            'changes': [{'op': 'put', 'path': ['x'], 'item': 1},
                        {'op': 'patch', 'path': ['ann'],
                         'item': {'two': 'x' * 600}}]}))
        self.assertEqual(problem['change'], 1)
        self.refused(404, self.http.get('/items/x'))


class DeepPatchTests(Served):

    def test_nested_ten_thousand_deep(self):
        self.http.put('/items/ann', json={})
        patch = b'{"a":' * 10_000 + b'1' + b'}' * 10_000
        self.refused(400, self.http.patch(
            '/items/ann', content=patch, headers={'content-type': KIND}))
        self.assertEqual(self.http.get('/items/ann').json(), {})
