"""The server's description says all that the server does, and no more."""

import contextlib
import json
import re
import unittest
import urllib.parse
from http.client import HTTPConnection
from unittest import mock

import httpx
import jsonschema_rs
import schemathesis

from zc.generationalset import GSet, wire
from zc.generationalset.client.eventstream import EventStream
from zc.generationalset.documents import Document
from zc.generationalset.server import Limits, application, jobs
from zc.generationalset.tests.support.description import (
    DESCRIPTION,
    METHODS,
    examples,
    operations,
    parts,
    resolve,
    schema_named,
    validator,
)
from zc.generationalset.tests.support.places import VECTORS
from zc.generationalset.tests.support.serving import Served, served
from zc.generationalset.tests.support.things import Thing


class DescriptionTests(unittest.TestCase):

    def test_is_openapi(self):
        schemathesis.openapi.from_dict(DESCRIPTION).validate()
        for name, schema in DESCRIPTION['components']['schemas'].items():
            with self.subTest(name):
                jsonschema_rs.meta.validate(schema)

    def test_references(self):
        referred = {part['$ref'] for part in parts() if '$ref' in part}
        for reference in referred:
            resolve({'$ref': reference})
        self.assertEqual(referred, {
            f'#/components/{kind}/{name}'
            for kind, components in DESCRIPTION['components'].items()
            for name in components if kind != 'securitySchemes'})

    def test_names(self):
        names = [operation.name for operation in operations()]
        self.assertEqual(len(names), len(set(names)))
        linked = {link['operationId'] for part in parts()
                  for link in part.get('links', {}).values()}
        self.assertLess(linked, set(names))
        tags = {tag for operation in operations()
                for tag in operation.definition['tags']}
        self.assertEqual(tags, {tag['name'] for tag in DESCRIPTION['tags']})

    def test_examples(self):
        count = 0
        for part in parts():
            if 'schema' in part:
                for name, example in examples(part):
                    with self.subTest(name, example=example):
                        validator(part['schema']).validate(example)
                        count += 1
        for name, schema in DESCRIPTION['components']['schemas'].items():
            for example in schema.get('examples', ()):
                with self.subTest(name, example=example):
                    schema_named(name).validate(example)
                    wire.value_from_plain(example, strict=True)
                    count += 1
        self.assertGreater(count, 50)

    def test_every_part_has_an_example(self):
        for part in parts():
            if 'schema' in part and 'openapi' not in part['schema'].get(
                    'properties', ()):
                self.assertTrue(list(examples(part)), part)

    def test_answers_in_examples(self):
        for example in DESCRIPTION['components']['examples'].values():
            wire.decode(json.dumps(example['value']))
        [content] = [part['text/event-stream'] for part in parts()
                     if 'text/event-stream' in part]
        [event] = EventStream(1000).feed(content['example'].encode())
        schema_named('Answer').validate(json.loads(event.data))
        wire.decode(event.data)


#: Of these, JSON Schema can't say all that there is to say.
IN_WORDS = {'$int', '$float', '$decimal', '$datetime', '$date', '$set', '$map'}


class VectorsTests(unittest.TestCase):
    """The description and the test vectors agree."""

    def cases(self, name):
        return json.loads((VECTORS / name).read_bytes())['cases']

    def test_values_and_ids(self):
        for name, schema in ('values.json', 'Value'), ('ids.json', 'Id'):
            is_valid = schema_named(schema).is_valid
            for case in self.cases(name):
                if 'json' not in case:
                    continue
                with self.subTest(schema, **case):
                    if 'error' not in case:
                        self.assertEqual(is_valid(case['json']),
                                         case['kind'] != 'unknown')
                    elif is_valid(case['json']):
                        self.assertLess(set(case['json']), IN_WORDS)

    def test_segments(self):
        is_valid = schema_named('Segment').is_valid
        for case in self.cases('ids.json'):
            if 'segment' in case and 'error' not in case:
                with self.subTest(**case):
                    segment = urllib.parse.unquote(case['segment'])
                    self.assertTrue(is_valid(segment))
        for segment in '', '.', '..', '~', '~x', '~~', '~[1]':
            self.assertFalse(is_valid(segment))

    def test_answers(self):
        is_valid = schema_named('Answer').is_valid
        for case in [*self.cases('apply.json'), *self.cases('parts.json'),
                     *self.cases('pages.json')]:
            for step in case['steps']:
                if 'answer' in step and 'lax' not in step:
                    with self.subTest(**step):
                        self.assertEqual(
                            is_valid(step['answer']),
                            step['result'] != 'refused'
                            or case['name'].startswith((
                                'a generation that', 'a part within'))
                            or self.has_like_parts(step['answer']))

    def has_like_parts(self, answer):
        """Tell whether parts are the same, or within each other.

        JSON Schema can't say that.
        """
        paths = [part['path'] for part in answer.get('parts') or ()
                 if isinstance(part, dict) and 'path' in part]
        return len(paths) == 2 and paths[0] == paths[1][:1]


class ResponsesTests(Served):
    """The server answers as described, and in all described ways."""

    def setUp(self):
        super().setUp()
        self.operations = {
            operation.name: operation for operation in operations()}
        self.seen = set()

    @contextlib.contextmanager
    def other(self, **options):
        """Ask another application."""
        app = application(
            self.db, **{'find': lambda root: root['things'], 'write': True,
                        **options})
        with served(app) as url, httpx.Client(base_url=url) as client, \
                mock.patch.object(self, 'http', client):
            yield

    def ask(self, name, status, path=None, **request):
        """Expect a status, and a response as it is described."""
        operation = self.operations[name]
        if operation.body is not None:
            request = {'json': operation.body, **request}
            request['headers'] = {
                'Content-Type': operation.kind, **request.get('headers', {})}
        response = self.http.request(
            operation.method, path or operation.url, **request)
        self.saw(name, response)
        self.assertEqual(response.status_code, status, response.text)
        return response

    def ask_all(self, status, **request):
        for operation in self.operations.values():
            if status in operation.statuses:
                self.ask(operation.name, status, **request)

    def saw(self, name, response):
        with self.subTest(name, status=response.status_code):
            self.operations[name].check(response)
        self.seen.add((name, response.status_code))

    def test_all_that_are_described(self):
        for part in (self.written, self.read, self.not_allowed, self.conflicts,
                     self.changed, self.bad_requests, self.too_much,
                     self.too_long):
            part()
        self.assertEqual(self.seen, {
            (operation.name, status)
            for operation in self.operations.values()
            for status in operation.statuses})

    def written(self):
        for query in {}, {'generation': 0}, {'generation': 1}:
            for name, *statuses in [
                    ('makeSet', 201, 200), ('addItemInSet', 201),
                    ('putItemInSet', 201, 200), ('makeChanges', 200),
                    ('addItem', 201), ('putItem', 201, 200),
                    ('patchItem', 200), ('patchItemInSet', 200),
                    ('getItem', 200), ('getItemInSet', 200), ('getSet', 200),
                    ('getTop', 200), ('removeItem', 200),
                    ('removeItemInSet', 200), ('removeSet', 200)]:
                for status in statuses:
                    response = self.ask(name, status, params=query)
                    self.assertEqual(
                        'updates' in response.json(),
                        'generation' in query and not name.startswith('get'))

    def read(self):
        self.ask('getDescription', 200)
        response = self.ask('getUpdates', 200)
        has = {name: response.json()[name] for name in ('epoch', 'generation')}
        self.ask('getUpdates', 304, params=has, headers={
            'If-None-Match': response.headers['etag']})
        self.ask('getUpdates', 200, params={'generation': 3, 'epoch': 'x'})
        self.ask('getUpdates', 200, params={
            'generation': response.json()['generation'],
            'epoch': self.epoch()})
        self.ask('getUpdates', 410, params={'cursor': 'unknown'})
        with self.http.stream('GET', '/events') as response:
            self.saw('getEvents', response)

    def not_allowed(self):
        with self.other(tokens={'secret': 'ann'}):
            self.ask_all(401)
            self.ask_all(401, headers={'Authorization': 'Bearer x'})
            self.ask('getDescription', 200)
        for error, status in (PermissionError(), 403), (KeyError(), 404):
            with self.other(name=mock.Mock(side_effect=error)):
                self.ask_all(status)

    def conflicts(self):
        with self.changing() as things:
            things.add(Document('item', 1))
            for name in 'set', 'numbers':
                subset = GSet(name, things)
                subset.add(Document(1, 1))
                subset.add(GSet(2))
        self.ask('addItemInSet', 409, '/items/numbers/')
        self.ask('putItem', 409, '/items/set')
        self.ask('removeItem', 409, '/items/set')
        with self.changing() as things:
            things.add(Thing('thing'))
            things['set'].add(Thing(3))
        self.ask('patchItem', 409, '/items/thing')
        self.ask('patchItemInSet', 409, '/items/set/~3')
        self.ask('makeSet', 409, '/items/item/')
        self.ask('removeSet', 409, '/items/item/')
        self.ask('putItemInSet', 409, '/items/set/~2')
        self.ask('removeItemInSet', 409, '/items/set/~2')
        self.ask('makeChanges', 409, json={
            'changes': [{'op': 'put', 'path': ['set'], 'item': 1}]})
        with self.other(find=lambda root: root['things']['numbers']):
            self.ask('addItem', 409)

    def changed(self):
        self.http.put('/items/people/')
        for path in 'ann', 'people/ann':
            self.http.put(f'/items/{path}', json='not what a test puts')
        for name, operation in self.operations.items():
            if operation.takes('If-Match'):
                # A set that is there is no change, whatever the position.
                self.ask(name, 412, headers={'If-None-Match': '*'}
                         if name == 'makeSet' else {'If-Match': '"other:1"'})
        self.ask('makeChanges', 412, json={'changes': [
            {'op': 'remove', 'path': ['ann'], 'unchanged_since': 'other:1'}]})

    def bad_requests(self):
        for name, operation in self.operations.items():
            if operation.takes('generation'):
                for query in ('generation=9007199254740992',
                              f'epoch={"x" * 201}'):
                    self.ask(name, 400, params=query)
            elif 400 in operation.statuses:
                self.ask(name, 400, re.sub('ann|people', '~x', operation.url))

    def too_much(self):
        with self.other(limits=Limits(document=5, batch=5)):
            self.ask_all(413)
        self.ask_all(415, headers={'Content-Type': 'text/plain'})
        with mock.patch.object(jobs, 'WAITING', 0), self.other():
            self.ask_all(503)
        with self.other(limits=Limits(streams=0)):
            has = {name: self.get().json()[name]
                   for name in ('epoch', 'generation')}
            self.ask_all(429, params={'wait': 1, **has})

    def too_long(self):
        """Begin to send bodies."""
        with self.other(limits=Limits(seconds=0.01)):
            for name, operation in self.operations.items():
                if 408 not in operation.statuses:
                    continue
                connection = HTTPConnection(
                    self.http.base_url.host, self.http.base_url.port)
                with contextlib.closing(connection):
                    connection.putrequest(operation.method, operation.url)
                    connection.putheader('Content-Type', operation.kind)
                    connection.putheader('Content-Length', '5')
                    connection.endheaders(b'{')
                    response = connection.getresponse()
                    self.saw(name, httpx.Response(
                        response.status, headers=response.getheaders(),
                        content=response.read()))


class RoutesTests(Served):

    def test_methods(self):
        """Described methods exist; others are refused."""
        self.http.put('/items/people/')
        for path, item in DESCRIPTION['paths'].items():
            allowed = {method.upper() for method in METHODS if method in item}
            if 'GET' in allowed:
                allowed.add('HEAD')
            allowed.add('OPTIONS')
            url = next(operation.url for operation in operations()
                       if operation.path == path)
            for method in METHODS:
                if method.upper() in allowed - {'OPTIONS'}:
                    continue
                with self.subTest(method, path=path):
                    response = self.http.request(method, url)
                    self.assertEqual(
                        response.status_code,
                        204 if method == 'options' else 405)
                    self.assertEqual(
                        set(response.headers['allow'].split(', ')), allowed)

    def test_routes(self):
        """Everything that there is for programs, is described."""
        for route in self.app.routes:
            if not route.include_in_schema:
                continue  # a page
            self.assertTrue([
                operation for operation in operations()
                if route.path_regex.match(operation.url)], route)

    def test_head(self):
        self.http.put('/items/people/')
        for path in '/items/people/ann', '/items/ann':
            self.http.put(path, json=1)
        for operation in operations():
            if operation.method == 'GET':
                response = self.http.head(operation.url)
                self.assertEqual(
                    (response.status_code, response.content), (200, b''))

    def test_is_served(self):
        response = self.http.get('/openapi.json')
        self.assertEqual(response.json(), DESCRIPTION)
        self.assertEqual(response.headers['content-type'], 'application/json')
