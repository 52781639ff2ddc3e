"""Transactions in threads, so that the event loop never waits for them."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import ConflictError, ReadOnlyError

from zc.generationalset.server._wakeups import Wakeups
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.turns import Turns

T = TypeVar('T')
U = TypeVar('U')

#: Threads that read.  They are rarely waiting for anything, so few suffice.
READERS = 3
#: Threads that write.  They wait for the disk.
WRITERS = 8
#: Connections that are open at the same time, mostly: one more reads large
#: answers, and one looks whether the database is there.
CONNECTIONS = READERS + WRITERS + 2
#: How often a transaction is tried that conflicts with others.
ATTEMPTS = 12
#: How many jobs may wait for a thread.
WAITING = 2000

logger = logging.getLogger('zc.generationalset.server')


class Snapshot:
    """The database at one moment, until it is closed."""

    def __init__(self, db: Any, wakeups: Wakeups) -> None:
        #: The number of commits that it has, or more.
        self.count = wakeups.settle()
        self.manager = transaction.TransactionManager()
        self.manager.begin()
        self.connection = db.open(self.manager)
        try:
            self.root = self.connection.root()
        except BaseException:  # the database is lost
            self.close()
            raise

    def close(self) -> None:
        self.manager.abort()
        self.connection.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_only() -> Problem:
    return Problem(403, 'this database is read-only')


def _commit(manager: Any) -> None:
    """Commit.  Raises a Problem if nobody knows whether it was done.

    Conflicts are known not to be, and what a database refuses to write.
    """
    try:
        manager.commit()
    except ReadOnlyError as error:
        raise read_only() from error
    except TransientError as error:
        if isinstance(error, ConflictError):
            raise
        logger.warning('a commit has failed, perhaps: %r', error)
        raise Problem(
            500, 'the database was lost in the middle of a commit; it may '
            'have been written') from error


class Database:
    """Runs functions in transactions of a database."""

    def __init__(self, db: Any, wakeups: Wakeups, metrics: Metrics) -> None:
        self._db = db
        self._wakeups = wakeups
        self._metrics = metrics
        self._readers = Turns('gset-read', READERS, READERS - 1)
        self._writers = Turns('gset-write', WRITERS, WRITERS - 1)
        self._looker = ThreadPoolExecutor(1, 'gset-look')
        self._waiting = 0

    def close(self) -> None:
        for threads in self._readers, self._writers:
            threads.close()
        self._looker.shutdown(cancel_futures=True)

    def snapshot(self) -> Snapshot:
        return Snapshot(self._db, self._wakeups)

    @property
    def may_be_behind(self) -> bool:
        return self._wakeups.may_be_behind

    def catch_up(self) -> None:
        """Wait until snapshots have all that was committed before."""
        self._wakeups.catch_up()

    async def read(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread for jobs that read."""
        return await self._run(self._readers, job, *arguments)

    async def look(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread of its own, however many are reading."""
        return await asyncio.get_running_loop().run_in_executor(
            self._looker, job, *arguments)

    async def write(
            self, change: Callable[[Any], T],
            after: Callable[[], U] | None) -> tuple[T, U | None]:
        """Change something in a transaction; then call ``after``.

        It can read what is new, in another transaction.  What was read inside
        the first would have to be numbered before it is committed, and would
        conflict with all others that write.

        Returns what both return, None for what can't be read.  Raises what
        ``change`` raises, with nothing written, and a Problem if it still
        conflicts after many attempts, or if the database is lost while it is
        committed.
        """
        return await self._run(self._writers, self._write, change, after)

    def _write(
            self, change: Callable[[Any], T],
            after: Callable[[], U] | None) -> tuple[T, U | None]:
        result = self._commit(change)
        if not self._wakeups.is_told:
            self._wakeups.look()
        if after is None:
            return result, None
        try:
            return result, after()
        except Exception:
            # It is written, and that is what the client has to know.
            logger.exception('could not read the updates after a write')
            return result, None

    def _commit(self, change: Callable[[Any], T]) -> T:
        manager = transaction.TransactionManager()
        for attempt in range(ATTEMPTS):
            # Else it might say that something isn't there, or needs no change,
            # that another process has told a client of.  After a conflict, it
            # would have the same one again.
            self._wakeups.catch_up()
            manager.begin()
            connection = self._db.open(manager)
            try:
                result = change(connection.root())
                _commit(manager)
                return result
            except TransientError as error:
                logger.debug('attempt %s: %s', attempt + 1, error)
                self._metrics.conflicts.inc()
            finally:
                manager.abort()
                connection.close()
            time.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311
        raise Problem(
            503, f'conflicts with other writers, {ATTEMPTS} times in a row',
            retry_after=1)

    async def _run(
            self, threads: Turns, job: Callable[..., T],
            *arguments: Any) -> T:
        if self._waiting >= WAITING:
            raise Problem(503, 'too many requests are waiting', retry_after=1)
        self._waiting += 1
        try:
            return await threads.run(job, *arguments)
        except TransientError as error:
            # The database server is away, or something was packed meanwhile.
            logger.warning('a transaction has failed: %r', error)
            raise Problem(503, 'the database is not available',
                          retry_after=1) from error
        finally:
            self._waiting -= 1
