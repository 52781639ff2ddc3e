"""A server at its limits, and with failures around it."""

import asyncio
import contextlib
import tempfile
import threading
import unittest
from unittest import mock

import httpx
from transaction.interfaces import TransientError
from ZODB.Connection import Connection
from ZODB.mvccadapter import MVCCAdapterInstance
from ZODB.POSException import ConflictError, POSKeyError

from zc.generationalset import GSet
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.documents import Document
from zc.generationalset.server import Problem, jobs
from zc.generationalset.server.answer import EncodedAnswer, nothing_new
from zc.generationalset.server.cache import Cache, Question
from zc.generationalset.server.spool import Spool
from zc.generationalset.server.tree import Tree
from zc.generationalset.sources import attempts
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.sources.zodb.snapshot import ZODBSnapshot
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream
from zc.generationalset.tests.support.things import Lost


class DefectTests(Served):

    def fill(self, count, item='x' * 100):
        with self.changing() as things:
            for number in range(count):
                things.add(Document(f'{number:06}', item))

    def test_defects_are_not_told(self):
        self.app.state.gset.trees = lambda: 1 / 0
        with Mute('zc.generationalset.server') as mute:
            problem = self.refused(500, self.http.get('/updates'))
        self.assertNotIn('ZeroDivision', str(problem))
        self.assertEqual(len(mute.records), 1)

    def test_something_that_is_not_a_set(self):
        with self.db.transaction() as connection:
            connection.root.things = 'text'
        with Mute('zc.generationalset.server') as mute:
            self.refused(500, self.http.get('/updates'))
        self.assertIn("expected find to return a GenerationalSet, got 'text'",
                      str(mute.records[0].exc_info[1]))

    def test_a_connection_without_its_database_is_closed(self):
        with mock.patch.object(
                Connection, 'root', side_effect=TransientError('away')), \
                self.assertRaises(TransientError):
            ZODBSnapshot(self.db, None, 0, None)
        self.assertEqual({connection['opened'] for connection
                          in self.db.connectionDebugInfo()}, {None})

    def test_database_server_that_is_away(self):
        def updates(*arguments):
            raise TransientError('away')
        with mock.patch.object(ZODBSnapshot, 'updates', updates), \
                self.assertLogs('zc.generationalset.server') as logs:
            response = self.http.get('/updates')
            self.refused(503, response, 'not available')
        self.assertEqual(response.headers['retry-after'], '1')
        self.assertIn("TransientError('away')", logs.output[0])

    def test_no_set(self):
        with self.db.transaction() as connection:
            connection.root.things = None
        self.refused(404, self.http.get('/updates'),
                     'no such tree: find returned None')
        with self.db.transaction() as connection:
            del connection.root.things
        self.refused(404, self.http.get('/updates'),
                     "no such tree: find raised ")

    def test_a_copy_that_fails_does_not_look_complete(self):
        self.fill(3000)
        with self.changing() as things:
            things.add(Lost('lost'))
        with Mute('uvicorn.error') as mute, \
                Mute('zc.generationalset.server') as cause:
            with self.assertRaises(httpx.RemoteProtocolError):
                self.http.get('/updates')
            wait(lambda: cause.records)
        self.assertIsInstance(
            mute.records[0].exc_info[1], ConnectionAbortedError)
        self.assertIsInstance(cause.records[0].exc_info[1], POSKeyError)
        with self.changing() as things:
            del things['lost']
        self.assertEqual(len(self.get().json()['contents']), 3000)

    def test_a_look_that_fails_is_repeated(self):
        stream = Stream(self.http, 1, self.epoch())
        wait(stream.comments)
        trees = self.app.state.gset._trees[1]
        read, failed = trees._read_news, threading.Event()

        def fail(news):
            trees._read_news = read
            failed.set()
            raise OSError('the disk is away')
        trees._read_news = fail
        with Mute('zc.generationalset.server') as mute:
            self.put('a', 1)
            self.assertTrue(failed.wait(90))
            wait(lambda: mute.records)
            self.put('b', 2)
            stream.wait_for(3)

    def test_a_stream_ends_with_a_problem(self):
        stream = Stream(self.http, 1, self.epoch())
        wait(stream.comments)
        trees = self.app.state.gset._trees[1]

        async def refuse(*_, **__):
            raise Problem(503, 'too busy')
        trees.event = refuse
        trees.source.look()
        self.put('a', 1)
        wait(lambda: stream.ended)

    def test_cut_body(self):
        body = iter([b'"x', b'y'])

        def cut():
            yield next(body)
            raise ConnectionError('gone')
        with contextlib.suppress(ConnectionError):
            self.http.put('/items/a', content=cut(), headers={
                'content-type': 'application/json'})
        with self.changing() as things:
            self.assertEqual(len(things), 0)


class LimitTests(Served):

    def test_conflicts_without_end(self):
        def conflict(gset, change):
            tries.append(change)
            raise ConflictError
        tries = []
        with mock.patch.object(attempts.time, 'sleep'), mock.patch(
                'zc.generationalset.server.edits.Editing.make', conflict):
            response = self.http.put('/items/a', json=1)
        self.refused(503, response, 'conflicts')
        self.assertTrue(int(response.headers['retry-after']))
        self.assertEqual(len(tries), attempts.ATTEMPTS)

    def test_a_conflict_is_retried(self):
        make = mock.Mock(side_effect=[ConflictError, ('a', True)])
        with mock.patch(
                'zc.generationalset.server.edits.Editing.make', make):
            self.assertEqual(
                self.http.put('/items/a', json=1).status_code, 201)

    def test_a_commit_of_which_nobody_knows(self):
        """The database server is lost after it has committed."""
        commit = MVCCAdapterInstance.tpc_finish

        def lose(self, *arguments):
            commit(self, *arguments)
            raise TransientError('away')

        def ask(method, path, **options):
            with mock.patch.object(MVCCAdapterInstance, 'tpc_finish', lose), \
                    Mute('txn'):
                self.refused(
                    500, self.http.request(method, path, **options),
                    'may have been written')

        before = self.get().json()['generation']
        ask('POST', '/items/', json='new')
        answer = self.get().json()
        [[id, item]] = answer['contents']
        self.assertEqual((item, answer['generation']), ('new', before + 1))
        # It isn't said that there is none.
        ask('DELETE', f'/items/{id}')
        self.assertEqual(self.get().json()['contents'], [])

    def test_too_many_wait(self):
        with mock.patch.object(jobs, 'WAITING', 0):
            response = self.http.get('/updates')
        self.refused(503, response, 'too many requests')
        self.assertEqual(self.http.get('/updates').status_code, 200)

    def test_a_batch_that_is_no_json(self):
        for body, status in (b'{', 400), (b'\xff', 415), (b'[' * 200, 400):
            self.refused(status, self.http.post(
                '/batch', content=body,
                headers={'content-type': 'application/json'}))


class ManyTreesTests(Served):

    options = {'name': lambda request: request.query_params['tree'],
               'find': lambda root, name: root['trees'][name]}

    def test_trees_that_nobody_listens_to_are_forgotten(self):
        with self.db.transaction() as connection:
            connection.root.trees = {
                f'{number}': GSet() for number in range(20)}
        with mock.patch('zc.generationalset.server.trees.IDLE', 5), \
                self.http.stream(
                    'GET', '/events', params={'tree': '3'}) as stream:
            chunks = stream.iter_raw()
            next(chunks)
            for number in range(20):
                self.assertEqual(self.http.get('/updates', params={
                    'tree': f'{number}'}).status_code, 200)
            trees = self.app.state.gset._trees[1]._trees
            self.assertLessEqual(len(trees), 5)
            self.assertIn('3', trees)


class SharedCopyTests(Served):

    def test_who_comes_later_shares_the_next_copy(self):
        with self.changing() as things:
            for number in range(3000):
                things.add(Document(f'{number:06}', 'x' * 100))
        self.http.get('/items/')
        trees = self.app.state.gset._trees[1]
        proceed, made = threading.Event(), []
        original, write = trees.encoder.answer, Spool.write

        def slow(spool, chunks):
            proceed.wait(90)
            write(spool, chunks)

        def count(*arguments):
            made.append(arguments)
            return original(*arguments)

        def ask():
            answers.append(self.get().json())
        trees.encoder.answer = count
        answers = []
        with mock.patch.object(Spool, 'write', slow):
            first = threading.Thread(target=ask)
            first.start()
            wait(lambda: trees.tree(None).copies)
            self.put('new', 1)
            later = [threading.Thread(target=ask) for _ in range(5)]
            for thread in later:
                thread.start()
            wait(lambda: trees.jobs._waiting == 0)
            proceed.set()
            for thread in first, *later:
                thread.join(90)
        self.assertEqual(
            sorted(answer['generation'] for answer in answers),
            [3001] + [3002] * 5)
        self.assertEqual(len(made), 2)


class ClosedLoopTests(unittest.TestCase):

    def test_a_copy_outlasts_the_event_loop(self):
        loop = asyncio.new_event_loop()
        loop.close()
        with tempfile.TemporaryFile() as file:
            Spool(loop, None, file).write([b'a', b'b'])
            file.seek(0)
            self.assertEqual(file.read(), b'ab')


class OvertakenTests(Served):
    """Answers that were right when they were made."""

    options = {'heartbeat': 3600}

    def overtake(self, times=1):
        """Make the next answers wrongly say that nothing changed."""
        self.http.get('/items/')
        trees = self.app.state.gset._trees[1]
        old = Position(self.epoch(), 1)

        def late(original):
            async def answer(tree, *arguments, **options):
                nonlocal times
                times -= 1
                if times < 0:
                    return await original(tree, *arguments, **options)
                await original(tree, NOTHING)
                return nothing_new(old, (), 0)
            return answer

        self.put('a', 1)
        trees.answer, trees.event = late(trees.answer), late(trees.event)

    def test_long_poll(self):
        self.overtake(times=2)
        answer = self.http.get('/updates', params={
            'generation': 1, 'epoch': self.epoch(), 'wait': 30}).json()
        self.assertEqual(answer['generation'], 2)

    def test_event_stream(self):
        stream = Stream(self.http, 1, self.epoch())
        wait(stream.comments)
        self.overtake(times=2)
        loop, trees = self.app.state.gset._trees
        loop.call_soon_threadsafe(trees.wake)
        stream.wait_for(2)


class TreeTests(unittest.TestCase):

    def test_what_was_read_before_changes_nothing(self):
        tree = Tree('name', Cache())
        old, new = Position('e', 1), Position('e', 2)
        tree.learn(new, 5)
        tree.learn(old, 4)
        self.assertEqual((tree.position, tree.checked), (new, 5))
        key = Question('name', NOTHING, False)
        tree.keep(key, EncodedAnswer(NOTHING, old, old, 4))
        self.assertIsNone(tree.kept(key, 0))
        tree.keep(key, EncodedAnswer(NOTHING, new, new, 4))
        self.assertIsNotNone(tree.kept(key, 5))
        self.assertIsNone(tree.kept(key, 6))


class CommitsTests(Served):

    def test_waits_until_what_was_announced_can_be_read(self):
        commits = Commits(self.db)
        end = commits.listen(lambda: None)
        self.put('a', 1)
        tid = self.db.lastTransaction()
        with mock.patch.object(
                self.db, 'lastTransaction',
                mock.Mock(side_effect=[b'', b'', tid, b''])) as last:
            self.assertEqual(commits.settle(), 1)
        self.assertEqual(last.call_count, 3)
        end()

    def test_a_cache_that_is_invalid(self):
        told = []
        commits = Commits(self.db)
        end = commits.listen(lambda: told.append(1))
        self.db._mvcc_storage.invalidateCache()
        self.assertEqual((commits.count, told), (1, [1]))
        end()

    def test_a_loop_that_is_closed(self):
        async def use():
            service = self.app.state.gset
            service._trees = None
            return service.trees()
        trees = asyncio.run(use())
        self.put('a', 1)  # nobody hears it, and it does no harm
        trees.abandon()
