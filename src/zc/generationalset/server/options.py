"""The options of an application, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that is accepted of one request, one client, and all.

    document
        Bytes of a document.
    batch
        Bytes of a batch.
    changes
        Changes in a batch.
    depth
        How deeply lists and objects may be nested in a document; also the most
        ids in a path.
    path
        Bytes of a path of ids, as in a URL.
    streams
        Open event streams and long polls of one user, or, without users, of
        one address.
    wait
        Seconds that a long poll may last.
    seconds
        Seconds that a body may take to arrive.
    bodies
        Bytes of all large bodies at the same time.
    copies
        Bytes of all temporary files with large answers.
    """

    document: int = 1_000_000
    batch: int = 32_000_000
    changes: int = 10_000
    depth: int = 64
    path: int = 4_000
    streams: int = 100
    wait: float = 45
    seconds: float = 30
    bodies: int = 256_000_000
    copies: int = 2_000_000_000


class Options(NamedTuple):
    """The arguments of ``application`` that say how to answer."""

    default: Callable[[Any], Any] | None
    limits: Limits
    pace: float
    heartbeat: float
