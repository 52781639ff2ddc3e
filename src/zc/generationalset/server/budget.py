"""The memory that bodies of requests take, all together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zc.generationalset.server.problems import Problem

#: Bytes of each body that don't count, so that small bodies get through while
#: somebody slowly sends many large ones.
FREE = 64 * 1024


class Budget:
    """The bytes of bodies that may be there at once."""

    def __init__(self, size: int) -> None:
        self._rest = size

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Return a share of the budget, until the ``with`` statement ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self._rest += share.taken

    def take(self, size: int) -> None:
        if size > self._rest:
            raise Problem(503, 'too many large bodies at once', retry_after=5)
        self._rest -= size


class Share:
    """The share of one body in a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._free = FREE
        self.taken = 0

    def take(self, size: int) -> None:
        """Take more bytes.  Raises a Problem if there are none."""
        free = min(size, self._free)
        self._free -= free
        self._budget.take(size - free)
        self.taken += size - free
