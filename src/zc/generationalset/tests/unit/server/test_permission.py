"""Permission to write, and permission that ends."""

import os
import tempfile
import threading

import httpx
import ZODB
from starlette.routing import Route
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.server import application
from zc.generationalset.tests.support.serving import Served, served, wait

READING = {'GET', 'HEAD', 'OPTIONS'}


class MayWrite(Served):

    def ask(self, **headers):
        """Return what may be done at the top, and the responses to writes."""
        return self.allowed('/items/', headers), [
            self.http.request(method, path, headers=headers, **body)
            for method, path, body in [
                ('PUT', '/items/a', {'json': 1}),
                ('PUT', '/items/set/', {}),
                ('POST', '/items/', {'json': 1}),
                ('POST', '/batch', {'json': {'changes': []}}),
                ('DELETE', '/items/a', {})]]

    def allowed(self, path, headers=None):
        response = self.http.options(path, headers=headers)
        self.assertEqual(response.status_code, 204)
        self.assertEqual(response.content, b'')
        return set(response.headers['allow'].split(', '))

    def may(self, **headers):
        allowed, responses = self.ask(**headers)
        self.assertEqual(allowed, READING | {'POST'})
        self.assertEqual([response.status_code for response in responses],
                         [201, 201, 201, 200, 200])

    def may_not(self, detail, **headers):
        allowed, responses = self.ask(**headers)
        self.assertEqual(allowed, READING)
        for response in responses:
            self.refused(403, response, detail)
        self.assertEqual(
            self.http.get('/updates', headers=headers).status_code, 200)


async def sell(request):
    return await request.app.state.gset.write(
        request, lambda things: things.add(Document('sold', 1)))


class NobodyTests(MayWrite):
    """Nobody is authenticated, and ``write`` isn't given."""

    options = {'write': None,
               'routes': [Route('/sell', sell, methods=['POST'])]}

    def test_default(self):
        self.may_not('for reading only')
        with self.changing() as things:
            self.assertEqual(len(things), 0)

    def test_handlers_decide_for_themselves(self):
        self.assertEqual(self.http.post('/sell').status_code, 200)

    def test_methods_of_paths(self):
        for path in '/items/a', '/items/none/', '/items/':
            self.assertEqual(self.allowed(path), READING)
        self.refused(400, self.http.options('/items//'))


class EverybodyTests(MayWrite):

    def test_true(self):
        self.may()

    def test_methods_of_paths(self):
        self.assertEqual(
            self.allowed('/items/a'), READING | {'PUT', 'PATCH', 'DELETE'})
        self.assertEqual(
            self.allowed('/items/a/'), READING | {'PUT', 'POST', 'DELETE'})
        self.assertEqual(self.allowed('/updates'), READING)
        self.assertEqual(self.allowed('/batch'), {'POST', 'OPTIONS'})
        self.assertEqual(self.allowed('/explore'), READING)


class TokenTests(MayWrite):

    options = {'write': None, 'tokens': {'a': 'ann', 'b': 'bob'}}

    def test_default(self):
        self.may(authorization='Bearer a')
        self.refused(401, self.http.options('/items/'))


def ann_alone(request):
    if request.scope['user'] == 'eve':
        raise PermissionError('eve has seen enough')
    return request.scope['user'] == 'ann'


class SomeTests(MayWrite):

    options = {'write': ann_alone,
               'tokens': {'a': 'ann', 'b': 'bob', 'e': 'eve'}}

    def test_function(self):
        self.may(authorization='Bearer a')
        self.may_not('this user may only read', authorization='Bearer b')
        self.may_not('eve has seen enough', authorization='Bearer e')


class NoTreeTests(MayWrite):

    options = {'find': lambda root: None}

    def test_no_tree(self):
        self.refused(404, self.http.options('/items/'))
        self.refused(404, self.http.put('/items/a', json=1))


class MirrorTests(MayWrite):
    """The mirror says where to write."""

    options = {'write': False, 'find': lambda root: root['mirror']}

    def test_mirror(self):
        StoredMirror(self.db, 'mirror', 'https://example.org/sync').apply({
            'format': 1, 'epoch': 'x', 'since': 0, 'generation': 1,
            'contents': []})
        for write in True, False:
            self.app.state.gset.access._write = write
            self.may_not('write to https://example.org/sync')


class ReadOnlyTests(MayWrite):
    """The database can't be written to."""

    def storage(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, 'Data.fs')
        return FileStorage(self.path)

    def test_read_only(self):
        self.stack.pop_all().close()
        self.db = ZODB.DB(FileStorage(self.path, read_only=True))
        self.addCleanup(self.db.close)
        app = application(self.db, lambda root: root['things'], write=True)
        with served(app) as url, httpx.Client(base_url=url) as self.http:
            self.assertEqual(self.allowed('/items/'), READING)
            self.refused(403, self.http.put('/items/a', json=1),
                         'this database is read-only')
            self.assertEqual(self.get().json()['contents'], [])


class EndedTests(Served):
    """Permission ends while something is open."""

    options = {
        'heartbeat': 0.05, 'name': lambda request: 'things',
        'find': lambda root, name: root[name]}

    def setUp(self):
        self.users = {'Bearer a': 'ann'}
        self.trees = {'ann': 'things'}
        self.options = {
            **self.options,
            'authenticate': lambda request: self.users.get(
                request.headers.get('authorization')),
            'name': lambda request: self.trees[request.scope['user']]}
        super().setUp()
        self.http.headers['authorization'] = 'Bearer a'

    def listening(self):
        return self.app.state.gset.metrics.polls._value.get()

    def check_stream(self, end, statuses):
        with self.http.stream('GET', '/events') as stream:
            chunks = stream.iter_raw()
            next(chunks)
            end()
            self.put('secret')
            self.assertNotIn(b'secret', b''.join(chunks))
        self.assertIn(self.get().status_code, statuses)

    def test_stream_of_a_token_that_is_gone(self):
        self.check_stream(self.users.clear, [401])

    def test_stream_of_a_user_with_another_tree(self):
        with self.db.transaction() as connection:
            connection.root.others = GSet()
        self.check_stream(lambda: self.trees.update(ann='others'), [200])

    def test_stream_of_a_user_without_a_tree(self):
        self.check_stream(self.trees.clear, [404])

    def test_stream_to_which_nothing_happens(self):
        with self.http.stream('GET', '/events') as stream:
            chunks = stream.iter_raw()
            next(chunks)
            self.users.clear()
            for _ in chunks:  # to its end, which there is
                pass

    def test_long_poll(self):
        def poll():
            responses.append(self.http.get('/updates', params={
                'generation': 1, 'epoch': epoch, 'wait': 30}))
        responses, epoch = [], self.epoch()
        thread = threading.Thread(target=poll)
        thread.start()
        wait(lambda: self.listening() == 1)
        self.users.clear()
        self.put('secret')
        thread.join(90)
        self.refused(401, responses[0])
