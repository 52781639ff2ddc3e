"""Large answers, without HTTP: who comes while one is kept, or at the end."""

import asyncio
import gzip
import os
import threading
import unittest
from unittest import mock

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, LargeAnswer
from zc.generationalset.server import encoding, queues, spool
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.options import Limits, Options
from zc.generationalset.server.trees import Trees
from zc.generationalset.tests.support import memory
from zc.generationalset.tests.support.memory import MemorySource


class LargeTests(unittest.IsolatedAsyncioTestCase):

    async def asyncSetUp(self):
        patch = mock.patch.object(encoding, 'WHOLE', 100)
        patch.start()
        self.addCleanup(patch.stop)
        self.source = MemorySource('things')
        self.put('a')
        self.trees = Trees(
            self.source, Options(None, Limits(), .01, 100), Metrics())
        self.tree = self.trees.tree('things')

    async def asyncTearDown(self):
        # Here, so that no test leaves a thread behind.
        await self.trees.close()
        await asyncio.get_running_loop().shutdown_default_executor()

    def put(self, id):
        self.source.write('things', lambda editor: editor.put(
            (id,), b'"%s"' % (b'x' * 100)))

    async def spool(self):
        """Return the file of the answer, when it has all."""
        answer = await self.trees.answer(self.tree, NOTHING)
        await answer.large.spool.wait()
        return answer.large.spool

    async def test_many_come_after_a_commit_elsewhere(self):
        """They need one look, so none of them is refused."""
        kept = await self.spool()
        self.source.look()
        with mock.patch.object(queues, 'WAITING', 2):
            spools = await asyncio.gather(*[self.spool() for _ in range(10)])
        self.assertEqual(set(spools), {kept})

    async def test_a_look_that_began_before_a_commit(self):
        """It isn't for those who come after that, and doesn't delay them."""
        kept = await self.spool()
        self.source.look()
        snapshot, taken, gate = (
            self.source.snapshot, threading.Event(), threading.Event())
        self.addCleanup(gate.set)

        def held():
            result = snapshot()
            taken.set()
            gate.wait(90)
            return result

        with mock.patch.object(self.source, 'snapshot', held):
            first = asyncio.create_task(self.spool())
            self.assertTrue(await asyncio.to_thread(taken.wait, 90))
        self.source.look()
        self.assertIs(await asyncio.wait_for(self.spool(), 90), kept)
        self.put('b')
        self.assertIsNot(await asyncio.wait_for(self.spool(), 90), kept)
        gate.set()
        await first

    async def test_a_look_that_fails(self):
        kept = await self.spool()
        self.source.look()
        with mock.patch.object(
                self.source, 'snapshot', side_effect=ZeroDivisionError), \
                self.assertRaises(ZeroDivisionError):
            await self.spool()
        self.assertIs(await self.spool(), kept)

    async def test_an_answer_that_is_known_to_be_large(self):
        """It begins before anybody knows its first entry."""
        asked = (await self.trees.answer(self.tree, NOTHING)).position
        self.put('b')
        gate = threading.Event()
        self.addCleanup(gate.set)

        def adds():
            gate.wait(90)
            yield 'b', 1

        def updates(snapshot, name, asked, parts=()):
            return LargeAnswer(
                epoch=asked.epoch, since=asked.generation,
                generation=asked.generation + 1, adds=adds())

        def page(snapshot, name, asked, cursor, limit):
            return {**updates(snapshot, name, asked), 'adds': [], 'next': 'x'}

        with mock.patch.multiple(
                memory.Snapshot, updates=updates, page=page), \
                mock.patch.object(spool, 'BEAT', 0.001):
            event = await self.trees.event(self.tree, asked)
            self.assertTrue(event.is_too_large)
            some = await self.trees.answer(self.tree, asked, cursor='')
            self.assertIn(b'"next":"x"', some.body)
            answers = [await self.trees.answer(self.tree, asked, compressed)
                       for compressed in (False, True)]
            texts = await asyncio.gather(*[
                self.text(answer.large, gate) for answer in answers])
        self.assertGreater(texts[0].count(b'\n'), 2)
        texts[1] = gzip.decompress(texts[1])
        self.assertNotIn(b'\n', texts[1])
        for text in texts:
            self.assertEqual(wire.decode(text)['adds'], [('b', 1)])

    async def test_what_is_not_in_memory(self):
        """A thread reads what the system would have to fetch."""
        file = (await self.spool())
        texts = []
        for preadv in [
                mock.DEFAULT, mock.Mock(side_effect=BlockingIOError),
                mock.Mock(return_value=0)]:
            with mock.patch.object(
                    os, 'preadv', preadv, create=True) as replaced:
                if preadv is mock.DEFAULT:
                    replaced.side_effect = self.short
                blocks = [block async for block in file.blocks()]
            texts.append(b''.join(blocks))
        self.assertGreater(file.size, 50)
        self.assertEqual({len(text) for text in texts}, {file.size})
        self.assertEqual(len(set(texts)), 1)

    @staticmethod
    def short(number, buffers, position, flags):
        """Return seven bytes: the rest would have to be fetched."""
        [buffer] = buffers
        text = os.pread(number, min(7, len(buffer)), position)
        buffer[:len(text)] = text
        return len(text)

    async def text(self, large, gate):
        """Read an answer that goes on after some signs of life."""
        blocks = []
        async for block in large.blocks():
            blocks.append(block)
            if len(blocks) == 9:
                gate.set()
        return b''.join(blocks)

    async def test_the_end(self):
        """No file is left open for an answer that nobody makes."""
        self.trees.encoder.close()
        with self.assertRaisesRegex(RuntimeError, 'shutdown') as caught:
            await self.spool()
        self.assertEqual(self.trees.spools._open, {})
        del caught  # which has kept the traceback until here
