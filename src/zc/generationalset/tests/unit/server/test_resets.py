"""If many clients start over at once, their answer is made once."""

import asyncio
import gzip
import os
import random
import unittest
import zlib
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import httpx

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica
from zc.generationalset.server import compression
from zc.generationalset.server.answer import EncodedAnswer
from zc.generationalset.server.cache import Cache
from zc.generationalset.server.encoding import Encoder
from zc.generationalset.server.tree import Tree
from zc.generationalset.tests.support.serving import Served, wait


class GzipTests(unittest.TestCase):

    def test_first_parts_of_a_shared_second(self):
        source = random.Random(1)
        for size in 0, 1, 63, 100_000, 3_000_000:
            rest = os.urandom(size // 2) + b'x' * (size - size // 2)
            deflated = compression.Deflated(
                [rest[start:start + 65536]
                 for start in range(0, size, 65536)])
            body = b''.join(deflated)
            for length in 0, 1, 50, 10_000:
                head = source.randbytes(length)
                whole = compression.begin(head) + body + deflated.end(head)
                self.assertEqual(gzip.decompress(whole), head + rest)
                # As one member, which is all that some clients read.
                unpacker = zlib.decompressobj(wbits=31)
                self.assertEqual(unpacker.decompress(whole), head + rest)
                self.assertTrue(unpacker.eof)
                self.assertEqual(unpacker.unused_data, b'')


class ResetTests(Served):

    options = {'heartbeat': 3600}

    def setUp(self):
        super().setUp()
        self.reads = []
        answer = Encoder.answer

        def counted(encoder, *arguments):
            self.reads.append(arguments)
            return answer(encoder, *arguments)
        self.stack.enter_context(
            mock.patch.object(Encoder, 'answer', counted))

    def fill(self, count):
        with self.changing() as things:
            for number in range(count):
                things.add(Document(f'{number:05}', 'x' * 50))

    def ask(self, generation, epoch, encoding='gzip'):
        return httpx.get(
            f'{self.url}/updates', timeout=90,
            params={'generation': generation, 'epoch': epoch},
            headers={'accept-encoding': encoding})

    def test_they_share_what_is_made(self):
        for count, encoding in [(5, 'gzip'), (100, 'gzip'), (1000, 'gzip'),
                                (1000, 'identity')]:
            with self.subTest(count=count, encoding=encoding):
                self.fill(count)
                expected = self.ask(0, '').json()
                self.reads.clear()
                with ThreadPoolExecutor(8) as threads:
                    responses = list(threads.map(
                        lambda number, encoding=encoding: self.ask(
                            number, f'old {number % 3}', encoding),
                        range(1, 25)))
                for number, response in enumerate(responses, 1):
                    self.check(number, response, expected)
                self.assertLess(len(self.reads), 5)

    def check(self, number, response, expected):
        self.assertEqual(response.json(), {
            **expected, 'since': number, 'since_epoch': f'old {number % 3}',
            'reset': 'epoch'})
        replica = Replica()
        replica.generation, replica.epoch = number, f'old {number % 3}'
        replica.apply(wire.decode(response.content))
        self.assertEqual(replica.epoch, self.epoch())

    def test_long_polls_for_a_large_answer(self):
        epoch = self.epoch()
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(httpx.get, f'{self.url}/updates', params={
                'generation': 1, 'epoch': epoch, 'wait': 30}, timeout=90)
                for _ in range(4)]
            wait(lambda: self.app.state.gset._trees and self.app.state.gset
                 ._trees[1].tree(None).listeners == 4)
            self.fill(5000)
            for each in asked:
                self.assertEqual(len(each.result().json()['adds']), 5000)

    def test_an_empty_set(self):
        self.assertEqual(self.ask(3, 'old').json(), {
            'format': 1, 'epoch': self.epoch(), 'since': 3, 'generation': 1,
            'since_epoch': 'old', 'reset': 'epoch', 'contents': []})

    def test_after_a_change(self):
        self.fill(5)
        self.ask(3, 'old')
        self.put('new', 1)
        self.assertEqual(self.ask(3, 'old').json()['contents'][-1],
                         ['new', 1])

    def test_an_epoch_that_is_new_here(self):
        """Another process has renewed the epoch; this one has not seen it."""
        self.fill(5)
        self.ask(0, '')
        with self.changing() as things:
            things.renew()
        self.assertEqual(
            self.ask(6, self.epoch()).json(),
            {'format': 1, 'epoch': self.epoch(), 'since': 6, 'generation': 6})

    def test_an_answer_of_an_epoch_that_is_gone(self):
        """An answer was read before the renewal, and comes after it."""
        self.fill(5)
        self.ask(0, '')
        trees = self.app.state.gset._trees[1]
        tree = trees.tree(None)
        before = tree.position
        answers = [EncodedAnswer(before, before, before, tree.checked - 1)]
        read = trees.jobs.read

        async def first_late(job, *arguments):
            if answers and job == trees.encoder.answer:
                late = answers.pop()
                with self.changing() as things:
                    things.renew()
                await trees.answer(tree, Position(None, 0))
                return late
            return await read(job, *arguments)

        async def ask():
            trees.jobs.read = first_late
            asked = Position(before.epoch, before.generation - 1)
            return await trees.answer(tree, asked)
        answer = asyncio.run_coroutine_threadsafe(
            ask(), trees._loop).result(90)
        self.assertEqual(answers, [])  # it was given
        self.assertEqual(answer.position.epoch, self.epoch())


class SpreadTests(unittest.TestCase):

    def test_as_long_as_there_are_listeners(self):
        tree = Tree('name', Cache())
        self.assertEqual(tree.spread(), 0)
        for listeners, longest in (100, .5), (1000, 5), (10 ** 6, 10):
            tree.listeners = listeners
            times = [tree.spread() for _ in range(1000)]
            self.assertLessEqual(max(times), longest)
            self.assertGreater(max(times), .9 * longest)
            self.assertLess(min(times), .1 * longest)
