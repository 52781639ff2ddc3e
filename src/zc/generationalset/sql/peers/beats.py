"""One side tells the other that it is still working.

A transaction that writes many rows takes longer than anybody waits in silence.
Its own thread sends nothing meanwhile: it has locks of the database, and might
have to wait for the other side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Seconds after which a side tells that it is still working.
BEAT = 5.0


class Beats:
    """Calls a function every few seconds, in a thread, between ``start`` and
    ``stop``.

    beat
        Raises OSError if there is nobody to tell; that ends the beats.
    turn
        Whoever uses the connection has this lock, and nothing is told then.
    """

    def __init__(
            self, beat: Callable[[], object], turn: threading.Lock) -> None:
        self._beat = beat
        self._turn = turn
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless that is done already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for the last beat."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT):
            if self._turn.acquire(blocking=False):
                try:
                    self._beat()
                except OSError:
                    return
                finally:
                    self._turn.release()
