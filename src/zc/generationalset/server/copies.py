"""The queue of large answers; a thread makes one after the other."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from zc.generationalset.server.problems import Problem
from zc.generationalset.server.turns import USER

#: How many large answers may wait to be made: in all,
COPIES = 16
#: without answers of whole contents, which every new client needs,
OTHERS = 8
#: and such answers of one user.
EACH = 4


class Copies:
    """A thread that makes large answers.

    It makes answers of whole contents first, and then the others, with users
    taking turns.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, 'gset-copy')
        self._lock = threading.Lock()
        self._waiting: list[
            tuple[int, int, Hashable, Callable[[], None]]] = []
        self._numbers = count()

    def close(self) -> None:
        self._thread.shutdown()

    def submit(self, is_whole: bool, job: Callable[[], None]) -> None:
        """Let a job run, in any thread, for the current user.

        Raises a Problem if too many wait.
        """
        user = USER.get()
        with self._lock:
            rank = 0 if is_whole else self._rank(user)
            if len(self._waiting) >= COPIES:
                raise _too_many()
            heapq.heappush(
                self._waiting, (rank, next(self._numbers), user, job))
        self._thread.submit(self._run)

    def _rank(self, user: Hashable) -> int:
        """Return a place in the queue, behind answers of whole contents.

        A user's second answer comes after the first answers of all others.
        """
        others = [other for rank, _, other, _ in self._waiting if rank]
        mine = others.count(user)
        if mine >= EACH:
            raise Problem(429, 'too many large answers for one client are '
                          'waiting to be made', retry_after=5)
        if len(others) >= OTHERS:
            raise _too_many()
        return 1 + mine

    def _run(self) -> None:
        with self._lock:
            job = heapq.heappop(self._waiting)[-1]
        job()


def _too_many() -> Problem:
    return Problem(503, 'too many are waiting for all contents', retry_after=5)
