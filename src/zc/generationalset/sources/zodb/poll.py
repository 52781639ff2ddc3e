"""Asking a database whether something was committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

#: Seconds between two questions.  A question takes 0.3 ms of PostgreSQL and of
#: this process, so that is a fiftieth of a processor.
INTERVAL = 0.02
#: The same after an error, when the database may be away.
RECOVERY = 1.0

logger = logging.getLogger('zc.generationalset.sources')


class Poll:
    """Asks a storage for commits, in a thread, and calls back.

    This is for storages whose instances find out by themselves, when they
    begin a transaction, what others have committed: ``IMVCCStorage``.

    storage
        A storage that has ``new_instance``.
    callback
        Called in the thread after commits; also after errors, because then
        there may have been commits.
    """

    def __init__(self, storage: Any, callback: Callable[[], None]) -> None:
        self._storage = storage.new_instance()
        self._callback = callback
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name='gset-poll', daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._storage.release()

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

    def _ask(self) -> bool:
        """Tell whether there were commits since the last time."""
        changed = self._storage.poll_invalidations()
        self._storage.sync()  # else a transaction would stay open
        return changed is None or bool(changed)
