"""What an audience pushes, to clients that come, go and are slow."""

import asyncio
import logging
import unittest
from unittest import mock

from zc.generationalset.answers import Position
from zc.generationalset.server import audience
from zc.generationalset.server.answer import EncodedAnswer, nothing_new
from zc.generationalset.server.audience import Audience
from zc.generationalset.server.cache import Cache
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.stream import Stream
from zc.generationalset.server.tree import Tree

COMMENT = b':\n\n'


async def until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0)
    await asyncio.wait_for(wait(), 30)


class Client:
    """The way to a client, which is direct; it remembers what came."""

    is_direct = True

    def __init__(self):
        self.pieces = []
        self.ended = False
        self.sent = None
        #: Called when something comes.
        self.hear = lambda: None

    def write(self, piece):
        self.pieces.append(piece)
        self.hear()

    def end(self):
        self.ended = True

    def told(self, sent):
        self.sent = sent

    def heard(self):
        """Return the generations that it has heard of, and other bodies."""
        return [body if b'id: ' not in body
                else int(body.partition(b'\n')[0].rpartition(b':')[2])
                for body, _ in self.pieces]


class Trees:
    """Makes answers of a tree; each may take until it is let go on."""

    def __init__(self):
        self.tasks = []
        self.tree = Tree('name', Cache())
        self.asked = []
        self.error = None
        self.is_too_large = False
        #: Called when an answer has been read, and isn't there yet.
        self.read = lambda: None

    def start(self, work):
        self.tasks.append(asyncio.create_task(work))

    def change(self, generation):
        self.tree.learn(Position('e', generation), generation)

    async def event(self, tree, asked, parts, *, fresh):
        self.asked.append(asked.generation)
        if self.error is not None:
            raise self.error
        now = self.tree.position
        self.read()
        if asked == now:
            return nothing_new(now, parts, now.generation)
        return EncodedAnswer(asked, now, now, now.generation, b'{}',
                             is_too_large=self.is_too_large)


class Access:

    def __init__(self):
        self.open = []
        self.refused = {}

    def check_again(self, request, name):
        if request in self.refused:
            raise self.refused[request]

    def close(self, user):
        self.open.remove(user)


class Service:

    stopping = False

    def __init__(self):
        self.metrics = Metrics()
        self.access = Access()
        self._trees = Trees()

    def trees(self):
        return self._trees


class AudienceTests(unittest.IsolatedAsyncioTestCase):

    async def asyncSetUp(self):
        self.service = Service()
        self.access = self.service.access
        self.trees = self.service.trees()
        self.tree = self.trees.tree
        self.trees.change(1)

    async def asyncTearDown(self):
        await asyncio.gather(*self.trees.tasks)

    def enter(self, generation=1):
        """Return a client, and its stream, which isn't open yet."""
        group = self.tree.enter(())
        if group.audience is None:
            group.audience = Audience(self.service, self.tree, group)
        self.service.metrics.streams.inc()
        name = f'user {len(self.access.open)}'
        self.access.open.append(name)
        client = Client()
        return client, Stream(
            group.audience, Position('e', generation), name, name)

    def join(self, generation=1):
        client, stream = self.enter(generation)
        stream.begin(client, client.told)
        return client, stream

    async def hears(self, client, *expected):
        await until(lambda: client.heard() == [COMMENT, *expected])

    def value(self, name):
        return getattr(self.service.metrics, name)._value.get()

    async def test_all_share_one_piece(self):
        clients = [self.join()[0] for _ in range(3)]
        self.trees.change(2)
        for client in clients:
            await self.hears(client, 2)
        self.assertEqual(len({id(client.pieces[1]) for client in clients}), 1)
        body, chunk = clients[0].pieces[1]
        self.assertEqual(chunk, b'%x\r\n%b\r\n' % (len(body), body))
        self.assertEqual(self.trees.asked, [1])
        self.assertEqual(self.value('events'), 3)
        self.assertEqual(self.value('shared'), 2)

    async def test_one_who_comes_from_behind_joins_the_others(self):
        here, _ = self.join()
        self.trees.change(3)
        await self.hears(here, 3)
        late, _ = self.join(2)
        await self.hears(late, 3)
        self.trees.asked.clear()
        self.trees.change(4)
        await self.hears(late, 3, 4)
        await self.hears(here, 3, 4)
        self.assertEqual(self.trees.asked, [3])

    async def test_who_comes_at_the_same_time_shares_as_well(self):
        self.trees.change(3)
        clients = [self.join()[0] for _ in range(3)]
        for client in clients:
            await self.hears(client, 3)
        self.assertEqual(self.trees.asked, [1])

    async def test_answers_that_are_older_than_what_is_known(self):
        def read():
            self.trees.read = lambda: None
            self.trees.change(self.tree.position.generation + 1)

        client, _ = self.join()
        self.trees.read = read
        self.trees.change(2)
        await self.hears(client, 2, 3)
        self.trees.read = read
        self.tree.wake()
        await self.hears(client, 2, 3, COMMENT, 4)

    async def test_who_is_slow_gets_one_event_later(self):
        slow, stream = self.join()
        fast, _ = self.join()
        slow.hear = stream.pause
        for generation in 2, 3, 4:
            self.trees.change(generation)
            await self.hears(fast, *range(2, generation + 1))
        self.assertEqual(slow.heard(), [COMMENT, 2])
        slow.hear = lambda: None
        stream.resume()
        await self.hears(slow, 2, 4)
        self.trees.change(5)
        await self.hears(slow, 2, 4, 5)
        await self.hears(fast, 2, 3, 4, 5)

    async def test_slow_from_the_start(self):
        client, stream = self.enter()
        client.hear = stream.pause
        stream.begin(client)
        fast, _ = self.join()
        self.trees.change(2)
        await self.hears(fast, 2)
        self.assertEqual(client.heard(), [COMMENT])
        stream.resume()
        await self.hears(client, 2)

    async def test_while_the_loop_writes(self):
        """Some stop reading, leave and come, just then."""
        with mock.patch.object(audience, 'PORTION', 1):
            first, _ = self.join()
            slow, slow_stream = self.join()
            left, left_stream = self.join()
            last, _ = self.join()
            come = []

            def happens():
                slow_stream.pause()
                left_stream.leave()
                come.append(self.join()[0])
                first.hear = lambda: None

            first.hear = happens
            self.trees.change(2)
            await self.hears(last, 2)
            await self.hears(come[0], 2)
            self.assertEqual(slow.heard(), [COMMENT])
            self.assertEqual(left.heard(), [COMMENT])
            slow_stream.resume()
            await self.hears(slow, 2)
        self.assertEqual(len(self.access.open), 4)
        self.assertEqual(self.tree.listeners, 4)

    async def test_other_work_goes_on_while_the_loop_writes(self):
        with mock.patch.object(audience, 'PORTION', 1):
            clients = [self.join()[0] for _ in range(3)]
            first, _, last = clients
            heard = []
            first.hear = lambda: asyncio.get_running_loop().call_soon(
                lambda: heard.append(last.heard()))
            self.trees.change(2)
            await self.hears(last, 2)
        self.assertEqual(heard, [[COMMENT]])

    async def test_a_change_while_the_loop_writes(self):
        with mock.patch.object(audience, 'PORTION', 1):
            clients = [self.join()[0] for _ in range(3)]
            first = clients[0]

            def happens():
                first.hear = lambda: None
                self.trees.change(3)

            first.hear = happens
            self.trees.change(2)
            for client in clients:
                await self.hears(client, 2, 3)

    async def test_signs_of_life(self):
        clients = [self.join()[0] for _ in range(2)]
        for _ in range(2):
            self.tree.wake()
            await until(lambda: not self.tree.whole.audience._looking)
        for client in clients:
            self.assertEqual(client.heard(), [COMMENT] * 3)

    async def test_nothing_is_left_of_one_who_leaves_just_then(self):
        self.join()[1].pause()
        _, stream = self.join()
        self.tree.wake()
        stream.leave()
        everybody = self.tree.whole.audience
        await until(lambda: not everybody._looking)
        self.assertEqual(everybody._ready, {})

    async def test_permission_ends(self):
        others = [self.join()[0] for _ in range(2)]
        gone, _ = self.join()
        defect, _ = self.join()
        self.access.refused = {'user 2': Problem(401, 'who?'),
                               'user 3': ValueError('a defect')}
        with self.assertLogs('zc.generationalset.server', logging.INFO) as log:
            self.trees.change(2)
            for client in others:
                await self.hears(client, 2)
        self.assertEqual([record.levelname for record in log.records],
                         ['INFO', 'ERROR'])
        for client in gone, defect:
            self.assertEqual(client.heard(), [COMMENT])
            self.assertTrue(client.ended)
        self.assertEqual(self.access.open, ['user 0', 'user 1'])

    async def test_too_large(self):
        clients = [self.join()[0] for _ in range(2)]
        self.trees.is_too_large = True
        self.trees.change(2)
        ask = b'event: ask\ndata: {}\n\n'
        for client in clients:
            await self.hears(client, ask)
            self.assertTrue(client.ended)
            self.assertEqual(client.sent, len(COMMENT) + len(ask))
        self.assertEqual(self.tree.listeners, 0)

    async def test_who_leaves_is_not_told_to_ask(self):
        client, stream = self.join()
        self.trees.is_too_large = True
        with mock.patch.object(Tree, 'spread', lambda self: .01):
            self.trees.change(2)
            await until(lambda: self.trees.asked)
            stream.leave()
            other, _ = self.join()
            await self.hears(other, b'event: ask\ndata: {}\n\n')
        self.assertEqual(client.heard(), [COMMENT])

    async def test_errors_end_streams(self):
        for error, level in [(Problem(404, 'no tree'), 'INFO'),
                             (ValueError('a defect'), 'ERROR')]:
            self.trees.error = None
            clients = [self.join(self.tree.position.generation)[0]
                       for _ in range(2)]
            self.trees.error = error
            with self.assertLogs(
                    'zc.generationalset.server', logging.INFO) as log:
                self.trees.change(self.tree.position.generation + 1)
                await until(lambda: self.tree.listeners == 0)
            self.assertEqual(
                [record.levelname for record in log.records], [level])
            self.assertTrue(all(client.ended for client in clients))

    async def test_the_end(self):
        client, _ = self.join()
        slow, slow_stream = self.join()
        slow_stream.pause()
        self.service.stopping = True
        self.tree.wake()
        self.assertTrue(client.ended)
        slow_stream.resume()
        late, _ = self.join()
        for each in slow, late:
            self.assertTrue(each.ended)
        self.assertEqual(self.tree.listeners, 0)
        self.assertEqual(self.value('streams'), 0)

    async def test_places_are_given_back_once(self):
        client, stream = self.join()
        self.join()
        for _ in range(2):
            stream.leave()
        stream.resume()
        stream.pause()
        stream.end()
        self.assertEqual(self.access.open, ['user 1'])
        self.assertEqual(self.tree.listeners, 1)
        self.assertEqual(client.sent, len(COMMENT))
        self.assertFalse(client.ended)
