"""Noticing that the server is told to end.

Servers wait for responses before they end, but event streams never end.  ASGI
has no message that says that the server ends.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

#: Seconds between two checks.
INTERVAL = 0.2


def is_ending() -> bool:
    """Tell whether uvicorn was told to end.

    While uvicorn serves in the main thread, its server handles signals with
    one of its methods.
    """
    return any(
        getattr(getattr(signal.getsignal(number), '__self__', None),
                'should_exit', False) is True
        for number in (signal.SIGTERM, signal.SIGINT))


async def watch(stop: Callable[[], None]) -> None:
    """Call ``stop`` when the server is told to end."""
    while not is_ending():
        await asyncio.sleep(INTERVAL)
    stop()
