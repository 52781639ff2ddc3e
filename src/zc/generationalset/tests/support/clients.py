"""Both clients, for tests that are the same for both."""

import contextlib
import logging
import threading
import unittest
from inspect import isawaitable

from anyio.from_thread import start_blocking_portal
from zope.testing.wait import Wait

from zc.generationalset.client import AsyncClient, Client
from zc.generationalset.tests.support.layers import Clients

wait = Wait(timeout=90, wait=0.01)


class Blocking:
    """An AsyncClient, used like a Client; its tasks are in one event loop."""

    def __init__(self, *arguments, **options):
        self._stack = contextlib.ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        self.client = AsyncClient(*arguments, **options)

    def __getattr__(self, name):
        member = getattr(self.client, name)
        if not callable(member) or name in ('lock', 'replica'):
            return member

        def call(*arguments, **options):
            async def awaited():
                result = member(*arguments, **options)
                return await result if isawaitable(result) else result
            return self._portal.call(awaited)
        return call

    def __repr__(self):
        return repr(self.client)

    def watch(self):
        changes = self.client.watch()
        try:
            while True:
                try:
                    yield self._portal.call(changes.__anext__)
                except StopAsyncIteration:
                    return
        finally:
            self._portal.call(changes.aclose)

    def stop(self):
        self.close()
        self._stack.close()


def hurry(client, most=.01):
    """Make a client's waits short; return the times that it would wait.

    It still waits for ``most`` seconds, so as not to spin.
    """
    waits = []
    network = getattr(client, 'client', client)._network
    patient = network.wait

    def wait(seconds):
        waits.append(seconds)
        return patient(min(seconds, most))
    network.wait = wait
    return waits


@contextlib.contextmanager
def quiet():
    """Let clients log no problems."""
    logger = logging.getLogger('zc.generationalset.client')
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


class Watcher:
    """A thread that watches, and notes the changes."""

    def __init__(self, client):
        self.changes = []
        self.error = None
        self.iterator = client.watch()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            for changes in self.iterator:
                self.changes += changes
        except Exception as error:
            self.error = error

    def saw(self, kind, *path):
        wait(lambda: (kind, path) in self.seen)

    @property
    def seen(self):
        return [(change.kind, change.path) for change in list(self.changes)]

    def ended(self):
        wait(lambda: not self.thread.is_alive())
        return self.error


class ClientTests:
    """Tests that ``for_both`` makes test cases of."""

    def make_client(self, *arguments, **options):
        client = self.client_class(*arguments, **options)
        self.addCleanup(getattr(client, 'stop', client.close))
        return client


def for_both(tests, base=unittest.TestCase):
    """Return test cases with the same tests for each client."""
    return [type(f'{kind.__name__}{tests.__name__}', (tests, base),
                 {'client_class': kind, 'layer': Clients,
                  '__module__': tests.__module__})
            for kind in (Client, Blocking)]
