"""Threads for jobs that wait for a database, so the event loop never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from zc.generationalset.server.problems import Problem, problem_of
from zc.generationalset.server.turns import Turns
from zc.generationalset.sources import SourceError

T = TypeVar('T')

#: Threads that read.  They rarely wait for anything, so a few are enough.
READERS = 3
#: Threads for writes that share no transaction.  They wait for the disk.
WRITERS = 8
#: Connections that are usually open at the same time.  One more is for writes
#: that share a transaction, one reads large answers, and one checks that the
#: database is there.
CONNECTIONS = READERS + WRITERS + 3
#: How many jobs may wait for a thread.
WAITING = 2000


class Jobs:
    """Runs functions in threads.

    Errors of sources become Problems.
    """

    def __init__(self) -> None:
        self._readers = Turns('gset-read', READERS, READERS - 1)
        self._writers = Turns('gset-write', WRITERS, WRITERS - 1)
        self._looker = ThreadPoolExecutor(1, 'gset-look')
        self._waiting = 0

    def close(self) -> None:
        for threads in self._readers, self._writers:
            threads.close()
        self._looker.shutdown()

    async def read(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread for jobs that read."""
        return await self._run(self._readers, job, *arguments)

    async def write(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread for jobs that write."""
        return await self._run(self._writers, job, *arguments)

    async def look(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread of its own, even if readers are busy."""
        return await asyncio.get_running_loop().run_in_executor(
            self._looker, job, *arguments)

    async def _run(
            self, threads: Turns, job: Callable[..., T],
            *arguments: Any) -> T:
        with self.waiting():
            return await threads.run(job, *arguments)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a job that waits.  Raises a Problem if too many do."""
        if self._waiting >= WAITING:
            raise Problem(503, 'too many requests are waiting', retry_after=1)
        self._waiting += 1
        try:
            yield
        except SourceError as error:
            raise problem_of(error) from error
        finally:
            self._waiting -= 1
