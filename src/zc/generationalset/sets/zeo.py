"""ZEO: a client hears of all earlier commits before it finishes one.

A snapshot must have every commit up to the last one that it names.  A ZEO
client learns of its own commit from the server's reply, and of others' commits
from the server's invalidations.  A server that runs on uvloop may send the
reply first.  Until the invalidation comes, the client reads objects that an
earlier commit changed from its caches, as they were before that commit, beside
objects of the later commit.  So an answer may have a new generation with an
old item.

Two things are certain, with any event loop.  A client has the server's commit
lock from the reply to ``vote`` until ``tpc_finish``, so nobody else commits
meanwhile.  And the server tells each client of others' commits in their order.
So this module asks for the last commit together with the vote, and waits until
the client has heard of it.  Then the caches are never ahead of what the client
was told, even if the connection is lost, or if the process is killed and has a
cache file.

docs/zeo.txt says which messages may overtake which, and why.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from ZODB.Connection import Connection
from ZODB.POSException import ReadConflictError

#: Seconds within which a client must hear of a commit that the server has.
PATIENCE = 10.0
#: Seconds after which the server is asked whether the commit exists.
DOUBT = 0.1
#: Seconds between two checks.
INTERVAL = 0.0002

_known: Any = weakref.WeakSet()  # databases
_lock = threading.RLock()


class Calls:
    """The calls that a client makes to its server.

    An instance replaces the client's own private method.  Wrappers of storages
    copy public methods, but not this one.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._call = client._call

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Any:
        if method != 'vote':
            return self._call(method, *arguments, **options)
        # Both calls are sent at once, so that the lock isn't held any longer.
        # If the vote has to wait for the lock, its answer comes after the
        # invalidations of the client that had the lock.
        voted = self._call(method, *arguments, wait=False)
        last = self._call('lastTransaction', wait=False)
        result = voted.result()
        hear(self._client, last.result())
        return result


def client_of(db: Any) -> Any:
    """Return the ZEO client that a database uses; None if it uses none."""
    storage = db.storage
    while 'base' in getattr(storage, '__dict__', ()):  # a wrapper
        storage = storage.base
    return storage if hasattr(storage, '_call') else None


def catch_up(client: Any) -> None:
    """Wait until everything that any process has committed can be read.

    Takes one round trip.  Raises ReadConflictError if the server has a commit,
    and doesn't tell the client of it.
    """
    hear(client, client._call('lastTransaction'))


def hear(client: Any, last: bytes) -> None:
    """Wait until a client was told of all commits up to the server's last.

    If a FileStorage was killed while it wrote a transaction, it removes the
    remains when it starts, but calls that transaction its last one until the
    next commit.  Nobody is ever told of that transaction.  So, after a moment,
    this asks the server what it would tell a client that comes back.  It
    doesn't ask at once, because each such question makes the server write a
    line to its log.

    Raises ReadConflictError if that takes too long.
    """
    if not _has(client, last, DOUBT):
        invalidations = client._call(
            'getInvalidations', client.lastTransaction())
        # The server answers None if the client is far behind.
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
    """Make a database hear of all earlier commits before it finishes one.

    A commit then costs one more message, without more waiting; reading costs
    nothing more.  This is done once for a database.  For a database without
    ZEO, it does nothing.
    """
    with _lock:
        client = client_of(db)
        if client is not None and not isinstance(client._call, Calls):
            client._call = Calls(client)
            # The client's earlier commits may be ahead of what it was told.
            # An answer may overtake what the server has scheduled, but the
            # server's loop calls that before it answers the second question.
            client._call('lastTransaction')
            client._call('lastTransaction')
        _known.add(db)


def order_for(jar: Any) -> None:
    """Call ``order`` for the database of a set that is loaded or stored.

    Raises ReadConflictError if the connection's snapshot lacks a commit.
    """
    if isinstance(jar, Connection) and jar.db() not in _known:
        order(jar.db())
        storage = jar._storage
        heard = getattr(storage, '_ltid', b'')
        if getattr(storage, '_invalidations', None) and (
                heard < storage._start):
            raise ReadConflictError(
                f'commit {heard.hex()} was heard of after a later one')
