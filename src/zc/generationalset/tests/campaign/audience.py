"""Replicas that clients keep current, in several ways."""

import random

from zc.generationalset.client import Client, ClientError
from zc.generationalset.tests.campaign.replicas import Counted
from zc.generationalset.tests.support.clients import hurry
from zc.generationalset.tests.support.followers import Follower

#: Seconds without a byte, after which a client of the audience gives up.
PATIENCE = 4


class Listener:
    """A replica, and clients of one server or several that update it."""

    follows = False

    def __init__(self, name, urls, answers, replica=None):
        self.name = name
        self.replica = Counted(name, answers, replica)
        self.clients = [self._client(url) for url in urls]
        self.error = None

    def _client(self, url):
        client = Client(url, replica=self.replica, timeout=PATIENCE,
                        heartbeat=PATIENCE)
        hurry(client, 0.1)
        return client

    def sync(self, source=random):
        """Ask one of the servers; ignore errors, which are expected."""
        try:
            source.choice(self.clients).sync()
        except ClientError:
            return

    def stop(self):
        for client in self.clients:
            client.close()


class Following(Listener, Follower):
    """A listener with a thread that calls ``follow``."""

    follows = True

    def __init__(self, *arguments):
        Listener.__init__(self, *arguments)
        Follower.__init__(self, self.replica)

    def stop(self):
        self.ended.set()
        Listener.stop(self)
        Follower.stop(self)


class Watching(Following):
    """Listens to an event stream."""

    def follow(self):
        for _ in self.clients[0].watch():
            pass


class Polling(Following):
    """Asks again and again, each time a random server."""

    def follow(self):
        source = random.Random(self.name)
        while not self.ended.wait(source.uniform(0, 0.1)):
            self.sync(source)
