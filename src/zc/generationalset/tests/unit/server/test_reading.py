"""Reading over HTTP: updates, conditions, waiting, and permission."""

import gzip
import json
import threading
from typing import Any
from unittest import mock

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import Limits, application
from zc.generationalset.tests.support.serving import Served, wait


class UpdatesTests(Served):

    def test_of_an_empty_set(self):
        response = self.get()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers['content-type'], 'application/json')
        self.assertEqual(response.headers['cache-control'], 'no-store')
        self.assertEqual(response.json(), {
            'format': 1, 'epoch': self.epoch(), 'since': 0, 'generation': 1,
            'contents': []})

    def test_what_changed(self):
        epoch = self.epoch()
        self.put('a', {'n': 1})
        self.put('b', {'n': 2})
        with self.changing() as things:
            del things['a']
        response = self.get(2, epoch)
        self.assertEqual(response.json(), {
            'format': 1, 'epoch': epoch, 'since': 2, 'generation': 4,
            'removals': ['a'], 'adds': [['b', {'n': 2}]]})
        self.assertEqual(response.headers['etag'], f'W/"{epoch}:4"')
        self.assertEqual(self.get(4, epoch).json(), {
            'format': 1, 'epoch': epoch, 'since': 4, 'generation': 4})

    def test_starting_over(self):
        self.put('a')
        epoch = self.epoch()
        cases: list[Any] = [
            ((1, None), {'reset': 'epoch', 'since_epoch': None}),
            ((7, 'x'), {'reset': 'epoch', 'since_epoch': 'x'}),
            ((3, epoch), {'reset': 'ahead'})]
        for asked, answer in cases:
            response = self.get(*asked).json()
            self.assertEqual(response, {
                'format': 1, 'epoch': epoch, 'since': asked[0],
                'generation': 2, 'contents': [['a', None]], **answer})

    def test_is_never_stale(self):
        epoch = self.epoch()
        for number in range(50):
            self.assertEqual(
                self.get(number + 1, epoch).json()['generation'], number + 1)
            self.put(f'item {number}')
            answer = self.get(number + 1, epoch).json()
            self.assertEqual(answer['generation'], number + 2)

    def test_nothing_changed_takes_no_database(self):
        self.put('a')
        epoch = self.epoch()
        known = {'if_none_match': self.get(2, epoch).headers['etag']}
        with mock.patch.object(self.db, 'open') as opened:
            for _ in range(5):
                self.assertEqual(self.get(2, epoch, **known).status_code, 304)
                self.assertEqual(self.get(2, epoch).json()['generation'], 2)
            opened.assert_not_called()
        self.put('b')
        self.assertEqual(self.get(2, epoch, **known).status_code, 200)

    def test_conditions(self):
        self.put('a')
        etag = self.get().headers['etag']
        for value, status in [
                (etag, 304), (etag.removeprefix('W/'), 304),
                (f'"x", {etag}', 304), ('"x"', 200),
                (etag.replace(':2', ':1'), 200), ('', 200)]:
            response = self.get(2, self.epoch(), if_none_match=value)
            self.assertEqual(response.status_code, status, value)
            if status == 304:
                self.assertEqual(response.headers['etag'], etag)
                self.assertEqual(response.content, b'')

    def test_who_lost_the_data_and_kept_the_tag_gets_all(self):
        self.put('a')
        self.put('b')
        etag, epoch = self.get().headers['etag'], self.epoch()
        for since, seconds in (0, 0), (0, 45), (2, 0):
            response = self.http.get('/updates', headers={
                'if-none-match': etag}, params={
                    'generation': since, 'epoch': epoch, 'wait': seconds})
            self.assertEqual(response.status_code, 200)
            self.assertEqual(response.json()['since'], since)
            self.assertLess(response.elapsed.total_seconds(), 40)

    def test_answers_are_made_once(self):
        self.put('a')
        trees = self.app.state.gset._trees
        self.get()
        encoder = self.app.state.gset._trees[1].encoder
        self.assertIsNone(trees)
        with mock.patch.object(
                encoder, 'answer', side_effect=encoder.answer) as made:
            for _ in range(5):
                self.get(1, self.epoch())
        made.assert_called_once()

    def test_refused(self):
        for query in ('generation=x', 'generation=-1', 'generation=1.0',
                      'generation=', 'generation=%00', 'generation=1&wait=x',
                      'wait=-1', 'generation=' + '9' * 30,
                      'generation=1&epoch=' + 'x' * 300):
            self.refused(400, self.http.get(f'/updates?{query}'), 'expected')
        self.refused(405, self.http.post('/updates'))
        self.refused(404, self.http.get('/nothing'))

    def test_head(self):
        response = self.http.head('/updates')
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.content, b'')
        self.assertIn('etag', response.headers)


class WaitTests(Served):

    def wait_for_change(self, generation, **params):
        done = []
        thread = threading.Thread(target=lambda: done.append(self.http.get(
            '/updates', params={'generation': generation, **params})))
        thread.start()
        wait(lambda: self.app.state.gset._trees
             and self.app.state.gset._trees[1].tree(None).listeners == 1)
        return thread, done

    def test_until_something_changes(self):
        epoch = self.epoch()
        thread, done = self.wait_for_change(1, epoch=epoch, wait=20)
        self.assertEqual(done, [])
        self.put('a')
        thread.join(90)
        self.assertEqual(done[0].json()['adds'], [['a', None]])

    def test_at_most_so_long(self):
        response = self.http.get('/updates', params={
            'generation': 1, 'epoch': self.epoch(), 'wait': 1})
        self.assertEqual(response.json(), {
            'format': 1, 'epoch': self.epoch(), 'since': 1, 'generation': 1})

    def test_not_if_something_changed_before(self):
        self.put('a')
        # A client of this test waits for 30 seconds.
        response = self.http.get('/updates', params={
            'generation': 1, 'epoch': self.epoch(), 'wait': 60})
        self.assertEqual(response.json()['generation'], 2)

    def test_ends_with_the_server(self):
        thread, done = self.wait_for_change(1, epoch=self.epoch(), wait=50)
        self.app.state.gset.stop()
        thread.join(90)
        self.assertEqual(done[0].json()['generation'], 1)


class LargeTests(Served):

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            for number in range(3000):
                things.add(Document(f'{number:06}', {'text': 'x' * 100}))

    def test_is_streamed_and_whole(self):
        response = self.get()
        self.assertNotIn('content-length', response.headers)
        answer = response.json()
        self.assertEqual([id for id, _ in answer['contents']],
                         [f'{number:06}' for number in range(3000)])
        self.assertEqual(answer['generation'], 3001)

    def test_compressed(self):
        response = self.http.get(
            '/updates', headers={'accept-encoding': 'gzip'})
        self.assertEqual(response.headers['content-encoding'], 'gzip')
        self.assertEqual(len(response.json()['contents']), 3000)
        self.assertEqual(
            json.loads(response.content)['generation'], 3001)
        small = self.http.get(
            '/updates', params={'generation': 2990, 'epoch': self.epoch()},
            headers={'accept-encoding': 'gzip'})
        self.assertEqual(small.headers['content-encoding'], 'gzip')
        self.assertEqual(len(small.json()['adds']), 11)
        raw = self.http.get(
            '/updates', headers={'accept-encoding': 'identity'})
        self.assertNotIn('content-encoding', raw.headers)
        self.assertGreater(len(gzip.compress(raw.content)), 100)

    def test_of_many_at_once(self):
        answers = []
        threads = [threading.Thread(
            target=lambda: answers.append(self.get().json()))
            for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        self.assertEqual(len(answers), 6)
        for answer in answers:
            self.assertEqual(answer, answers[0])

    def test_while_others_write(self):
        def write():
            for number in range(50):
                self.put(f'new {number:02}', {'text': 'x' * 100})
        thread = threading.Thread(target=write)
        thread.start()
        for _ in range(5):
            answer = self.get().json()
            self.assertEqual(
                len(answer['contents']), answer['generation'] - 1)
        thread.join(90)


class TokenTests(Served):

    options = {'tokens': {'secret-a': 'ann', 'secret-b': 'bob'}}

    def test_without_and_with(self):
        for header in (None, 'Bearer', 'Bearer x', 'secret-a',
                       'Basic secret-a', 'Bearer secret-a2', 'Bearer ä'):
            headers = {} if header is None else {
                'authorization': header.encode()}
            for response in (
                    self.http.get('/updates', headers=headers),
                    self.http.get('/events', headers=headers),
                    self.http.put('/items/a', headers=headers, json=1)):
                self.refused(401, response, 'token')
                self.assertEqual(
                    response.headers['www-authenticate'], 'Bearer')
        for token in 'secret-a', 'secret-b':
            self.assertEqual(self.get(
                authorization=f'Bearer {token}').status_code, 200)
        with self.changing() as things:
            self.assertEqual(len(things), 0)

    def test_contradicting_options(self):
        with self.assertRaisesRegex(ValueError, 'got both'):
            application(self.db, lambda root: None, tokens={'a': 'b'},
                        authenticate=lambda request: 'c')
        with self.assertRaisesRegex(ValueError, 'not empty'):
            application(self.db, lambda root: None, tokens={})


def own_tree(request):
    user = request.scope['user']
    if user == 'eve':
        raise PermissionError('eve may not do that')
    if user == 'new':
        raise LookupError
    return user


class UserTests(Served):

    options = {
        'tokens': {name: name for name in ('ann', 'bob', 'eve', 'new', 'cy')},
        'name': own_tree, 'find': lambda root, user: root['sets'].get(user)}

    def setUp(self):
        super().setUp()
        with self.db.transaction() as connection:
            connection.root.sets = {
                'ann': GSet(), 'bob': GSet(), 'eve': GSet()}
            connection.root.sets['ann'].add(Document('a', 1))

    def test_each_their_own(self):
        ann = self.get(authorization='Bearer ann').json()
        bob = self.get(authorization='Bearer bob').json()
        self.assertEqual(ann['contents'], [['a', 1]])
        self.assertEqual(bob['contents'], [])
        self.assertEqual(self.http.get('/items/a', headers={
            'authorization': 'Bearer ann'}).json(), 1)
        self.refused(404, self.http.get('/items/a', headers={
            'authorization': 'Bearer bob'}))

    def test_none(self):
        for name, status in ('eve', 403), ('new', 404), ('cy', 404):
            headers = {'authorization': f'Bearer {name}'}
            for response in (
                    self.http.get('/updates', headers=headers),
                    self.http.get('/events', headers=headers),
                    self.http.delete('/items/a', headers=headers),
                    self.http.post('/batch', headers=headers,
                                   json={'changes': []})):
                self.refused(status, response)


class OriginTests(Served):

    options = {'origins': ('https://example.org',)}

    def test_cross_origin(self):
        for origin, allowed in [('https://example.org', True),
                                ('https://example.com', False)]:
            response = self.get(origin=origin)
            self.assertEqual(
                'access-control-allow-origin' in response.headers, allowed)


class NoOriginTests(Served):

    def test_cross_origin(self):
        response = self.get(origin='https://example.org')
        self.assertNotIn('access-control-allow-origin', response.headers)


class StreamLimitTests(Served):

    options = {'limits': Limits(streams=2)}

    def test_too_many(self):
        with self.http.stream('GET', '/events') as one, \
                self.http.stream('GET', '/events') as two:
            self.assertEqual((one.status_code, two.status_code), (200, 200))
            streams = one.iter_raw(), two.iter_raw()
            self.assertEqual([next(each) for each in streams], [b':\n\n'] * 2)
            response = self.http.get('/events')
            self.refused(429, response, '2 open streams')
            self.assertTrue(int(response.headers['retry-after']))

        def again():
            with self.http.stream('GET', '/events') as stream:
                return stream.status_code == 200
        wait(again)
