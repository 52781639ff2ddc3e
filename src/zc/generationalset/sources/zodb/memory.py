"""Memory for the objects of large answers."""

from __future__ import annotations

import threading
import weakref
from typing import Any


class Memory:
    """Memory for the connection that made the last large answer.

    Such an answer needs all objects of a set, and loading them takes ten times
    as long as the rest.  So this connection may keep as many bytes as all
    connections of the pool together.  The next large answer is usually made
    with the same one, because a pool gives out the one with the most objects.

    db
        A ``ZODB.DB``.  If it has no limit of bytes, nothing changes.
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._owner: weakref.ref[Any] | None = None

    def give(self, connection: Any) -> None:
        """Let a connection have the memory, and no other one any more.

        Another one drops what is too much when it is closed, or, if it is in
        the pool, when any is opened.
        """
        with self._lock:
            owner = None if self._owner is None else self._owner()
            if owner is connection:
                return
            usual = self._db.getCacheSizeBytes()
            if owner is not None:
                owner._cache.cache_size_bytes = usual
            connection._cache.cache_size_bytes = (
                usual * self._db.getPoolSize())
            self._owner = weakref.ref(connection)
