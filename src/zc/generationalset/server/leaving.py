"""Work that ends when its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar('T')


async def until_gone(
        receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """Do some work, but only as long as the client is there.

    Returns its result, or None if the client has gone.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in task, gone:
            each.cancel()
        await asyncio.wait([task, gone])
    return None if task.cancelled() else task.result()


async def _gone(receive: Receive) -> None:
    while (await receive())['type'] != 'http.disconnect':
        pass
