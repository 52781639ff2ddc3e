"""Tidying a database up, now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

#: Seconds after which the database is tidied up again.
TIDY = 10.0
#: How many times as long as it took to tidy up is waited at least.
PAUSE = 50

logger = logging.getLogger('zc.generationalset.sql')


class Tidying:
    """Tidies up in a thread of its own, because that may take long.

    tidy
        The method of the database.
    """

    def __init__(self, tidy: Callable[[], None]) -> None:
        self._tidy = tidy
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name='gset-tidy', daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        rest = 0.0
        while not self._stopping.wait(rest):
            start = time.monotonic()
            try:
                self._tidy()
            except Exception as error:
                logger.warning('can not tidy up: %s', error)
            rest = pause(time.monotonic() - start)


def pause(seconds: float) -> float:
    """Return how long to wait after a work of some seconds."""
    return max(TIDY, PAUSE * seconds)
