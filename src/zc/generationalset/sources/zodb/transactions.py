"""Transactions that write, and are tried again after a conflict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import ConflictError, ReadOnlyError

from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sources.errors import Uncertain
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.sources.zodb.snapshot import Available, read_only

T = TypeVar('T')


class Transactions:
    """Writes to a database."""

    def __init__(self, db: Any, commits: Commits) -> None:
        self._db = db
        self._commits = commits

    def repeated(self, job: Callable[[Any], T]) -> T:
        """Do a job in a transaction; try again after a conflict.

        job
            Called with the root.

        Raises what the job raises; then nothing is written.  Also raises
        Contended, and what ``once`` raises.
        """
        return repeated(partial(self.once, job), TransientError)

    def once(self, job: Callable[[Any], T]) -> T:
        """Do a job in a transaction.

        Raises TransientError if that may be tried again; ReadOnly, Unavailable
        and Uncertain.
        """
        manager = transaction.TransactionManager()
        with Available():
            # Without this, a process that is behind would answer that an item
            # is missing, or needs no change, although another process has just
            # written it.  After a conflict, it would have the same conflict
            # again.
            self._commits.catch_up()
            manager.begin()
            connection = self._db.open(manager)
        try:
            result = job(connection.root())
            _commit(manager)
        finally:
            manager.abort()
            connection.close()
        if not self._commits.is_told:
            self._commits.look()
        return result


def _commit(manager: Any) -> None:
    """Commit.  Raises Uncertain if nobody knows whether that succeeded.

    After a conflict, and when a database refuses to write, it is known that
    the commit failed.
    """
    try:
        manager.commit()
    except ReadOnlyError as error:
        raise read_only() from error
    except TransientError as error:
        if isinstance(error, ConflictError):
            raise
        raise Uncertain('the database was lost in the middle of a commit; it '
                        'may have been written') from error
