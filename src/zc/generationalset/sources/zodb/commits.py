"""Hearing of commits, whichever process and code makes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any

from ZODB.POSException import ReadConflictError

from zc.generationalset.sets import zeo
from zc.generationalset.sources.poll import Poll


class Commits:
    """Counts the commits of a database, while somebody listens.

    ZODB tells every connection which objects others have changed, so that the
    connection drops them from its cache.  This class registers as if it were a
    connection.  That works for all storages that tell ZODB.  RelStorage
    doesn't: then ``is_told`` is False, and a thread asks.
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        #: The number of commits so far; if it is the same, nothing was
        #: committed.
        self.count = 0
        self._tid = b''
        self._counting = threading.Lock()
        self._registering = threading.Lock()
        self._listeners: frozenset[Callable[[], None]] = frozenset()
        self._poll: Poll | None = None

    @cached_property
    def _adapter(self) -> Any:
        return self._db._mvcc_storage

    @cached_property
    def _zeo_client(self) -> Any:
        return zeo.client_of(self._db)

    @cached_property
    def is_told(self) -> bool:
        return hasattr(self._adapter, '_invalidate_finish')

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call a function at each commit; return a function that ends this."""
        with self._registering:
            is_first = not self._listeners
            self._listeners |= {told}  # commits may be told at once
            try:
                if is_first:
                    self._begin()
            except BaseException:
                self._listeners -= {told}
                raise
        return partial(self._ignore, told)

    def _ignore(self, told: Callable[[], None]) -> None:
        with self._registering:
            if told in self._listeners:
                self._listeners -= {told}
                if not self._listeners:
                    self._end()

    def _begin(self) -> None:
        zeo.order(self._db)
        if self.is_told:
            with self._adapter._lock:
                self._adapter._instances.add(self)
        else:
            storage = self._adapter.new_instance()
            self._poll = Poll(partial(_has_changed, storage), self.look)
            self._polled = storage

    def _end(self) -> None:
        if self._poll is not None:
            self._poll.close()
            self._poll = None
            self._polled.release()
        elif not self._adapter.closed:
            with self._adapter._lock:
                self._adapter._instances.discard(self)

    def look(self) -> None:
        """Assume that something was committed."""
        with self._counting:
            self.count += 1
        for told in self._listeners:
            told()

    def settle(self) -> int:
        """Wait until all commits that were counted can be read.

        Storages announce a commit just before it is done.  A connection that
        is opened after this has at least as many commits as this returns.
        (RelStorage is asked after its commits.  The storage that all its
        threads share must not be asked anything, because it has one connection
        to the database, and no lock.)

        Raises ReadConflictError if that takes too long.
        """
        count = self.count  # first, because later commits may be seen or not
        if self.is_told:
            self._wait_for(self._tid)
        return count

    def _wait_for(self, tid: bytes) -> None:
        try:
            zeo.wait_for(self._db, tid)
        except ReadConflictError:
            if self._tid == tid:
                self._tid = b''  # that commit has failed
            raise

    @property
    def may_be_behind(self) -> bool:
        """Whether others' commits become readable only a little later.

        This is so for clients of ZEO.
        """
        return self._zeo_client is not None

    def catch_up(self) -> None:
        """Wait until everything that any process has committed can be read.

        Raises ReadConflictError if that takes too long.
        """
        if self._zeo_client is not None:
            zeo.catch_up(self._zeo_client)

    # ZODB calls these in the committing thread, with a lock held.

    def _invalidate(self, tid: bytes, oids: Iterable[bytes]) -> None:
        self._tid = tid
        self.look()

    def _invalidateCache(self) -> None:
        self.look()


def _has_changed(storage: Any) -> bool:
    """Tell whether there were commits since the last time.

    storage
        One whose instances find out by themselves, when they begin a
        transaction, what others have committed: an ``IMVCCStorage``.
    """
    changed = storage.poll_invalidations()
    storage.sync()  # else a transaction would stay open
    return changed is None or bool(changed)
