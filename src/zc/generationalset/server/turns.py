"""Threads in which users take turns: a busy user delays nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from zc.generationalset.server.queues import Queue

T = TypeVar('T')

#: For whom a job is done: a user; without users, an address; or None, for the
#: server itself.
USER: ContextVar[Hashable] = ContextVar('USER', default=None)


class Turns:
    """Threads for jobs; used in one event loop.

    .. code-block:: python

        threads = Turns('gset-read', 3, 2)
        result = await threads.run(job, argument)

    name
        The beginning of the threads' names.
    threads
        The number of threads.
    each
        How many of them one user may have at a time.
    """

    def __init__(self, name: str, threads: int, each: int) -> None:
        self._executor = ThreadPoolExecutor(threads, name)
        self._free = threads
        self._each = each
        self._running: Counter[Hashable] = Counter()
        self._waiting: Queue[asyncio.Future[None]] = Queue()

    def close(self) -> None:
        self._executor.shutdown()

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread, for the current user.

        Raises what the function raises, and a Problem if too many jobs of this
        user are waiting.
        """
        user = USER.get()
        await self._turn(user)
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def end(job: Future[T]) -> None:
            # The thread is free, even if nobody waits for the result.
            self._give_back(user)
            if result.cancelled():
                return
            error = job.exception()
            if error is None:
                result.set_result(job.result())
            else:
                result.set_exception(error)

        def ended(job: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(end, job)

        try:
            future = self._executor.submit(copy_context().run, job, *arguments)
        except BaseException:  # the executor is closed
            self._give_back(user)
            raise
        future.add_done_callback(ended)
        return await result

    async def _turn(self, user: Hashable) -> None:
        """Wait for a thread."""
        if self._may_run(user):
            self._take(user)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.put(user, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(user)
            raise

    def _may_run(self, user: Hashable) -> bool:
        return self._free > 0 and self._running[user] < self._each

    def _take(self, user: Hashable) -> None:
        self._free -= 1
        self._running[user] += 1

    def _give_back(self, user: Hashable) -> None:
        self._free += 1
        self._running[user] -= 1
        if not self._running[user]:
            del self._running[user]
        while taken := self._waiting.take(self._may_run):
            user, turn = taken
            if not turn.cancelled():
                self._take(user)
                turn.set_result(None)
