"""Authors: they write, and know what must be there in the end."""

import random
import threading
from collections import Counter

from zc.generationalset.client import Client, MaybeWritten, Unavailable
from zc.generationalset.tests.campaign.replicas import Counted
from zc.generationalset.tests.support.clients import hurry

#: Sets that all authors write to; () is the top.
SETS = (), ('a',), ('a', 'deep')
#: Ids that an author uses at a time.
PLACES = 12
#: Seconds without a response, after which an author gives up.  A server that
#: lost its database would hold the request for half a minute.
PATIENCE = 4
GONE = object()


class Author(threading.Thread):
    """A thread that writes rising numbers to ids of its own, and removes them.

    It sends each write until it is acknowledged.  If a response was lost, it
    never writes to the same id again, because a request that is still under
    way may arrive after a later one.  So, in the end, each id has what was
    written last.
    """

    def __init__(self, number, url, seed, answers):
        super().__init__(name=f'author {number}')
        self._random = random.Random(f'{seed}/{number}')
        self.replica = Counted(self.name, answers)
        self._client = Client(url, replica=self.replica, timeout=PATIENCE)
        self._waits = hurry(self._client, 0.05)
        self._stopping = threading.Event()
        #: Held during a write; whoever else holds it makes the author rest.
        self.turn = threading.Lock()
        self._made = 0
        self._places = [self._new_id() for _ in range(PLACES)]
        self._pair = self._new_id()[-1]
        self._number = 0
        #: What must be there, by path, and how many writes that stands for.
        self.expected = {}
        self.acknowledged = Counter()
        self._lost = 0
        self.error = None

    follows = False  # its replica gets what others wrote with its own writes

    def _new_id(self):
        self._made += 1
        return (*self._random.choice(SETS), f'{self.name}, {self._made}')

    def run(self):
        try:
            with self.turn:
                self.sync()
            while not self._stopping.wait(self._random.uniform(0, 0.02)):
                with self.turn:
                    self._write()
        except Exception as error:
            self.error = error

    def finish(self):
        """Wait until the author has ended its last write."""
        self._stopping.set()
        self.join(120)
        if self.is_alive():
            raise AssertionError(f'{self.name}: a write is never acknowledged')
        if self.error is not None:
            raise self.error

    def stop(self):
        self._stopping.set()
        self._client.close()
        self.join(120)

    def sync(self, source=None):
        self._patiently(self._client.sync)

    def _remove(self, path):
        # A missing item is right only if it may have been removed already.
        self._client.remove(path, missing_ok=self._maybe_written)

    def _patiently(self, call, *arguments):
        """Call until a response arrives; return whether the first one did."""
        before = self.sent_again
        self._maybe_written = False
        while True:
            try:
                call(*arguments)
                return self.sent_again == before
            except (MaybeWritten, Unavailable) as error:
                self._lost += 1
                if isinstance(error, MaybeWritten):
                    self._maybe_written = True

    @property
    def sent_again(self):
        """The number of requests sent because a response was lost."""
        return self._lost + len(self._waits)

    def _write(self):
        self._number += 1
        place = self._random.randrange(PLACES)
        path = self._places[place]
        kind = self._random.random()
        if kind < .1:
            self._write_pair()
            return
        if kind < .35 and self.expected.get(path, GONE) is not GONE:
            surely = self._patiently(self._remove, path)
            self._note(path, GONE)
        else:
            item = {'n': self._number,
                    'text': 'x' * self._random.randrange(300)}
            surely = self._patiently(self._client.put, path, item)
            self._note(path, item)
        if not surely:
            self._places[place] = self._new_id()

    def _write_pair(self):
        """Write two items in one transaction; nobody may see only one."""
        paths = [(f'{self._pair} {side}',) for side in ('left', 'right')]
        surely = self._patiently(self._client.batch, [
            ('put', path, self._number) for path in paths])
        for path in paths:
            self._note(path, self._number)
        if not surely:
            self._pair = self._new_id()[-1]

    def _note(self, path, item):
        self.expected[path] = item
        self.acknowledged[path] += 1

    # Backups.  Call these while the author rests.

    def remember(self):
        """Return what a backup has that is made now."""
        return dict(self.expected), Counter(self.acknowledged)

    def take_back(self, remembered):
        """Expect what a backup has."""
        expected, acknowledged = remembered
        self.expected, self.acknowledged = dict(expected), Counter(
            acknowledged)

    # In the end

    def found(self, items):
        """Return how many acknowledged writes are there, or were replaced."""
        return sum(
            count for path, count in self.acknowledged.items()
            if self._at(items, path) == self.expected[path])

    def _at(self, items, path):
        for id in path:
            items = items.get(id, GONE) if isinstance(items, dict) else GONE
        return items
