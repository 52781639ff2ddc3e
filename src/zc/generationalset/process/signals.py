"""Handling of signals."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def on_hangup(handler: Any) -> Any:
    """Set what SIGHUP does, and return what it did; Windows has no SIGHUP."""
    number = getattr(signal, 'SIGHUP', None)
    return None if number is None else signal.signal(number, handler)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call a function on SIGTERM and on Ctrl-C; on a second one, end at
    once."""
    before = {number: signal.getsignal(number)
              for number in (signal.SIGTERM, signal.SIGINT)}

    def react(*_: object) -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop()

    try:
        for number in before:
            signal.signal(number, react)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
