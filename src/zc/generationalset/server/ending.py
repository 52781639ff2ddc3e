"""Noticing that the server wants to end.

Servers wait for responses before they end, and event streams have no end.
ASGI has no message for it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

#: Seconds between two looks.
INTERVAL = 0.2


def is_ending() -> bool:
    """Tell whether uvicorn was told to end.

    While it serves in the main thread, it handles signals with a method of its
    server.
    """
    return any(
        getattr(getattr(signal.getsignal(number), '__self__', None),
                'should_exit', False) is True
        for number in (signal.SIGTERM, signal.SIGINT))


async def watch(stop: Callable[[], None]) -> None:
    """Call ``stop`` when the server wants to end."""
    while not is_ending():
        await asyncio.sleep(INTERVAL)
    stop()
