"""The hosts that clients talk to: workers of one database, and mirrors."""

import asyncio
import os
import shutil
from contextlib import aclosing

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset.client import AsyncClient, ClientError
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.mirror.following import AGAIN
from zc.generationalset.server import Limits, application
from zc.generationalset.tests.simulation.network import HEARTBEAT, Transport
from zc.generationalset.tests.simulation.storage import Remote

#: The number of objects in a cache of ZODB.
CACHE = 10_000


class Host:
    """A process that serves; it can start, stop and be killed."""

    #: Whether event streams go on without ASGI.
    hands_over = None

    def __init__(self, world, name):
        self.name = name
        self.world = world
        self.report = world.report
        self.is_up = False
        self.exchanges = {}  # a dictionary, to keep the order
        self.lock = asyncio.Lock()  # held by whoever stops it

    @property
    def url(self):
        return f'http://{self.name}'

    def serve(self, key):
        self.app = application(
            self.db, lambda root: root[key], write=True, hosts=[self.name],
            limits=Limits(streams=10 ** 6), heartbeat=HEARTBEAT)
        self.is_up = True

    async def stop(self, is_kind):
        """Stop serving, in order if ``is_kind``, or as if killed."""
        self.is_up = False
        if is_kind:
            self.app.state.gset.stop()
            await asyncio.sleep(1)
        exchanges = list(self.exchanges)
        self.cut()
        await asyncio.gather(
            *[exchange.task for exchange in exchanges],
            return_exceptions=True)  # of those that had not begun
        await self.app.state.gset.close()
        self.db.close()

    def cut(self):
        """Let nothing more come from here, and nothing arrive."""
        self.is_up = False
        for exchange in list(self.exchanges):
            exchange.cut()
            exchange.task.cancel()


class Killed(Exception):
    """The process has been killed."""


class Worker(Host):
    """A process of the server, ``gset serve``."""

    hands_over = True

    def __init__(self, world, name):
        super().__init__(world, name)
        self.start()

    def start(self):
        self._remote = Remote(self.world.engine)
        self.db = ZODB.DB(self._remote, cache_size=CACHE)
        self.serve('set')

    async def die_writing(self, how_far):
        """Be killed when several writes are under way, in a commit.

        how_far
            What has been done of the commit then: see ``Remote``.
        """
        died = self.world.loop.create_future()

        def reached(what):
            if died.done():
                raise Killed
            writing = sum(exchange.writes for exchange in self.exchanges)
            if what == how_far and writing > 1:
                died.set_result(None)
                self.cut()
                if what == 'voted':
                    raise Killed

        self._remote.reached = reached
        await died


class Mirror(Host):
    """A mirror, in another ASGI server."""

    hands_over = False

    def __init__(self, world, name, source, group):
        super().__init__(world, name)
        self.group = group
        self.path = os.path.join(world.directory, f'{name}.fs')
        self.source = source
        self.start()

    def start(self):
        self.db = ZODB.DB(FileStorage(self.path), cache_size=CACHE)
        self.stored = StoredMirror(self.db, 'mirror', self.source.url)
        self.serve('mirror')
        self._following = self.world.loop.create_task(self._follow())

    async def _follow(self):
        """Do what the thread of Follower does."""
        transport = Transport(self.world.network, self)
        async with AsyncClient(
                self.source.url, replica=self.stored, heartbeat=HEARTBEAT,
                transport=transport) as client:
            while True:
                try:
                    async with aclosing(client.watch()) as all_changes:
                        async for _ in all_changes:
                            self.report.count('updates of mirrors')
                except ClientError:
                    await asyncio.sleep(AGAIN)

    async def stop(self, is_kind):
        self._following.cancel()
        await asyncio.wait([self._following])
        await super().stop(is_kind)

    def save(self):
        shutil.copyfile(self.path, f'{self.path}.backup')

    def lose(self):
        """Lose the file, or get an old one back."""
        os.remove(self.path)
        os.remove(f'{self.path}.index')
        if os.path.exists(f'{self.path}.backup'):
            os.replace(f'{self.path}.backup', self.path)
