"""Serving a mirror."""

import logging
import threading
from unittest import mock

import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset.client import Client, Refused
from zc.generationalset.mirror import Follower, StoredMirror
from zc.generationalset.server import application
from zc.generationalset.tests.support.clients import hurry, quiet
from zc.generationalset.tests.support.replicas import answer
from zc.generationalset.tests.support.serving import Served, served, wait
from zc.generationalset.tests.support.streams import Stream

SOURCE = 'http://127.0.0.1:9'



class ServedMirrorTests(Served):
    """A source, a mirror of it, and clients of the mirror."""

    def setUp(self):
        super().setUp()
        self.copy = ZODB.DB(DemoStorage())
        self.stack.callback(self.copy.close)
        self.stored = StoredMirror(self.copy, 'mirror', self.url)
        self.put('a', 1)
        self.client = Client(self.url, replica=self.stored)
        self.stack.callback(self.client.close)
        self.client.sync()
        self.source = self.http
        self.app = application(
            self.copy, lambda root: root['mirror'], heartbeat=3600)
        mirror = self.stack.enter_context(served(self.app))
        self.http = self.stack.enter_context(
            type(self.http)(base_url=mirror, timeout=90))
        self.mirror_url = mirror

    def test_reading(self):
        for path in '/updates', '/items/a', '/items/':
            self.assertEqual(self.http.get(path).json(),
                             self.source.get(path).json(), path)
        self.assertEqual(self.http.get('/items/x').status_code, 404)

    def test_a_mirror_that_has_nothing_is_not_there(self):
        position = self.client.position
        self.stored.apply(answer(
            position.generation, 9, position.epoch, contents=[], keep=['x']))
        for path in '/updates', '/items/a':
            problem = self.refused(404, self.http.get(path))
            self.assertIn('the mirror has nothing yet', problem['detail'])
        self.client.sync()
        self.test_reading()

    def test_writes_are_refused(self):
        for method, path, body in [
                ('PUT', '/items/b', 1), ('POST', '/items/', 1),
                ('DELETE', '/items/a', None), ('PUT', '/items/s/', None),
                ('POST', '/batch', {'changes': []})]:
            problem = self.refused(
                403, self.http.request(method, path, json=body), self.url)
            self.assertEqual(problem['source'], self.url)
        with Client(self.mirror_url) as client, \
                self.assertRaisesRegex(Refused, f'write to {self.url}'):
            client.put('b', 1)

    def test_streams(self):
        stream = Stream(self.http, 2, self.epoch())
        self.put('b', 1)
        with Follower(self.client):
            stream.wait_for(3)
            self.put('c', 1)
            stream.wait_for(4)

    def test_streams_of_clients_that_are_ahead(self):
        self.put('b', 1)
        self.put('c', 1)
        stream = Stream(self.http, 3, self.epoch())
        wait(stream.comments)
        looks = self.count_answers()
        self.assertEqual(stream.events(), [])
        self.client.sync()
        stream.wait_for(4)
        [(id, _, data)] = stream.events()
        self.assertEqual(id, f'{self.epoch()}:4')
        self.assertLessEqual(data['since'], 3)
        self.assertLess(len(looks), 10)

    def test_long_polls_of_clients_that_are_ahead(self):
        self.put('b', 1)
        looks = self.count_answers()
        response = self.http.get('/updates', params={
            'generation': 3, 'epoch': self.epoch(), 'wait': 1})
        self.assertEqual(response.json(), answer(
            3, 3, self.epoch(), format=1))
        self.assertLess(len(looks), 10)
        thread = threading.Timer(.1, self.client.sync)
        self.put('c', 1)
        thread.start()
        response = self.http.get('/updates', params={
            'generation': 3, 'epoch': self.epoch(), 'wait': 30})
        thread.join()
        self.assertEqual(response.json()['generation'], 4)

    def test_sign_of_life_for_clients_that_are_ahead(self):
        self.put('b', 1)
        stream = Stream(self.http, 3, self.epoch())
        wait(stream.comments)
        before = stream.comments()
        loop, trees = self.app.state.gset._trees
        loop.call_soon_threadsafe(trees.wake)
        wait(lambda: stream.comments() > before)

    def count_answers(self):
        """Return a list that gets an entry for each answer that is made."""
        self.http.get('/items/')
        trees = self.app.state.gset._trees[1]
        looks, answer = [], trees.answer

        def counted(*arguments, **options):
            looks.append(arguments)
            return answer(*arguments, **options)
        trees.answer = counted
        return looks

    def test_a_renewed_source(self):
        stream = Stream(self.http, 2, self.epoch())
        wait(stream.comments)
        with self.changing() as things:
            things.renew()
        with Follower(self.client):
            wait(stream.events)
        [(_, _, data)] = stream.events()
        self.assertEqual((data['reset'], data['epoch'], data['contents']),
                         ('epoch', self.epoch(), [['a', 1]]))

    def test_a_disk_that_is_full(self):
        hurry(self.client)
        failures = [OSError(28, 'No space left on device')] * 2

        def full(*arguments):
            if failures:
                raise failures.pop()
            return apply(*arguments)
        apply, self.stored._apply = self.stored._apply, full
        self.put('b', 1)
        following = 'zc.generationalset.mirror.following'
        with mock.patch(f'{following}.AGAIN', .01), \
                self.assertLogs('zc.generationalset.mirror') as logs, \
                Follower(self.client):
            wait(lambda: self.stored.generation == 3)
        self.assertIn('No space left on device', logs.output[0])

    def test_a_source_that_is_away(self):
        self.client.close()
        with quiet(), Client(SOURCE, replica=self.stored) as away:
            hurry(away)
            with Follower(away):
                self.assertEqual(self.get().json()['contents'], [['a', 1]])


logging.getLogger('zc.generationalset.mirror').addHandler(
    logging.NullHandler())
