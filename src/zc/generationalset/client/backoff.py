"""How long a client waits before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

LONGEST = 60.0  # seconds; the limit of random times
OBEYED = 3600.0  # seconds; a wrong date must not silence a client for ever


class Backoff:
    """Random times from 0 to a limit, which doubles with each failure.

    >>> backoff = Backoff(random=lambda: 1.0)
    >>> [backoff.delay() for _ in range(8)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    >>> backoff.reset()
    >>> backoff.delay(), backoff.delay(retry_after=30.0)
    (1.0, 30.0)

    The times are random because otherwise all clients of a restarted server
    would come back in the same moment.  ``random`` returns a number from 0 to
    1.
    """

    def __init__(self, random: Callable[[], float] = random.random) -> None:
        self._random = random
        self._failures = 0

    def delay(self, retry_after: float | None = None) -> float:
        """Return seconds to wait after one more failure.

        At least ``retry_after``.  Even if that is 0, not all times are 0.
        """
        limit = min(LONGEST, 2.0 ** min(self._failures, 10))
        self._failures += 1
        return max(self._random() * limit, retry_after or 0)

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._failures = 0


def parse_retry_after(
        value: str | None, now: str | None = None) -> float | None:
    """Return the seconds in a Retry-After header; None if it has none.

    >>> parse_retry_after('120'), parse_retry_after('soon')
    (120.0, None)

    The value is a number of seconds, or a date.  ``now`` is the header Date,
    because a date is by the server's clock, which may differ from ours.
    """
    if value is None:
        return None
    try:
        if value.strip().isdigit():
            seconds = float(value)
        else:
            seconds = (_date(value) - _now(now)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), OBEYED)


def _date(value: str) -> datetime:
    date = parsedate_to_datetime(value)
    # "-0000" means UTC.
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _now(date: str | None) -> datetime:
    try:
        return _date(date or '')
    except (ValueError, OverflowError):
        return datetime.now(timezone.utc)
