"""One database that several workers have open, as through ZEO."""

from collections import deque
from types import SimpleNamespace

from ZODB.FileStorage import FileStorage


class Engine:
    """The storage that all workers share.

    lag
        Returns the seconds until a worker is told of another's commit.
    committed
        Called after each commit.
    meanwhile
        Called between what a worker reads for a commit and the commit.
    """

    def __init__(self, path, loop, lag, committed, meanwhile):
        self.path = path
        self.loop = loop
        self.lag = lag
        self.committed = committed
        self.meanwhile = meanwhile
        self.remotes = {}  # a dictionary, to keep the order
        #: The number of conflicts that were resolved.
        self.resolved = 0
        self.open()

    def open(self):
        self.storage = FileStorage(self.path)

    def close(self):
        self.storage.close()

    def announce(self, tid, oids, committing):
        for remote in list(self.remotes):
            if remote is not committing:
                remote.expect(tid, oids)
        self.committed()

    def sleep(self, seconds):
        """Sleep as a thread of a worker."""
        self.loop.clock.advance(seconds)
        for remote in list(self.remotes):
            remote.hear()


class Remote:
    """A client of the storage, which is told late of others' commits.

    It does what matters of ZEO's client: it reads as of the last commit that
    it made or was told of, and may later be told of others' earlier commits.

    prompt
        Whether it is told at once, and nothing happens within its commits.
    """

    def __init__(self, engine, prompt=False):
        self._engine = engine
        self._storage = engine.storage
        self._prompt = prompt
        self._told = self._storage.lastTransaction()
        self._coming = deque()
        self._last = 0.0
        #: Called when a commit is as far as this, 'voted' or 'finished'.
        self.reached = lambda how_far: None
        engine.remotes[self] = None

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def __len__(self):
        return len(self._storage)

    def registerDB(self, db):
        self._db = db

    def close(self):
        del self._engine.remotes[self]

    def _call(self, method, *arguments, wait=True):
        """Ask the server.  This method also marks this as a remote storage."""
        if method == 'getInvalidations':
            result = self._storage.lastTransaction(), []
        else:
            method = {'vote': 'tpc_vote'}.get(method, method)
            result = getattr(self._storage, method)(*arguments)
        return result if wait else SimpleNamespace(result=lambda: result)

    def lastTransaction(self):
        return self._told

    # Others' commits

    def expect(self, tid, oids):
        now = self._engine.loop.time()
        lag = 0.0 if self._prompt else self._engine.lag()
        self._last = max(self._last, now + lag)
        self._coming.append((self._last, tid, oids))
        if self._prompt:
            self.hear()
        else:
            self._engine.loop.call_at(self._last, self.hear)

    def hear(self):
        now = self._engine.loop.time()
        while self._coming and self._coming[0][0] <= now + 1e-6:
            self._hear_next()

    def _hear_next(self):
        _, tid, oids = self._coming.popleft()
        self._told = max(self._told, tid)
        if self in self._engine.remotes:
            self._db.invalidate(tid, oids)

    # Own commits

    def tpc_begin(self, transaction, *arguments):
        if not self._prompt:
            self._engine.meanwhile()
        self._storage.tpc_begin(transaction, *arguments)
        self._oids = {}

    def store(self, oid, *arguments):
        self._storage.store(oid, *arguments)
        self._oids[oid] = None

    def tpc_vote(self, transaction):
        resolved = self._call('vote', transaction)
        self._engine.resolved += len(resolved or ())
        self.reached('voted')
        return resolved

    def undo(self, transaction_id, transaction):
        tid, oids = self._storage.undo(transaction_id, transaction)
        self._oids.update(dict.fromkeys(oids))
        return tid, oids

    def tpc_finish(self, transaction, announce=lambda tid: None):
        def finish(tid):
            self._told = tid
            announce(tid)

        tid = self._storage.tpc_finish(transaction, finish)
        self._engine.announce(tid, list(self._oids), self)
        self.reached('finished')
        return tid
