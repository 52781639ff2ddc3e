"""Threads that keep replicas current."""

import asyncio
import contextlib
import threading

import httpx

from zc.generationalset import wire
from zc.generationalset.client import AsyncClient, Client


class Follower:
    """A thread that keeps a replica current, in one of several ways."""

    def __init__(self, replica):
        self.replica = replica
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.follow()
        except Exception as error:
            self.error = error

    def stop(self):
        self.ended.set()
        self.thread.join(90)
        if self.error is not None:
            raise self.error


def watcher(url, replica):
    class Watcher(Follower):
        client = Client(url, replica=replica)

        def follow(self):
            for _ in self.client.watch():
                pass

        def stop(self):
            self.client.close()
            super().stop()
    return Watcher(replica)


def async_watcher(url, replica):
    class AsyncWatcher(Follower):
        def follow(self):
            asyncio.run(self.watch())

        async def watch(self):
            async with AsyncClient(url, replica=replica) as client:
                watching = asyncio.create_task(self.consume(client))
                while not self.ended.is_set() and not watching.done():
                    await asyncio.sleep(0.05)
                await client.close()
                await watching

        async def consume(self, client):
            async for _ in client.watch():
                pass
    return AsyncWatcher(replica)


def poller(url, replica, **parameters):
    """Follow with a few lines, and without a client."""
    class Poller(Follower):
        def follow(self):
            with httpx.Client(base_url=url, timeout=90) as http:
                while not self.ended.wait(0.02):
                    with contextlib.suppress(httpx.TransportError):
                        self.ask(http)

        def ask(self, http):
            query = {'generation': replica.generation, **parameters}
            if replica.epoch is not None:
                query['epoch'] = replica.epoch
            response = http.get('/updates', params=query)
            if response.status_code == 200:
                replica.apply(wire.decode(response.content))
    return Poller(replica)


def state(items):
    """Return what a replica has, in a form that can be compared."""
    return {id: state(item) if hasattr(item, 'items') else item
            for id, item in items.items()}
