"""Chunks: many values are worked on some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar('Value')


def chunks(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Yield lists of so many values each, in their order.

    >>> list(chunks('abcde', 2))
    [['a', 'b'], ['c', 'd'], ['e']]

    Not more is read than is yielded.
    """
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk
