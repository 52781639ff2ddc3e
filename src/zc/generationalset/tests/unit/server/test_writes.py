"""Writes that wait for each other, over HTTP."""

import asyncio
import contextlib
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from unittest import mock

from starlette.routing import Route
from ZODB.POSException import POSKeyError

from zc.generationalset.documents import Document
from zc.generationalset.server import Limits
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.options import Options
from zc.generationalset.server.trees import Trees
from zc.generationalset.server.writes import LARGE, MOST
from zc.generationalset.sources import Write
from zc.generationalset.tests.support.executors import ending_before
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.memory import MemorySource
from zc.generationalset.tests.support.serving import Served, wait

#: What an application knows of a request.
WHO = ContextVar('WHO')


async def handler(request):
    def change(things):
        things.add(Document(WHO.get(), 1))
    WHO.set('handler')
    return await request.app.state.gset.write(
        request, change, may_share='share' in request.query_params)


class WritesTests(Served):

    options = {
        'authenticate': lambda request: request.headers.get('x-user', 'ann'),
        'routes': [Route('/handler', handler, methods=['POST'])]}

    def setUp(self):
        super().setUp()
        self.http.get('/items/')
        self.trees = self.app.state.gset._trees[1]
        self.source = self.trees.source
        self.threads = self.stack.enter_context(ThreadPoolExecutor(100))
        #: The numbers of writes that were made together.
        self.groups = []
        self.commits = []
        self.stack.callback(self.source.listen(
            lambda: self.commits.append(1)))

    @contextlib.contextmanager
    def held(self):
        """Hold back writes that are made together."""
        gate, write_all = threading.Event(), self.source.write_all

        def count(writes):
            self.groups.append(len(writes))
            gate.wait(90)
            return write_all(writes)

        self.source.write_all = count
        try:
            yield
        finally:
            gate.set()

    def send(self, method, path, json=None, user='ann', **headers):
        waiting = self.waiting
        request = self.threads.submit(
            self.http.request, method, path, json=json, headers={
                'x-user': user, **headers})
        wait(lambda: self.waiting > waiting)
        return request

    @property
    def waiting(self):
        return self.trees.jobs._waiting

    def statuses(self, requests):
        return [request.result().status_code for request in requests]

    def test_those_that_wait_are_made_together(self):
        tag = self.http.get('/items/').headers['etag']
        with self.held():
            requests = [
                self.send('PUT', '/items/first', 1),
                self.send('PUT', '/items/a', 1),
                self.send('PUT', '/items/a', 2, **{'if-none-match': '*'}),
                self.send('DELETE', '/items/x'),
                self.send('PUT', '/items/a', 3, **{'if-match': tag}),
                self.send('PUT', '/items/b', 3, **{'if-match': tag}),
                self.send('POST', '/batch', {'changes': [
                    {'op': 'put', 'path': ['c'], 'item': 1},
                    {'op': 'remove', 'path': ['x']}]}),
                self.send('POST', '/batch', {'changes': [
                    {'op': 'put', 'path': ['c'], 'item': 2},
                    {'op': 'remove', 'path': ['c']},
                    {'op': 'set', 'path': ['s']}]}),
                self.send('PUT', '/items/a', 4)]
        self.assertEqual(
            self.statuses(requests),
            [201, 201, 412, 404, 412, 201, 200, 200, 200])
        self.assertEqual(requests[2].result().json()['item'], 1)
        self.assertEqual(self.groups, [1, 8])
        self.assertEqual(self.get().json()['contents'], [
            ['first', 1], ['b', 3], {'id': 's', 'contents': []}, ['a', 4]])

    def test_one_transaction(self):
        with self.held():
            requests = [self.send('PUT', f'/items/{number}', number)
                        for number in range(6)]
        self.assertEqual(self.statuses(requests), [201] * 6)
        self.assertEqual((self.groups, len(self.commits)), ([1, 5], 2))

    def test_all_get_their_updates(self):
        epoch = self.epoch()
        with self.held():
            requests = [self.send(
                'PUT', f'/items/{number}?generation={since}&epoch={epoch}',
                number) for number, since in enumerate([1, 1, 0, 1])]
            requests.append(self.send('PUT', '/items/4', 4))
        first, *rest, silent = [
            request.result().json() for request in requests]
        self.assertEqual(first['updates']['adds'], [['0', 0]])
        self.assertEqual(silent, {})
        for answer in rest:
            updates = answer['updates']
            self.assertEqual(updates['generation'], 6)
            self.assertEqual(
                updates.get('adds', updates.get('contents')),
                [[f'{number}', number] for number in range(5)])

    def test_an_answer_that_fails_is_left_out(self):
        epoch = self.epoch()
        make = self.trees.encoder.small_answer

        def fail(snapshot, question):
            if question.asked.generation == 2:
                raise POSKeyError(b'x')
            return make(snapshot, question)

        with mock.patch.object(self.trees.encoder, 'small_answer', fail), \
                Mute('zc.generationalset.server') as mute:
            with self.held():
                first = self.send('PUT', '/items/0', 1)
                requests = [self.send(
                    'PUT', f'/items/{since}?generation={since}&epoch={epoch}',
                    since) for since in (1, 2, 3)]
            self.assertEqual(self.statuses([first, *requests]), [201] * 4)
        self.assertEqual(
            ['updates' in request.result().json() for request in requests],
            [True, False, True])
        self.assertEqual(len(mute.records), 1)

    def test_users_take_turns(self):
        with self.held():
            requests = [self.send('PUT', '/items/first', 1)]
            requests += [self.send('PUT', f'/items/ann-{number}', 1)
                         for number in range(MOST)]
            requests += [self.send('PUT', f'/items/{user}', 1, user)
                         for user in ('bob', 'cid')]
        self.statuses(requests)
        self.assertEqual(self.groups, [1, MOST, 2])
        ids = [id for id, _ in self.get().json()['contents']]
        self.assertEqual(ids[:5], ['first', 'ann-0', 'bob', 'cid', 'ann-1'])

    def batch(self, name, size):
        return {'changes': [
            {'op': 'put', 'path': [f'{name} {number}'], 'item': 1}
            for number in range(size)]}

    def test_batches_fill_a_transaction(self):
        with self.held():
            requests = [self.send('PUT', '/items/first', 1)]
            requests += [self.send('POST', '/batch', self.batch(name, LARGE))
                         for name in 'abc']
        self.assertEqual(self.statuses(requests), [201, 200, 200, 200])
        self.assertEqual(self.groups, [1, MOST // LARGE, 1])

    def test_large_batches_are_made_alone(self):
        with self.held():
            large = self.batch('large', LARGE + 1)
            self.assertEqual(
                self.http.post('/batch', json=large).status_code, 200)
            self.assertEqual(self.groups, [])
            small = self.send('POST', '/batch', self.batch('small', LARGE))
            wait(lambda: self.groups == [1])
        self.assertEqual(self.statuses([small]), [200])

    def test_handlers(self):
        with self.held():
            self.assertEqual(self.http.post('/handler').status_code, 200)
            self.assertEqual(self.groups, [])
            shared = self.send('POST', '/handler?share')
            wait(lambda: self.groups == [1])
            last = self.send('PUT', '/items/last', 1)
        self.assertEqual(self.statuses([shared, last]), [200, 201])


class LoopTests(unittest.IsolatedAsyncioTestCase):

    async def asyncSetUp(self):
        self.source = MemorySource('things')
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        write_all = self.source.write_all

        def held(writes):
            self.gate.wait(90)
            return write_all(writes)

        self.source.write_all = held
        self.trees = Trees(
            self.source, Options(None, Limits(), .01, 100), Metrics())

    async def asyncTearDown(self):
        # Here, so that no test leaves a thread behind.
        await asyncio.get_running_loop().shutdown_default_executor()

    def start(self, id):
        """Begin to write an item."""
        return asyncio.create_task(self.trees.writes.make(
            Write('things', lambda editor: editor.put((id,), b'1')), 1, None))

    def written(self):
        with self.source.snapshot() as snapshot:
            return snapshot.length('things', ())

    async def end(self):
        """Close the trees; nothing goes on before they take no more writes."""
        with ending_before(self.trees.writes._thread, self.gate):
            await self.trees.close()

    async def test_who_leaves_before_its_turn_writes_nothing(self):
        tasks = [self.start(id) for id in 'abc']
        await asyncio.sleep(0)
        tasks[0].cancel()  # it is being written
        tasks[1].cancel()
        self.gate.set()
        self.assertEqual(await tasks[2], (True, None))
        self.assertEqual(self.written(), 2)
        await self.trees.close()

    async def test_other_work_goes_on_while_many_are_told(self):
        order = []

        async def write(id):
            await self.start(id)
            order.append(id)
            if len(order) == 2:  # the first was made alone
                asyncio.get_running_loop().call_soon(order.append, 'other')

        tasks = [asyncio.create_task(write(id)) for id in 'abcdefgh']
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.gate.set()
        await asyncio.gather(*tasks)
        self.assertLess(order.index('other'), len(order) - 1, order)
        await self.trees.close()

    async def test_a_source_that_shares_no_transactions(self):
        self.source.shares_transactions = False
        # Nothing waits for those that are made together.
        self.assertEqual(await self.start('a'), (True, None))
        await self.trees.close()

    async def test_the_end(self):
        tasks = [self.start(id) for id in 'abc']
        await asyncio.sleep(0)
        await self.end()
        self.assertEqual(await tasks[0], (True, None))
        for task in tasks[1:]:
            with self.assertRaises(RuntimeError):
                await task
        self.assertEqual(self.written(), 1)

    async def test_the_end_before_a_group_has_begun(self):
        """Its thread has it already, so nobody waits for it in vain."""
        self.trees.writes._thread.submit(self.gate.wait, 90)
        task = self.start('a')
        await asyncio.sleep(0)
        await self.end()
        self.assertEqual(await asyncio.wait_for(task, 90), (True, None))
