"""A busy user delays nobody else: threads, bodies, long polls."""

import asyncio
import json
import threading
import unittest
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from unittest import mock

from zc.generationalset.server import Limits, Problem, bodies
from zc.generationalset.server.encoding import Encoder
from zc.generationalset.server.turns import USER, Turns
from zc.generationalset.tests.support.connections import Connecting
from zc.generationalset.tests.support.executors import ending_before
from zc.generationalset.tests.support.serving import Served, wait


class TurnsTests(unittest.IsolatedAsyncioTestCase):

    def setUp(self):
        self.gate = threading.Event()
        self.done = []
        self.addCleanup(self.gate.set)

    def turns(self, threads, each):
        turns = Turns('test', threads, each)
        self.addCleanup(turns.close)
        self.addCleanup(self.gate.set)
        return turns

    def job(self, name):
        self.gate.wait(90)
        self.done.append(name)
        return name

    def start(self, turns, user, name):
        context = copy_context()
        context.run(USER.set, user)
        return context.run(
            asyncio.get_running_loop().create_task,
            turns.run(self.job, name))

    async def test_users_take_turns(self):
        turns = self.turns(1, 1)
        tasks = [self.start(turns, 'ann', f'ann {number}')
                 for number in range(4)]
        await asyncio.sleep(0)
        tasks += [self.start(turns, name, name) for name in ('bob', 'cid')]
        await asyncio.sleep(0)
        self.gate.set()
        await asyncio.gather(*tasks)
        self.assertEqual(self.done, [
            'ann 0', 'ann 1', 'bob', 'cid', 'ann 2', 'ann 3'])

    async def test_nobody_has_all_threads(self):
        turns = self.turns(3, 2)
        tasks = [self.start(turns, 'ann', 'ann') for _ in range(5)]
        await asyncio.sleep(0)
        free = threading.Event()
        USER.set('bob')
        await asyncio.wait_for(turns.run(free.set), 90)
        self.gate.set()
        await asyncio.gather(*tasks)

    async def test_those_who_leave(self):
        turns = self.turns(1, 1)
        tasks = [self.start(turns, 'ann', number) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # it runs, and goes on
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        self.assertEqual(self.done, [])
        self.gate.set()
        self.assertEqual(await asyncio.gather(*tasks[2:]), [2, 3])
        self.assertEqual(self.done, [0, 2, 3])
        self.assertEqual((turns._free, turns._running), (1, {}))
        self.assertIsNone(turns._waiting.take())

    async def test_leaving_at_the_last_moment(self):
        turns = self.turns(1, 1)
        turns._take('bob')
        task = self.start(turns, 'ann', 'ann')
        await asyncio.sleep(0)
        turns._give_back('bob')
        task.cancel()
        await asyncio.wait([task])
        self.assertEqual((turns._free, turns._running), (1, {}))

    async def test_too_many(self):
        turns = self.turns(1, 1)
        with mock.patch('zc.generationalset.server.queues.WAITING', 2):
            tasks = [self.start(turns, 'ann', number) for number in range(3)]
            await asyncio.sleep(0)
            with self.assertRaises(Problem) as caught:
                await self.start(turns, 'ann', 4)
            self.assertEqual(caught.exception.status, 429)
            tasks.append(self.start(turns, 'bob', 5))
        self.gate.set()
        await asyncio.gather(*tasks)

    async def test_after_the_end(self):
        turns = self.turns(1, 1)
        turns.close()
        with self.assertRaises(RuntimeError):
            await turns.run(print)
        self.assertEqual(turns._free, 1)

    async def test_the_end_before_a_job_has_begun(self):
        """It isn't cancelled, which would be as if its client had left."""
        turns = self.turns(1, 1)
        turns._executor.submit(self.gate.wait, 90)
        task = self.start(turns, 'ann', 'ann')
        await asyncio.sleep(0)
        with ending_before(turns._executor, self.gate):
            await asyncio.to_thread(turns.close)
        self.assertEqual(await task, 'ann')


class BusyTests(Served):
    """A user reads as much as allowed, which takes long."""

    options = {'tokens': {'a': 'ann', 'b': 'bob'}}

    def test_others_go_on(self):
        gate = threading.Event()
        self.stack.callback(gate.set)
        original = Encoder.answer

        def answer(encoder, question, *others):
            if question.asked.generation > 1_000:
                busy.append(question)
                gate.wait(90)
            return original(encoder, question, *others)

        busy = []
        threads = self.stack.enter_context(ThreadPoolExecutor(20))
        with mock.patch.object(Encoder, 'answer', answer):
            asking = [threads.submit(
                self.get, 1_001 + number, 'e', authorization='Bearer a')
                for number in range(20)]
            wait(lambda: len(busy) == 2)
            self.assertEqual(self.http.get('/healthz').status_code, 200)
            for path in '/updates', '/items/':
                self.assertEqual(self.get(
                    path=path, authorization='Bearer b').status_code, 200)
            # The whole set is everybody's.
            self.put('x', 1)
            self.assertEqual(
                self.get(authorization='Bearer a').status_code, 200)
            self.assertEqual(len(busy), 2)
            gate.set()
            for each in asking:
                self.assertEqual(each.result().status_code, 200)


class ParsingTests(Served):
    """Threads parse large bodies, some of it at a time."""

    def test_large_bodies(self):
        names = set()
        original = bodies.normal

        def normal(text, limits):
            names.add(threading.current_thread().name.partition('_')[0])
            return original(text, limits)

        large = 'x' * bodies.AT_ONCE
        with mock.patch.object(bodies, 'normal', normal):
            self.assertEqual(
                self.http.put('/items/a', json=large).status_code, 201)
            response = self.http.post('/batch', json={'changes': [
                {'op': 'put', 'path': [f'{number}'], 'item': large}
                for number in range(5)]})
        self.assertEqual(response.json()['ids'], list('01234'))
        self.assertEqual(names, {'gset-parse'})
        self.assertEqual(self.http.get('/items/4').json(), large)

    def test_which_change_is_wrong(self):
        changes = [{'op': 'put', 'path': [f'{number}'], 'item': 'x' * 10_000}
                   for number in range(9)]
        changes[7]['item'] = {'$int': '1'}
        problem = self.refused(
            400, self.http.post('/batch', json={'changes': changes}))
        self.assertEqual(problem['change'], 7)
        self.refused(400, self.http.post(
            '/batch', headers={'content-type': 'application/json'},
            content=json.dumps({'changes': changes})[:-1]), 'changes')


class LongPollTests(Connecting):
    """A long poll ends when its client has gone."""

    options = {'limits': Limits(streams=3)}

    def test_places_are_given_back(self):
        query = urllib.parse.urlencode({
            'generation': self.get().json()['generation'],
            'epoch': self.epoch(), 'wait': 60})
        access = self.app.state.gset.access
        for _ in range(2):
            waiting = [self.connect() for _ in range(3)]
            for connection in waiting:
                connection.sendall(
                    f'GET /updates?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n'
                    .encode())
            wait(lambda: sum(access._open.values()) == 3)
            self.refused(429, self.http.get(f'/updates?{query}'))
            for connection in waiting:
                connection.close()
            wait(lambda: not access._open)
        self.assertEqual(self.get().status_code, 200)


del Served, Connecting  # which have no tests of their own
