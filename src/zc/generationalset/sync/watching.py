"""Runs again and again: when stores have changed, or some time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from ZODB.POSException import StorageError

from zc.generationalset.sync.hub import Hub, LeaseLost
from zc.generationalset.sync.report import Report, describe
from zc.generationalset.sync.store import Store

#: The least seconds between two looks at stores, and between two runs.
PULSE = 0.5
#: How much longer than a look the rest is until the next one.
REST = 20
#: Seconds until a store is tried again that couldn't be reached.
PATIENCE = 2.0


class Watch:
    """Says when to run.

    run
        Brings the stores up to date.
    hub, stores
        What to look at.
    interval
        The most seconds between two runs.
    is_stopping
        Whether to end.
    """

    def __init__(
            self, run: Callable[[], Report], hub: Hub,
            stores: Iterable[Store], interval: float,
            is_stopping: Callable[[], bool]) -> None:
        self._run = run
        self._hub = hub
        self._stores = tuple(stores)
        self._interval = interval
        self._is_stopping = is_stopping

    def reports(self) -> Iterator[Report]:
        """Yield the report of each run, until it is time to stop."""
        failures = 0
        while not self._is_stopping():
            # What the run itself writes changes this, too, so another run
            # follows, which finds that nothing is left.
            before = self._look()
            try:
                report = self._run()
            except (LeaseLost, StorageError) as error:
                report = Report(problems=[describe(error)])
                is_failed = True
            else:
                is_failed = bool(report.unavailable)
            failures = failures + 1 if is_failed else 0
            yield report
            seconds = self._interval
            if failures:
                seconds = min(seconds, PATIENCE * 2 ** (failures - 1))
            settles = max((store.settles for store in self._stores),
                          default=0.0)
            if settles and (report.count or report.waiting):
                seconds = min(seconds, settles + PULSE)
            self._wait(before, seconds)

    def _wait(self, before: list[object], seconds: float) -> None:
        """Wait so long, unless something changes."""
        until = look_at = time.monotonic()
        until += seconds
        while not self._is_stopping():
            # A signal doesn't end a sleep, so it is short.
            time.sleep(PULSE)
            started = time.monotonic()
            if started >= until:
                return
            if started >= look_at:
                if self._look() != before:
                    return
                ended = time.monotonic()
                look_at = ended + REST * (ended - started)

    def _look(self) -> list[object]:
        """Return what differs if there may be something to do."""
        try:
            found: list[object] = [self._hub.decisions()]
        except StorageError:
            found = [None]
        for store in self._stores:
            try:
                found.append(store.fingerprint())
            except Exception:  # stores have errors of their own
                found.append(None)
        return found
