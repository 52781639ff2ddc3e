"""Waits for stores that are busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from zc.generationalset.sync.errors import Busy

Result = TypeVar('Result')
#: How often a busy store is asked.
TRIES = 4
#: The most seconds to wait between tries.
LONGEST = 30.0


def patiently(
        action: Callable[[], Result], sleep: Callable[[float], None],
) -> Result:
    """Return what an action returns, once the store isn't busy.

    Raises Busy if it stays so, and what else the action raises.
    """
    for _ in range(TRIES - 1):
        try:
            return action()
        except Busy as error:
            sleep(min(error.after, LONGEST))
    return action()
