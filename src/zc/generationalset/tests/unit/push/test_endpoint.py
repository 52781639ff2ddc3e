"""Browsers that subscribe over HTTP, and those who try to harm."""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import schemathesis
from ZODB.POSException import ConflictError, POSKeyError

from zc.generationalset import push
from zc.generationalset.push import VAPID, Patience, Pusher, Subscriptions
from zc.generationalset.push.endpoint import LARGEST, routes
from zc.generationalset.server import application
from zc.generationalset.tests.support.browsers import Browser
from zc.generationalset.tests.support.receivers import Receiver, pushing
from zc.generationalset.tests.support.serving import Served, served, wait

DESCRIPTION = json.loads(
    (Path(push.__file__).parent / 'openapi.json').read_bytes())
ENDPOINT = 'https://push.example/send/abc'
TOKENS = {'first-token': 'ann', 'second-token': 'bob'}


class Subscribing(Served):

    def setUp(self):
        super().setUp()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.vapid = VAPID.make(Path(folder) / 'v', 'mailto:ann@example.org')
        self.browser = Browser(self.vapid.public)
        with self.db.transaction() as connection:
            connection.root.push = Subscriptions(most=5, most_of_user=3)
            connection.root.others = Subscriptions()

    def serve(self, find=lambda root: root['push'], private=False, **options):
        """Serve the set, with subscriptions; return a client."""
        app = application(
            self.db, lambda root, name=None: root['things'],
            routes=routes(self.db, find, self.vapid, private=private),
            **options)
        self.served = self.stack.enter_context(served(app))
        return self.client()

    def client(self, token='first-token'):
        return self.stack.enter_context(httpx.Client(
            base_url=self.served, timeout=60,
            headers={'authorization': f'Bearer {token}'}))

    def put(self, client, endpoint=ENDPOINT, browser=None):
        return client.put('/push', json=(
            browser or self.browser).subscription(endpoint))

    def users(self, name='push'):
        with self.db.transaction() as connection:
            return sorted(each.user for each in connection.root()[name])


class EndpointTests(Subscribing):

    def test_a_browser_subscribes_and_is_pushed_to(self):
        service = self.stack.enter_context(Receiver())
        ann = self.serve(private=True, tokens=TOKENS)
        self.assertEqual(ann.get('/push').json(),
                         {'public_key': self.vapid.public})
        response = self.put(ann, service.url + '/send')
        self.assertEqual(response.status_code, 201)
        with pushing(Pusher(
                self.db, lambda root: root['push'], self.served,
                'first-token', vapid=self.vapid, private=True,
                patience=Patience(pace=0.01))):
            ann.put('/items/a', json=1).raise_for_status()
            generation = ann.get('/updates').json()['generation']
            wait(lambda: service.posts and self.browser.read(
                service.url, *service.posts[-1][1:])['generation']
                == generation)
        id = response.json()['id']
        self.assertEqual(ann.delete(f'/push/{id}').status_code, 204)
        self.assertEqual(self.users(), [])

    def test_the_same_subscription_has_the_same_id(self):
        ann = self.serve(tokens=TOKENS)
        first, again = self.put(ann), self.put(ann)
        self.assertEqual((first.status_code, again.status_code), (201, 200))
        self.assertEqual(first.json(), again.json())
        other = self.put(ann, browser=Browser(self.vapid.public))
        self.assertEqual(other.status_code, 201)
        self.assertEqual(self.users(), ['ann'])

    def test_users_do_not_see_each_other(self):
        ann = self.serve(tokens=TOKENS)
        bob, nobody = self.client('second-token'), self.client('wrong')
        ids = [self.put(each).json()['id'] for each in (ann, bob)]
        self.assertNotEqual(*ids)
        for client, id, status in [
                (bob, ids[0], 404), (bob, 'x', 404), (bob, '%00', 404),
                (nobody, ids[0], 401), (bob, ids[1], 204), (bob, ids[1], 404)]:
            with self.subTest(id=id, status=status):
                self.assertEqual(
                    client.delete(f'/push/{id}').status_code, status)
        self.assertEqual(self.users(), ['ann'])
        for response in self.put(nobody), nobody.get('/push'):
            self.assertEqual(response.status_code, 401)

    def test_tenants(self):
        trees = {'ann': 'push', 'bob': 'others'}
        ann = self.serve(
            lambda root, name: root[name], tokens={**TOKENS, 'x': 'cy'},
            name=lambda request: trees[request.scope['user']])
        bob = self.client('second-token')
        id = self.put(ann).json()['id']
        self.put(bob)
        self.assertEqual(bob.delete(f'/push/{id}').status_code, 404)
        self.assertEqual((self.users(), self.users('others')),
                         (['ann'], ['bob']))
        self.assertEqual(self.put(self.client('x')).status_code, 404)

    def test_those_who_may_only_read(self):
        ann = self.serve(tokens=TOKENS, write=False)
        self.assertEqual(ann.put('/items/a', json=1).status_code, 403)
        self.assertEqual(self.put(ann).status_code, 201)

    def test_without_users_an_address_is_one(self):
        anybody = self.serve()
        id = self.put(anybody).json()['id']
        self.assertEqual(self.users(), ['127.0.0.1'])
        self.assertEqual(anybody.delete(f'/push/{id}').status_code, 204)

    def test_limits(self):
        ann = self.serve(tokens=TOKENS)
        bob = self.client('second-token')
        self.assertEqual(
            [self.put(client, ENDPOINT + str(number)).status_code
             for client in (ann, bob) for number in range(4)],
            [201, 201, 201, 409, 201, 201, 409, 409])

    def test_one_subscribes_at_a_time(self):
        """Others would be counted too late for the limits."""
        inside, most = [], []

        def find(root):
            inside.append(None)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
            return root['push']

        ann = self.serve(find, tokens=TOKENS)
        with ThreadPoolExecutor(5) as pool:
            statuses = list(pool.map(lambda number: self.put(
                ann, ENDPOINT + str(number)).status_code, range(5)))
        self.assertEqual(sorted(statuses), [201] * 3 + [409] * 2)
        self.assertEqual(set(most), {1})

    def test_what_the_database_lacks(self):
        errors = []

        def find(root):
            raise errors[0]

        ann = self.serve(find, tokens=TOKENS)
        for error, status, after in [
                (POSKeyError(8 * b'x'), 503, '1'),
                (ConflictError(), 503, '1'), (KeyError('push'), 404, None)]:
            errors[:] = [error]
            with self.subTest(error):
                response = self.put(ann)
                self.assertEqual(
                    (response.status_code, response.headers.get(
                        'retry-after')), (status, after))

    def test_nothing_is_kept_on_the_way(self):
        ann = self.serve(tokens=TOKENS)
        put = self.put(ann)
        for response in ann.get('/push'), put, ann.delete(
                f'/push/{put.json()["id"]}'):
            self.assertEqual(response.headers['cache-control'], 'no-store')

    def test_pages_of_other_origins(self):
        anybody = self.serve()
        response = anybody.put(
            '/push', json=self.browser.subscription(ENDPOINT),
            headers={'authorization': '', 'origin': 'https://evil.example'})
        self.assertEqual(response.status_code, 403)
        self.assertEqual(self.users(), [])

    def test_hostile_bodies(self):
        ann = self.serve(tokens=TOKENS)
        good = self.browser.subscription(ENDPOINT)
        keys = good['keys']
        for body in [
                [], 5, {}, {**good, 'keys': None}, {'keys': keys},
                {**good, 'endpoint': 5}, {**good, 'keys': {}},
                {**good, 'keys': {**keys, 'auth': 'x'}},
                {**good, 'keys': {**keys, 'auth': ''}},
                {**good, 'keys': {**keys, 'p256dh': 'A' * 87}},
                {**good, 'keys': {**keys, 'p256dh': keys['p256dh'][:-2]}},
                {**good, 'endpoint': ENDPOINT + 2000 * 'x'},
                {**good, 'endpoint': 'http://push.example/'},
                {**good, 'endpoint': 'https://127.0.0.1/'},
                {**good, 'endpoint': 'https://169.254.169.254/latest'},
                {**good, 'endpoint': 'https://[::1]/'},
                {**good, 'endpoint': 'https://ann:secret@push.example/'},
                {**good, 'endpoint': 'javascript:alert(1)'},
                {**good, 'endpoint': ''}, {**good, 'endpoint': '\u0000'}]:
            with self.subTest(body=body):
                self.assertEqual(
                    ann.put('/push', json=body).status_code, 400)
        for content, kind, status in [
                (b'{', 'application/json', 400),
                (b'', 'application/json', 400),
                (b'\xff', 'application/json', 415),
                (json.dumps(good).encode(), 'text/plain', 415),
                (b'[' * LARGEST, 'application/json', 400),
                (b' ' * (LARGEST + 1), 'application/json', 413)]:
            with self.subTest(content=content[:9]):
                response = ann.put('/push', content=content,
                                   headers={'content-type': kind})
                self.assertEqual(response.status_code, status)
        self.assertEqual(self.users(), [])
        self.assertEqual(ann.post('/push').status_code, 405)
        self.assertEqual(ann.get('/push/x').status_code, 405)


class DescriptionTests(Subscribing):

    def test_it_is_openapi_and_served(self):
        schemathesis.openapi.from_dict(DESCRIPTION).validate()
        response = self.serve().get('/push/openapi.json')
        self.assertEqual(response.json(), DESCRIPTION)

    def test_responses_are_as_described(self):
        ann = self.serve(tokens=TOKENS)
        id = self.put(ann).json()['id']
        schema = schemathesis.openapi.from_dict(DESCRIPTION)
        for method, path, responses in [
                ('GET', '/push', [ann.get('/push'),
                                  self.client('x').get('/push')]),
                ('PUT', '/push', [self.put(ann), ann.put('/push', json=1)]),
                ('DELETE', '/push/{id}', [ann.delete(f'/push/{id}'),
                                          ann.delete(f'/push/{id}')])]:
            for response in responses:
                with self.subTest(method, status=response.status_code):
                    schema[path][method].validate_response(response)
