"""ZEO: hear of all earlier commits before finishing one.

A snapshot must have every commit up to the last one that it names.  A client
of ZEO takes the number of its own commit from the server's reply, and what
others committed from the server's invalidations.  A server that runs on uvloop
may send the reply first.  Until the invalidation comes, objects that an
earlier commit changed are read from the caches as they were before it, beside
objects of the later one: an answer has a new generation with an old item.

Two things are certain, with any event loop.  A client has the server's commit
lock from the reply to ``vote`` until ``tpc_finish``, so nobody else commits
meanwhile.  And the server tells each client of others' commits in their order.
So this asks for the last commit together with the vote, and waits until it is
heard of.
The caches are never ahead of what the client was told, also when the
connection is lost, or the process is killed with a cache file.

docs/zeo.txt tells which messages may overtake which, and why.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from ZODB.Connection import Connection
from ZODB.POSException import ReadConflictError

#: How long a commit that the server has may take until it is heard of, in
#: seconds.
PATIENCE = 10.0
#: After how many seconds the server is asked whether there is such a commit.
DOUBT = 0.1
#: Seconds between two looks.
INTERVAL = 0.0002

_known: Any = weakref.WeakSet()  # databases
_lock = threading.RLock()


class Calls:
    """The calls that a client makes to its server.

    It takes the place of the client's own method: wrappers of storages copy
    the public methods, but not this one.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._call = client._call

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Any:
        if method != 'vote':
            return self._call(method, *arguments, **options)
        # Both at once, so that nobody waits for the lock any longer.  A vote
        # that has to wait for the lock is answered after the invalidations of
        # whoever had it.
        voted = self._call(method, *arguments, wait=False)
        last = self._call('lastTransaction', wait=False)
        result = voted.result()
        hear(self._client, last.result())
        return result


def client_of(db: Any) -> Any:
    """Return the client of ZEO that a database uses; None if it uses none."""
    storage = db.storage
    while 'base' in getattr(storage, '__dict__', ()):  # it is wrapped
        storage = storage.base
    return storage if hasattr(storage, '_call') else None


def catch_up(client: Any) -> None:
    """Wait until all that was committed before, anywhere, can be read.

    One round trip.  Raises ReadConflictError if the server has a commit, and
    doesn't tell of it.
    """
    hear(client, client._call('lastTransaction'))


def hear(client: Any, last: bytes) -> None:
    """Wait until a client was told of all commits up to the server's last one.

    A FileStorage that was killed while it wrote a transaction removes what it
    finds of it, but calls it its last one until the next commit.  Nobody is
    ever told of that.  So, after a moment, the server is asked what it would
    tell a client that comes back.  That makes it write a line to its log,
    which is why it isn't asked first.

    Raises ReadConflictError if that takes too long.
    """
    if not _has(client, last, DOUBT):
        invalidations = client._call(
            'getInvalidations', client.lastTransaction())
        # It is None if the client is far behind.
        wait_for(client, invalidations[0] if invalidations else last)


def wait_for(storage: Any, tid: bytes) -> None:
    """Wait until a storage has a commit.

    Raises ReadConflictError if that takes too long.
    """
    if not _has(storage, tid, PATIENCE):
        raise ReadConflictError(
            f'expected to hear of commit {tid.hex()} within '
            f'{PATIENCE:.0f} seconds, got as far as '
            f'{storage.lastTransaction().hex()}')


def _has(storage: Any, tid: bytes, patience: float) -> bool:
    """Tell whether a storage has a commit, within some seconds."""
    deadline = time.monotonic() + patience
    while storage.lastTransaction() < tid:
        if time.monotonic() > deadline:
            return False
        time.sleep(INTERVAL)
    return True


def order(db: Any) -> None:
    """Have a database finish commits after all earlier ones were heard of.

    Costs a commit one message more, which it doesn't wait for longer, and
    reading nothing.  Done once for a database; nothing is done for one that
    doesn't use ZEO.
    """
    with _lock:
        client = client_of(db)
        if client is not None and not isinstance(client._call, Calls):
            # What it has committed itself by now may still be ahead of what
            # it was told, for one round trip.
            client._call('lastTransaction')
            client._call = Calls(client)
            client._call('lastTransaction')
        _known.add(db)


def order_for(jar: Any) -> None:
    """Do so for the database of a set that is loaded or stored.

    Raises ReadConflictError if the connection's snapshot has turned out to
    lack a commit.
    """
    if isinstance(jar, Connection) and jar.db() not in _known:
        order(jar.db())
        storage = jar._storage
        heard = getattr(storage, '_ltid', b'')
        if getattr(storage, '_invalidations', None) and (
                heard < storage._start):
            raise ReadConflictError(
                f'commit {heard.hex()} was heard of after a later one')
