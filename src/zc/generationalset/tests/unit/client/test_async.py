"""Clients that await: what only tasks can do."""

import gc
import time
from contextlib import aclosing

import anyio

from zc.generationalset.client import AsyncClient
from zc.generationalset.tests.support.serving import Served


class TaskTests(Served):

    options = {'heartbeat': 0.2}

    def run_tasks(self, function):
        async def main():
            async with AsyncClient(self.url) as client:
                await client.sync()
                await function(client)
                self.assertEqual(client._session._feeds, [])
                self.assertEqual(client._network.scopes, set())
                await client.sync()
        anyio.run(main)

    def test_cancelled_watch(self):
        async def watch(client, seen):
            async with aclosing(client.watch()) as watch:
                async for changes in watch:
                    seen += changes

        async def main(client):
            for when in 'ask', 'listen', 'deliver':
                async with anyio.create_task_group() as tasks:
                    seen = []
                    tasks.start_soon(watch, client, seen)
                    if when != 'ask':
                        await client.put('a', when)
                        while not seen:
                            await anyio.sleep(.01)
                    if when == 'deliver':
                        await client.put('b', when)
                    tasks.cancel_scope.cancel()
        self.run_tasks(main)

    def test_timeout(self):
        async def main(client):
            with anyio.move_on_after(.1) as scope:
                async with aclosing(client.watch()) as watch:
                    async for _ in watch:
                        pass
            self.assertTrue(scope.cancelled_caught)
        self.run_tasks(main)

    def test_abandoned_watch(self):
        """A client that nobody closes is closed as garbage."""
        async def main(client):
            await client.put('a', time.time())
            self.put('b', time.time())
            async for _ in client.watch():
                break
            while client._session._feeds:
                gc.collect()
                await anyio.sleep(.01)
        self.run_tasks(main)
