"""Transactions of a ZODB that is a store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ZODB.POSException import ConflictError

from zc.generationalset.sync.errors import Busy, Problem


class Transactions:
    """The transactions of a store: one for each call, or one for a batch."""

    def __init__(self, db: Any) -> None:
        self._db = db
        #: The connection of a batch; other threads have their own.
        self._batch = threading.local()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit what calls of this thread change when this ends."""
        with _told(), self.reading() as connection:
            self._batch.connection = connection
            try:
                yield
            finally:
                del self._batch.connection

    @contextmanager
    def begin(self) -> Iterator[Any]:
        """Yield a connection, for one call.  Raises Busy."""
        connection = getattr(self._batch, 'connection', None)
        if connection is None:
            with _told(), self.reading() as connection:
                yield connection
            return
        try:
            yield connection
        except Problem:
            raise  # before anything was changed
        except BaseException:
            connection.transaction_manager.doom()
            raise

    def reading(self) -> AbstractContextManager[Any]:
        """Return a context with a connection of its own."""
        transaction: AbstractContextManager[Any] = self._db.transaction()
        return transaction


@contextmanager
def _told() -> Iterator[None]:
    """Raise Busy for a conflict with others."""
    try:
        yield
    except ConflictError as error:
        raise Busy(0.1) from error
