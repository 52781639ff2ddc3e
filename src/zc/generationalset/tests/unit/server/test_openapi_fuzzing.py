"""Requests made up from the description, right and wrong: schemathesis."""

import urllib.parse
from collections import Counter
from functools import partial
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.engine import events
from schemathesis.openapi.checks import RejectedPositiveData

from zc.generationalset import GSet, check, wire
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica, Subset
from zc.generationalset.server import Limits
from zc.generationalset.tests.support.description import operations
from zc.generationalset.tests.support.serving import Served

#: What is left out.  A response of /events has no end, so it can't be checked:
#: test_openapi does it.  The description is read anyway.
OTHERS = ['/events', '/openapi.json']
PARTS = {'$ref': '#/components/parameters/parts'}


class OpenTests(Served):
    """All phases and checks of schemathesis, bounded and derandomized."""

    options: dict[str, Any] = {'limits': Limits(wait=0.01)}
    #: For schemathesis, besides the defaults.
    config = {}
    examples = 10
    #: Operations for which not each part of the request is made wrong in each
    #: way: there are too many ways to make a body wrong.
    sampled = [operation.name for operation in operations()
               if operation.body is not None]
    security = None

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            people = GSet('people', things)
            for gset in things, people:  # the ids of the examples
                gset.add(Document('ann', {'name': 'Ann'}))

    def test_everything(self):
        answered = Counter()
        failures = []
        with self.assertNoLogs('uvicorn.error'):
            for event in self.run_engine():
                if isinstance(event, events.NonFatalError):
                    failures.append(f'{event.label}: {event.value!r}')
                elif isinstance(event, events.FatalError):
                    raise event.exception
                elif isinstance(event, events.ScenarioFinished):
                    failures += failures_in(event.recorder)
                    answered.update(answers_in(event.recorder))
        self.assertEqual('\n\n'.join(failures), '')
        self.assertEqual({name for name, _ in answered}, {
            f'{operation.method} {operation.path}'
            for operation in operations() if operation.path not in OTHERS})
        for status in 2, 4:
            self.assertGreater(sum(
                count for (_, first), count in answered.items()
                if first == status), 100)
        self.compare()

    def run_engine(self):
        config = schemathesis.Config.from_dict({
            'seed': 1,
            'continue-on-failure': True,
            'generation': {'deterministic': True, 'database': 'none',
                           'max-examples': self.examples},
            'phases': {'stateful': {'max-steps': 6}},
            'operations': [{'include-operation-id': name,
                            'phases': {'coverage': {'enabled': False}}}
                           for name in self.sampled],
            **self.config})
        schema = schemathesis.openapi.from_url(
            f'{self.url}/openapi.json', config=config)
        schema.config.update(base_url=self.url)
        # JSON Schema can't say which paths are wrong; test_parts tries them.
        for item in schema.raw_schema['paths'].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    operation['parameters'] = [
                        each for each in operation.get('parameters', ())
                        if each != PARTS]
        if self.security is not None:
            schema.raw_schema['security'] = self.security
        schema = schema.exclude(path=OTHERS)
        schema.hook(filter_failure)
        return engine.from_schema(schema).execute()

    def compare(self):
        """The set is as it should be, and replicas can be made of it."""
        replica = Replica()
        replica.apply(wire.decode(self.get().content))
        with self.changing() as things:
            self.assertEqual(check(things), [])
            self.assertGreater(things.generation, 50)
            self.assertEqual(replica.generation, things.generation)
            self.assertEqual(as_texts(replica.items), as_texts(things))


def as_texts(items):
    """Return what is in a set or replica as JSON: NaN isn't equal to NaN."""
    return {id: as_texts(item) if isinstance(item, (GSet, Subset))
            else wire.encode_value(item) for id, item in items.items()}


class TokenTests(OpenTests):
    """The same tests, with a server that wants tokens."""

    options = {**OpenTests.options, 'tokens': {'secret': 'ann'}}
    config = {'headers': {'Authorization': 'Bearer secret'}}
    #: Here they aren't optional.
    security = [{'token': []}]

    def get(self, **headers):
        return super().get(authorization='Bearer secret', **headers)


class LongOpenTests(OpenTests):

    level = 2
    examples = 200
    sampled = ()


class LongTokenTests(TokenTests):

    level = 2
    examples = 100
    sampled = ()


def failures_in(recorder):
    for id, checks in recorder.checks.items():
        for node in checks:
            if node.failure_info is not None:
                yield (f'{node.name}: {node.failure_info.failure.message}\n'
                       f'{node.failure_info.code_sample}\n'
                       f'{recorder.interactions[id].response.content[:400]}')


def answers_in(recorder):
    """Yield operations and the first digits of the statuses they got."""
    for id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            yield (recorder.cases[id].value.operation.label,
                   interaction.response.status_code // 100)


def filter_failure(context, failure, case, response):
    """Drop false failures: requests that are wrong only by the words.

    Schemathesis doesn't know whether a condition holds, or a cursor is known,
    either.
    """
    return not (isinstance(failure, RejectedPositiveData) and (
        response.status_code in (410, 412) or (
            response.status_code == 400
            and is_wrong_in_words(response.request))))


def is_wrong_in_words(request):
    """Say whether JSON Schema can't tell what is wrong with a request.

    Which is something within an extended value, the form of an id, or a number
    that is too large in a member that nobody knows.
    """
    segments = urllib.parse.urlsplit(request.url).path.split('/')
    if any(segment.startswith('~') and refuses(wire.decode_path, segment)
           for segment in segments):
        return True
    if not request.body:
        return False
    if refuses(wire.parse, request.body):
        return True
    return any(refuses(read, part) for read, part
               in odd_parts(wire.parse(request.body)))


def odd_parts(body):
    """Yield extended values, and ids that aren't strings or integers."""
    if isinstance(body, list):
        for part in body:
            yield from odd_parts(part)
    elif isinstance(body, dict):
        if len(body) == 1 and next(iter(body)).startswith('$'):
            yield partial(wire.value_from_plain, strict=True), body
        if isinstance(body.get('path'), list):
            for id in body['path']:
                if isinstance(id, (dict, float)):
                    yield wire.id_from_plain, id
        for part in body.values():
            yield from odd_parts(part)


def refuses(read, data):
    try:
        read(data)
    except wire.WireError:
        return True
    return False
