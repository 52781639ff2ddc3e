"""Chunks: items are read some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar('Value')

#: How many items are read at a time.
CHUNK = 1000


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Yield lists of some values each, in their order."""
    left = iter(values)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
