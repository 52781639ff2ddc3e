"""GET healthz, GET metrics, and the log of requests."""

import json
import logging
import os
import tempfile
import threading
from unittest import mock

import httpx
from prometheus_client.parser import text_string_to_metric_families

from zc.generationalset.commands.logs import JSONFormatter
from zc.generationalset.server import monitoring, requests
from zc.generationalset.server.metrics import DIRECTORY
from zc.generationalset.server.trees import Trees
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream

LOGGER = 'zc.generationalset.server'


class Monitored(Served):

    def metrics(self, **headers):
        """Return name and values of labels -> value."""
        response = httpx.get(f'{self.url}/metrics', headers=headers)
        self.assertEqual(response.status_code, 200, response.text)
        self.assertTrue(
            response.headers['content-type'].startswith('text/plain'))
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples}


class OpenTests(Monitored):

    options = {'find': lambda root: root.get('things')}

    def test_health(self):
        response = self.http.get('/healthz')
        self.assertEqual((response.status_code, response.json()),
                         (200, {'status': 'ok'}))
        self.assertEqual(response.headers['cache-control'], 'no-store')

    def test_set_that_is_not_there(self):
        with self.changing():
            pass
        with self.db.transaction() as connection:
            del connection.root.things
        with self.assertLogs(LOGGER):
            self.refused(503, self.http.get('/healthz'), 'can not be read')
        self.assertNotIn(('gset_generation',), {
            name for name, value in self.metrics().items() if value})

    def test_database_that_does_not_answer(self):
        proceed = threading.Event()
        original = Trees.positions

        def positions(*arguments):
            looks.append(1)
            proceed.wait(90)
            return original(*arguments)
        looks = []
        with mock.patch.object(Trees, 'positions', positions), \
                self.assertLogs(LOGGER) as logs:
            with mock.patch.object(monitoring, 'PATIENCE', 0.05):
                for _ in range(3):
                    self.refused(503, self.http.get('/healthz'))
            self.assertEqual(len(looks), 1)
            proceed.set()
            wait(lambda: self.http.get('/healthz').status_code == 200)
        self.assertIn('not healthy: TimeoutError()', logs.output[0])

    def test_server_that_ends(self):
        self.app.state.gset.stopping = True
        self.refused(503, self.http.get('/healthz'), 'ends')

    def test_requests(self):
        self.http.get('/updates')
        self.http.get('/items/nothing')
        self.http.get('/nothing')
        self.http.request('TRACE', '/updates')
        self.http.put('/items/a', json=1)
        metrics = self.metrics()
        name = 'gset_requests_total'
        for labels in [
                ('GET', '/updates', '200'), ('GET', '/items/', '404'),
                ('GET', 'other', '404'), ('other', 'other', '405'),
                ('PUT', '/items/', '201')]:
            self.assertEqual(metrics[(name, *labels)], 1, labels)
        self.assertEqual(metrics['gset_generation',], 2)
        self.assertEqual(
            metrics['gset_response_seconds_count', '/updates'], 1)
        self.assertGreater(metrics['gset_sent_bytes_total', '/updates'], 10)
        self.assertEqual(metrics['gset_conflicts_total',], 0)

    def test_of_several_processes(self):
        # Workers are measured elsewhere.  Here none has counted yet.
        with tempfile.TemporaryDirectory() as directory, \
                mock.patch.dict(os.environ, {DIRECTORY: directory}):
            self.assertEqual(self.metrics(), {})

    def test_streams(self):
        epoch = self.epoch()
        streams = [Stream(self.http, 1, epoch) for _ in range(3)]
        wait(lambda: self.metrics()['gset_streams',] == 3)
        self.put('a', 1)
        for stream in streams:
            stream.wait_for(2)
        metrics = self.metrics()
        self.assertEqual(metrics['gset_events_total',], 3)
        self.assertGreaterEqual(metrics['gset_wakeups_total',], 1)
        made = metrics['gset_answers_total', 'made']
        self.assertLessEqual(made, 3)
        self.assertGreaterEqual(
            metrics['gset_answers_total', 'shared'] + made, 6)

    def test_long_polls(self):
        thread = threading.Thread(target=lambda: httpx.get(
            f'{self.url}/updates', timeout=90, params={
                'generation': 1, 'epoch': self.epoch(), 'wait': 30}))
        thread.start()
        wait(lambda: self.metrics()['gset_long_polls',] == 1)
        self.put('a', 1)
        thread.join(90)
        self.assertEqual(self.metrics()['gset_long_polls',], 0)



class BurstTests(Monitored):

    options = {'pace': 1}

    def test_a_burst_of_commits_wakes_once(self):
        """A stream gets all of them nevertheless."""
        stream = Stream(self.http, 1, self.epoch())
        for number in range(20):
            self.http.put('/items/a', json=number)
        stream.wait_for(21)
        self.assertLess(self.metrics()['gset_wakeups_total',], 20)


class TokensTests(Monitored):

    options = {'tokens': {'secret': 'ann'}}

    def test_who_may(self):
        self.assertEqual(self.http.get('/healthz').status_code, 200)
        self.refused(401, self.http.get('/metrics'))
        metrics = self.metrics(authorization='Bearer secret')
        self.assertEqual(
            metrics['gset_requests_total', 'GET', '/metrics', '401'], 1)

    def test_log(self):
        with self.assertLogs('zc.generationalset.requests', 'INFO') as logs:
            self.http.get('/items/private?generation=7', headers={
                'authorization': 'Bearer secret'})
            wait(lambda: logs.records)
        record, = logs.records
        fields = record.request
        self.assertGreater(fields.pop('seconds'), 0)
        self.assertEqual(fields.pop('client'), '127.0.0.1')
        self.assertGreater(fields.pop('bytes'), 10)
        self.assertEqual(fields, {
            'method': 'GET', 'route': '/items/', 'status': 404,
            'user': 'ann'})
        line = JSONFormatter().format(record)
        self.assertEqual(json.loads(line)['request']['status'], 404)
        for private in 'secret', 'private', '7?':
            self.assertNotIn(private, line)


class NamesTests(Monitored):
    """A tree for each user: monitoring doesn't reveal their names."""

    options = {'find': lambda root, name: root['things'],
               'name': lambda request: 'ann'}

    def test_generation_is_not_told(self):
        self.http.put('/items/a', json=1)
        self.assertEqual(self.http.get('/healthz').status_code, 200)
        self.assertEqual(self.metrics()['gset_generation',], 0)


class DefectTests(Monitored):

    options = {'find': lambda root: 5}

    def test_is_counted(self):
        with Mute('zc.generationalset.server'):
            self.refused(500, self.http.get('/updates'))
        self.assertEqual(self.metrics()[
            'gset_requests_total', 'GET', '/updates', '500'], 1)


class LogTests(Monitored):

    def test_errors_in_json(self):
        try:
            raise ValueError('two\nlines')
        except ValueError as error:
            record = logging.LogRecord(
                'x', logging.ERROR, '', 0, 'it %s', ('fails',),
                (ValueError, error, error.__traceback__))
        line = JSONFormatter().format(record)
        self.assertNotIn('\n', line)
        entry = json.loads(line)
        self.assertEqual(
            (entry['level'], entry['message']), ('error', 'it fails'))
        self.assertIn('ValueError: two', entry['exception'])
        self.assertRegex(entry['time'], r'^\d{4}-.*\.\d{3}\+00:00$')

    def test_other_protocols_are_not_counted(self):
        called = []

        async def app(scope, receive, send):
            called.append(scope)

        middleware = requests.Requests(app, None)
        with self.assertRaises(StopIteration):
            middleware({'type': 'lifespan'}, None, None).send(None)
        self.assertEqual(called, [{'type': 'lifespan'}])


del Monitored  # which has no tests of its own
