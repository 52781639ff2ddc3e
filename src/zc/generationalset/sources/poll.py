"""Asking a database whether something was committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

#: Seconds between two questions.  A question takes PostgreSQL and this process
#: 0.3 ms, so that is a fiftieth of a processor.
INTERVAL = 0.02
#: The same after an error, when the database may be away.
RECOVERY = 1.0

logger = logging.getLogger('zc.generationalset.sources')


class Poll:
    """Asks a database for commits, in a thread, and calls back.

    This is for databases that tell nobody what others have committed.

    ask
        Tells whether there were commits since the last time.
    callback
        Called in the thread after commits; also after errors, because then
        there may have been commits.
    """

    def __init__(
            self, ask: Callable[[], bool],
            callback: Callable[[], None]) -> None:
        self._ask = ask
        self._callback = callback
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name='gset-poll', daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        rest = INTERVAL
        while not self._stopping.wait(rest):
            try:
                changed = self._ask()
                rest = INTERVAL
            except Exception as error:
                if rest == INTERVAL:
                    logger.warning('can not ask for commits: %s', error)
                changed, rest = True, RECOVERY
            if changed:
                self._callback()
