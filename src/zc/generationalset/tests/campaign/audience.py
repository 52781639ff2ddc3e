"""Replicas that are kept current, now and then, or by several servers."""

import random
import threading

from zc.generationalset.client import Client, ClientError
from zc.generationalset.tests.campaign.replicas import Counted
from zc.generationalset.tests.clients import hurry

#: Seconds without a byte until a client of the audience gives up.
PATIENCE = 4


class Listener:
    """One replica; clients of one server or several bring updates into it."""

    follows = False

    def __init__(self, name, urls, replica=None):
        self.name = name
        self.replica = Counted(replica)
        self.clients = [self._client(url) for url in urls]
        self.error = None

    def _client(self, url):
        client = Client(url, replica=self.replica, timeout=PATIENCE,
                        heartbeat=PATIENCE)
        hurry(client, 0.1)
        return client

    def sync(self, source=random):
        """Ask one of the servers; errors are part of the game."""
        try:
            source.choice(self.clients).sync()
        except ClientError:
            return

    def stop(self):
        for client in self.clients:
            client.close()
        if self.error is not None:
            raise self.error


class Following(Listener):
    """A listener with a thread, which ``follow`` is called in."""

    follows = True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name)
        self._thread.start()

    def _run(self):
        try:
            self.follow()
        except Exception as error:
            self.error = error

    def stop(self):
        self._stopping.set()
        for client in self.clients:
            client.close()
        self._thread.join(60)
        super().stop()


class Watching(Following):
    """Listens to an event stream."""

    def follow(self):
        for _ in self.clients[0].watch():
            pass


class Polling(Following):
    """Asks again and again, whichever server chance says."""

    def follow(self):
        source = random.Random(self.name)
        while not self._stopping.wait(source.uniform(0, 0.1)):
            self.sync(source)
