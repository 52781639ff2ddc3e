"""Conditions of writes: unchanged since what a client has."""

import httpx
from starlette.routing import Route

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.server import application
from zc.generationalset.tests.support.serving import Served, served
from zc.generationalset.tests.support.things import Lost, Thing


class Conditional(Served):

    def setUp(self):
        super().setUp()
        self.put('a', 1)
        self.put('b', 2)
        with self.changing() as things:
            GSet('s', things).add(Document('c', 3))

    def position(self):
        answer = self.get().json()
        return f'{answer["epoch"]}:{answer["generation"]}'

    def write(self, method, path, since=None, **options):
        headers = options.pop('headers', {})
        if since is not None:
            headers['If-Match'] = f'"{since}"'
        return self.http.request(
            method, f'/items/{path}', headers=headers, **options)

    def write_unseen(self, method, path, since, found, **options):
        """Expect that a change is refused, and that nothing is written."""
        before = self.position()
        problem = self.refused(
            412, self.write(method, path, since, **options))
        self.assertEqual(self.position(), before)
        self.assertEqual(
            {name: problem[name] for name in ('item', 'length')
             if name in problem}, found)
        return problem['detail']

    def batch(self, *changes):
        return self.http.post('/batch', json={'changes': changes})


class SingleTests(Conditional):

    def test_of_an_item(self):
        position = self.position()
        self.put('b', 'of another user')
        response = self.write('PUT', 'a', position, json=10)
        self.assertEqual(response.status_code, 200, response.text)
        detail = self.write_unseen(
            'PUT', 'b', position, {'item': 'of another user'}, json=20)
        self.assertIn(f'b: expected what was there at {position}; it has '
                      'changed', detail)
        self.write_unseen('DELETE', 'a', position, {'item': 10})
        self.assertEqual(
            self.write('DELETE', 'a', self.position()).status_code, 200)

    def test_what_is_gone(self):
        position = self.position()
        self.assertEqual(self.write('DELETE', 'a').status_code, 200)
        self.write_unseen('PUT', 'a', position, {}, json=10)
        for since in position, self.position():
            self.refused(404, self.write('DELETE', 'a', since))
        self.assertEqual(self.write(
            'PUT', 'a', self.position(), json=10).status_code, 201)

    def test_what_never_was(self):
        for since in self.position(), ':0':
            self.assertEqual(self.write(
                'PUT', f'new{len(since)}', since, json=1).status_code, 201)
        self.write_unseen('PUT', 'a', ':0', {'item': 1}, json=10)

    def test_below_the_floor(self):
        """A removal that is forgotten may be of any id."""
        position = self.position()
        with self.changing() as things:
            things.maximum_removals = 1
        for name in 'b', 'x':
            self.http.put(f'/items/{name}', json=1)
            self.http.delete(f'/items/{name}')
        self.write_unseen('PUT', 'new', position, {}, json=1)
        self.assertEqual(
            self.write('PUT', 'a', position, json=10).status_code, 200)

    def test_of_sets(self):
        position = self.position()
        self.assertEqual(
            self.write('PUT', 's/c', position, json=4).status_code, 200)
        self.write_unseen('DELETE', 's/', position, {'length': 1})
        self.write_unseen('POST', 's/', position, {'length': 1}, json=1)
        self.assertEqual(
            self.write('POST', 's/', self.position(), json=1).status_code,
            201)
        self.assertEqual(
            self.write('DELETE', 's/', self.position()).status_code, 200)
        self.write_unseen('POST', '', position, {'length': 2}, json=1)
        self.write_unseen('PUT', 's/', position, {})

    def test_a_set_that_came_later(self):
        position = self.position()
        self.http.delete('/items/s/')
        subset = GSet('s')
        subset.add(Document('c', 3))
        with self.changing() as things:
            things.add(subset)
        self.write_unseen('PUT', 's/c', position, {'item': 3}, json=4)

    def test_sent_again(self):
        """What is so already was written by the request before."""
        position = self.position()
        for status in 201, 200:
            self.assertEqual(self.write(
                'PUT', 'new', position, json=1).status_code, status)
        for status in 200, 404:
            self.assertEqual(
                self.write('DELETE', 'a', position).status_code, status)
        for status in 201, 200:
            self.assertEqual(
                self.write('PUT', 't/', position).status_code, status)

    def test_positions_of_others(self):
        epoch, _, generation = self.position().rpartition(':')
        for since, detail in [
                (f'other:{generation}', f"of the epoch '{epoch}', got "),
                (f':{generation}', 'of the epoch'),
                (f'{epoch}:{int(generation) + 1}', 'has changed'),
                (f'{epoch}:{2 ** 53}', 'a strong ETag of this server'),
                (f'{"x" * 5000}:1', 'a strong ETag of this server'),
                ('other', 'a strong ETag of this server'),
                ('', 'a strong ETag of this server')]:
            self.assertIn(detail, self.write_unseen(
                'PUT', 'a', since, {'item': 1}, json=10))

    def test_the_field(self):
        position = self.position()
        for number, text in enumerate([
                '"x", "{}"', '"{}","x" , W/"x"', f'"{position}", "{{}}"',
                '*']):
            response = self.write(
                'PUT', 'a', json=[number],
                headers={'If-Match': text.format(self.position())})
            self.assertEqual(response.status_code, 200, text)
        self.write_unseen(
            'PUT', 'a', None, {'item': [3]}, json=1,
            headers={'If-Match': f'W/"{self.position()}"'})
        self.write_unseen(
            'PUT', 'x', None, {}, json=1, headers={'If-Match': '*'})
        for text in ('', 'x', position, f'"{position}', '"x" "y"', '"x",',
                     '*, *'):
            self.refused(400, self.write('PUT', 'a', headers={
                'If-Match': text}, json=5), 'If-Match')

    def test_what_must_not_be_there(self):
        headers = {'If-None-Match': '*'}
        self.assertEqual(self.write(
            'PUT', 'new', headers=headers, json=1).status_code, 201)
        # This is not "unchanged", so who sends it again is told.
        self.write_unseen(
            'PUT', 'new', None, {'item': 1}, headers=headers, json=1)
        self.write_unseen('PUT', 's/', None, {'length': 1}, headers=headers)
        # Both must hold.
        for path, found in ('new', {'item': 1}), ('newer', {}):
            self.write_unseen('PUT', path, None, found, json=2, headers={
                **headers, 'If-Match': '*'})
        self.write_unseen('PUT', 'new', self.position(), {'item': 1},
                          headers=dict(headers), json=1)
        self.assertEqual(self.write(
            'PUT', 'newer', self.position(), headers=headers, json=2,
        ).status_code, 201)
        for text in '', f'"{self.position()}"', '*, *':
            self.refused(400, self.write(
                'PUT', 'new', json=2, headers={'If-None-Match': text}))

    def test_items_that_are_no_documents(self):
        position = self.position()
        with self.changing() as things:
            things.add(Thing('t'))
        with self.assertLogs('zc.generationalset.server'):
            self.write_unseen('PUT', 't', position, {'item': {
                '$unreadable': 'the server can not send it; its log says '
                'more'}}, json=1)
        with self.changing() as things:
            things.add(Lost('t'))
        with self.assertLogs('zc.generationalset'):
            self.refused(500, self.write('PUT', 't', position, json=1))


class TagTests(Conditional):

    def test_of_items_and_sets(self):
        for path, status in ('a', 200), ('s/c', 200), ('s/', 201):
            etag = self.http.get(f'/items/{path}').headers['etag']
            self.assertEqual(etag, f'"{self.position()}"')
            self.assertEqual(self.http.head(
                f'/items/{path}').headers['etag'], etag)
            self.put('another')
            for expected in status, 412:
                response = self.http.request(
                    'POST' if path == 's/' else 'PUT', f'/items/{path}',
                    headers={'If-Match': etag}, json={'new': expected})
                self.assertEqual(response.status_code, expected)

    def test_of_mirrors(self):
        """They are weak, and never match."""
        mirror = StoredMirror(self.db, 'mirror', self.url)
        mirror.apply({'epoch': 'e', 'since': 0, 'generation': 7,
                      'contents': [('a', 1)]})
        app = application(self.db, lambda root: root['mirror'])
        with served(app) as url:
            response = httpx.get(f'{url}/items/a')
        self.assertEqual(response.headers['etag'], 'W/"e:7"')


class BatchTests(Conditional):

    def test_one_refused_change_refuses_all(self):
        position = self.position()
        self.put('b', 'changed')
        before = self.position()
        changes = [
            {'op': 'put', 'path': ['a'], 'item': 10,
             'unchanged_since': position},
            {'op': 'put', 'path': ['x'], 'item': 10},
            {'op': 'remove', 'path': ['b'], 'unchanged_since': position},
            {'op': 'set', 'path': ['y', 'z']}]
        problem = self.refused(412, self.batch(*changes))
        self.assertEqual((problem['change'], problem['item']), (2, 'changed'))
        self.assertEqual(self.position(), before)
        changes[2]['unchanged_since'] = before
        problem = self.refused(404, self.batch(*changes))
        self.assertEqual((problem['change'], self.position()), (3, before))
        for _ in range(2):
            response = self.batch(*changes[:3])
            self.assertEqual(response.json(), {'ids': ['a', 'x', 'b']})

    def test_conditions_are_of_what_was_there_before(self):
        position = self.position()
        changes = [
            {'op': 'put', 'path': ['a'], 'item': 10},
            {'op': 'put', 'path': ['a'], 'item': 11,
             'unchanged_since': position},
            {'op': 'remove', 'path': ['s', 'c'], 'unchanged_since': position},
            {'op': 'put', 'path': ['s', 'd'], 'item': 1,
             'unchanged_since': position},
            {'op': 'add', 'path': ['s'], 'item': 1,
             'unchanged_since': position},
            {'op': 'set', 'path': ['t'], 'unchanged_since': position},
            {'op': 'put', 'path': ['t', 'x'], 'item': 1,
             'unchanged_since': position}]
        self.assertEqual(self.batch(*changes).status_code, 200)
        self.assertEqual(self.http.get('/items/a').json(), 11)
        # What would add an item again is refused.
        self.assertEqual(
            self.refused(412, self.batch(*changes))['change'], 4)
        del changes[4]
        self.assertEqual(self.batch(*changes).status_code, 200)

    def test_sent_again(self):
        position = self.position()
        changes = [
            {'op': 'put', 'path': ['a'], 'item': 10},
            {'op': 'remove', 'path': ['a']},
            {'op': 'put', 'path': ['s', 'x'], 'item': 1},
            {'op': 'patch', 'path': ['s', 'c'], 'item': {'x': 1}},
            {'op': 'patch', 'path': ['b'], 'item': {'x': 1}},
            {'op': 'remove', 'path': ['s']}]
        for change in changes:
            change['unchanged_since'] = position
        for _ in range(2):
            response = self.batch(*changes)
            self.assertEqual(response.status_code, 200, response.text)
            after = self.position()
        self.assertEqual(self.position(), after)
        self.http.put('/items/b', json='of another user')
        problem = self.refused(412, self.batch(*changes))
        self.assertEqual(
            (problem['change'], problem['item']), (4, 'of another user'))

    def test_what_is_no_position(self):
        before = self.position()
        for since in None, 1, '', 'x', 'x:', ':-1', f'x:{2 ** 53}', ['x:1']:
            problem = self.refused(400, self.batch(
                {'op': 'put', 'path': ['c'], 'item': 10},
                {'op': 'put', 'path': ['a'], 'item': 10,
                 'unchanged_since': since}))
            self.assertEqual(problem['change'], 1)
        for since in 'other:1', ':99':
            problem = self.refused(412, self.batch(
                {'op': 'put', 'path': ['a'], 'item': 10,
                 'unchanged_since': since}), 'of the epoch')
        self.assertEqual(self.position(), before)

    def test_conditions_in_the_wrong_place(self):
        before = self.position()
        change = {'op': 'put', 'path': ['a'], 'item': 10}
        for field in 'If-Match', 'If-None-Match':
            self.refused(400, self.http.post(
                '/batch', json={'changes': [change]}, headers={field: '*'}),
                'unchanged_since')
        problem = self.refused(400, self.batch(
            {**change, 'unchanged_sinse': before}), 'unchanged_sinse')
        self.assertEqual(problem['change'], 0)
        self.assertEqual(self.position(), before)


class HandlerTests(Conditional):
    """A handler of an application says what the condition is about."""

    @property
    def options(self):
        def change(things):
            things['a'].value *= 2
            things.changed(things['a'])

        async def double(request):
            about = request.query_params.get('about')
            return await request.app.state.gset.write(
                request, change, about and (about,))

        return {'routes': [Route('/double', double, methods=['POST'])]}

    def double(self, since, **query):
        return self.http.post('/double', params=query, headers={
            'If-Match': f'"{since}"'})

    def test_of_a_path(self):
        position = self.position()
        self.put('b', 3)
        self.assertEqual(
            self.double(position, about='a').status_code, 200)
        for path, item in ('a', 2), ('b', 3):
            problem = self.refused(412, self.double(position, about=path))
            self.assertEqual(problem['item'], item)
        self.assertEqual(self.double(position).status_code, 200)
        self.assertEqual(self.http.get('/items/a').json(), 4)
