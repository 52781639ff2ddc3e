"""How often and how long a pusher tries."""

from __future__ import annotations

import random
from typing import NamedTuple


class Patience(NamedTuple):
    """Times are in seconds.

    >>> patience = Patience(first=5.0, growth=4.0)
    >>> [5 * 4 ** n / 2 <= patience.delay(n) <= 5 * 4 ** n for n in range(3)]
    [True, True, True]
    """

    #: Changes of this time are one push.
    pace: float = 1.0
    #: For one attempt, with the name's resolution.
    timeout: float = 10.0
    #: The most until the second attempt ...
    first: float = 5.0
    #: ... and how much longer each next one takes.
    growth: float = 4.0
    #: After these, a push is given up: with the values here, after some hours.
    attempts: int = 8
    #: After so many pushes that were given up, the subscription is removed.
    given_up: int = 3

    def delay(self, failures: int) -> float:
        """Return seconds from one attempt to the next.

        They are random, because a receiver that was away would else get the
        pushes for all its subscriptions in the same moment.

        failures
            The number of attempts that have failed before this one.
        """
        limit = self.first * self.growth ** failures
        return limit * random.uniform(0.5, 1.0)  # noqa: S311
