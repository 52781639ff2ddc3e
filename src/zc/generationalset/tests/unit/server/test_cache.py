"""What a server keeps, and for how long: memory, files, names."""

import asyncio
import contextlib
import gc
import time
import unittest
from unittest import mock

from zc.generationalset import GSet
from zc.generationalset.answers import Position
from zc.generationalset.documents import Document
from zc.generationalset.server import (
    Problem,
    cache,
    copies,
    updates,
)
from zc.generationalset.server.answer import EncodedAnswer
from zc.generationalset.server.cache import Cache, Question
from zc.generationalset.server.copies import Copies
from zc.generationalset.server.spool import EACH, FILES, Spools
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER
from zc.generationalset.tests.support.connections import Connecting
from zc.generationalset.tests.support.serving import Served, wait


class KeptTests(unittest.TestCase):

    def setUp(self):
        self.now = 0
        self.kept = Cache(lambda: self.now)

    def put(self, tree, number, size=0):
        question = Question(tree, Position('e', number), False)
        asked = question.asked
        self.kept.put(
            question, EncodedAnswer(asked, asked, asked, 1, b'x' * size))
        return question

    def test_bytes_of_all_trees(self):
        size = cache.MEMORY // 10
        questions = [self.put(f'{number}', 1, size) for number in range(10)]
        found = [self.kept.get(question) is not None
                 for question in questions]
        self.assertEqual(found, [False] * 6 + [True] * 4)

    def test_again(self):
        size = cache.MEMORY // 5
        for _ in range(5):
            first = self.put('a', 1, size)
        second = self.put('a', 2, size)
        self.assertIsNotNone(self.kept.get(first))
        self.assertIsNotNone(self.kept.get(second))

    def test_larger_than_all(self):
        question = self.put('a', 1, cache.MEMORY)
        self.assertIsNone(self.kept.get(question))
        self.assertEqual(self.kept._small._rest, cache.MEMORY)

    def test_age(self):
        old = self.put('a', 1)
        self.now = cache.AGE
        young = self.put('a', 2)
        self.kept.expire()
        self.assertIsNone(self.kept.get(old))
        self.assertIsNotNone(self.kept.get(young))

    def test_trees(self):
        gone, here = self.put('a', 1), self.put('b', 1)
        self.kept.forget('a')
        self.kept.forget('nothing')
        self.assertIsNone(self.kept.get(gone))
        self.assertIsNotNone(self.kept.get(here))
        self.kept.forget('b')
        self.assertEqual(self.kept._small._rest, cache.MEMORY)
        self.assertFalse(self.kept._small._of_trees)


class TreeTests(unittest.TestCase):
    """Answers for streams, and for clients that ask."""

    def setUp(self):
        self.tree = Tree('a', Cache(lambda: 0))
        self.position = Position('e', 2)
        self.tree.learn(self.position, 1)
        self.asked = Question('a', Position('e', 1), False)
        self.streamed = self.asked._replace(streamed=True)

    def keep(self, question, **options):
        answer = EncodedAnswer(question.asked, self.position, self.position,
                               1, **options)
        self.tree.keep(question, answer)
        return answer

    def test_small_answers_are_the_same(self):
        for question in self.asked, self.streamed:
            answer = self.keep(question)
            self.assertIs(self.tree.kept(self.asked, 1), answer)
            self.assertIs(self.tree.kept(self.streamed, 1), answer)

    def test_what_is_too_large_for_streams(self):
        answer = self.keep(self.streamed, is_too_large=True)
        self.assertIs(self.tree.kept(self.streamed, 1), answer)
        self.assertIsNone(self.tree.kept(self.asked, 1))

    def test_answers_of_another_position(self):
        self.position = Position('e', 3)
        self.keep(self.asked)
        self.assertIsNone(self.tree.kept(self.asked, 1))


class CopiesTests(unittest.TestCase):

    def setUp(self):
        self.copies = Copies()
        self.addCleanup(USER.set, None)
        self.addCleanup(self.copies.close)
        # They are run by the test.
        self.enterContext(mock.patch.object(self.copies._thread, 'submit'))
        self.made = []

    def enterContext(self, context):  # as of Python 3.11
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def submit(self, user, name, is_whole=False):
        USER.set(user)
        self.copies.submit(is_whole, lambda: self.made.append(name))

    def refused(self, status, *arguments):
        with self.assertRaises(Problem) as caught:
            self.submit(*arguments)
        self.assertEqual(caught.exception.status, status)

    def test_order(self):
        for name in 'a1', 'a2', 'a3', 'b1', 'b2':
            self.submit(name[0], name)
        self.submit('a', 'whole', True)
        for _ in range(6):
            self.copies._run()
        self.assertEqual(self.made, ['whole', 'a1', 'b1', 'a2', 'b2', 'a3'])

    def test_shares(self):
        for user in 'ab':
            for name in range(copies.EACH):
                self.submit(user, name)
            self.refused(429, user, '')
        self.refused(503, 'c', '')
        for name in range(copies.COPIES - copies.OTHERS):
            self.submit('a', name, True)
        self.refused(503, 'a', '', True)
        self.copies._run()
        self.submit('a', '', True)


class SpoolsTests(unittest.IsolatedAsyncioTestCase):

    def setUp(self):
        self.freed = []
        self.spools = Spools(1000, lambda: self.freed.append(1))

    def make(self, size=0):
        spool = self.spools.make(asyncio.get_running_loop(), None)
        spool.size = size
        return spool

    def test_files(self):
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        made = [self.spools.make(loop, None) for _ in range(FILES)]
        self.assertEqual(self.freed, [])
        with self.assertRaisesRegex(Problem, 'too many'):
            self.spools.make(loop, None)
        self.assertEqual(self.freed, [1])
        file = made.pop()._file
        self.assertTrue(file.closed)
        self.spools.make(loop, None)

    async def test_bytes(self):
        made = [self.make(500), self.make(499)]
        made.append(self.make(1))
        with self.assertRaisesRegex(Problem, 'too many'):
            self.make()
        del made[0]
        self.make()

    async def test_one_user(self):
        many = [self.make(1) for _ in range(EACH + 1)]
        with self.reading('ann', many[:-1]):
            self.refused('ann', many[-1])
            with self.reading('ann', many[:-1]), \
                    self.reading('bob', many[:2]):
                pass
            self.refused('ann', many[-1])
        self.assertEqual(self.spools._read, {})
        large = self.make(500)
        with self.reading('ann', [large]):
            self.refused('ann', many[0])
        with self.reading('ann', [many[0], large]):
            pass

    def reading(self, user, spools):
        stack = contextlib.ExitStack()
        for spool in spools:
            stack.enter_context(self.spools.reading(user, spool))
        return stack

    def refused(self, user, spool):
        with self.assertRaises(Problem) as caught, \
                self.spools.reading(user, spool):
            pass
        self.assertEqual(caught.exception.status, 429)


class Large(Connecting):
    """A set whose contents are a large answer."""

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            for number in range(1000):
                things.add(Document(f'{number:06}', 'x' * 5_000))

    def files(self):
        gc.collect()
        spools = self.app.state.gset._trees[1].spools
        return len(spools._open)

    def begin(self, query=''):
        """Ask, and read almost nothing of the answer."""
        connection = self.connect()
        connection.sendall(
            f'GET /updates{query} HTTP/1.1\r\nHost: localhost\r\n\r\n'
            .encode())
        self.assertIn(b' 200 ', connection.recv(100))
        return connection


class FilesTests(Large):

    def test_few_stay(self):
        epoch = self.epoch()
        for generation in range(1, 10):
            self.assertEqual(self.get(generation, epoch).status_code, 200)
        wait(lambda: self.files() == cache.FILES)
        kept = self.app.state.gset._trees[1]._cache
        kept._clock = lambda: time.monotonic() + cache.AGE
        kept.expire()
        wait(lambda: self.files() == 0)

    def test_they_go_with_a_change(self):
        self.get()
        self.put('new')
        self.get('2', self.epoch())
        self.assertEqual(self.files(), 1)

    def test_commits_that_change_nothing(self):
        """A look counts as a commit: one may have been missed."""
        made = self.app.state.gset.metrics.made
        self.get()
        before = made._value.get()
        self.app.state.gset._trees[1].source.look()
        self.assertEqual(self.get().status_code, 200)
        self.assertEqual(made._value.get(), before)
        self.put('new')
        self.assertIn('"new"', self.get().text)

    def test_stalled_downloads(self):
        stalled = []
        for number in range(EACH):
            stalled.append(self.begin())
            stalled.append(self.begin())
            self.put('new', number)
            self.get('999', self.epoch())
        self.refused(429, self.get(), 'large answers')
        self.assertEqual(self.get(
            1, path='/items/').status_code, 200)
        for connection in stalled:
            connection.close()
        wait(lambda: self.get().status_code == 200)

    def test_nothing_is_left_of_what_is_refused(self):
        epoch = self.epoch()
        gc.collect()
        gc.disable()
        self.stack.callback(gc.enable)
        with mock.patch.object(copies, 'EACH', 0):
            for generation in range(1, 5):
                self.refused(429, self.get(generation, epoch), 'waiting')
        self.assertEqual(
            len(self.app.state.gset._trees[1].spools._open), 0)

    def test_slow_readers(self):
        with mock.patch.object(updates, 'PATIENCE', 0.1), \
                self.assertNoLogs(level='WARNING'):
            connection = self.begin()
            wait(lambda: not self.app.state.gset._trees[1].spools._read)
            self.assertNotIn(b'\r\n0\r\n\r\n', self.receive_all(connection))


class NamesTests(Served):
    """Clients may make up names of trees."""

    options = {'name': lambda request: request.query_params['tree'],
               'find': lambda root, name: root['trees'][name]}

    def setUp(self):
        super().setUp()
        with self.db.transaction() as connection:
            connection.root.trees = {f'{number}': GSet()
                                     for number in range(4)}

    def ask(self, name):
        return self.http.get('/updates', params={'tree': name}).status_code

    def test_names_that_lead_to_nothing(self):
        self.assertEqual(self.ask('1'), 200)
        for number in range(20):
            self.assertEqual(self.ask(f'nothing {number}'), 404)
        self.assertEqual(
            list(self.app.state.gset._trees[1]._trees), ['1'])

    def test_the_ones_used_last_stay(self):
        with mock.patch('zc.generationalset.server.trees.IDLE', 2):
            for name in '01023':
                self.assertEqual(self.ask(name), 200)
        self.assertEqual(
            list(self.app.state.gset._trees[1]._trees), ['2', '3'])


del Served, Connecting, Large
