"""Attempts: a transaction that conflicts with other writers is tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from zc.generationalset.sources.errors import Contended

T = TypeVar('T')

#: How often a transaction that conflicts is tried.
ATTEMPTS = 12

logger = logging.getLogger('zc.generationalset.sources')


def repeated(attempt: Callable[[], T], conflict: type[Exception]) -> T:
    """Do a transaction; try again after a conflict.

    attempt
        Does the whole transaction.
    conflict
        What it raises if it may be tried again.

    Raises Contended, and what the attempt raises.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except conflict as error:
            logger.debug('attempt %s: %s', number + 1, error)
        time.sleep(random.uniform(0, 0.002 * 2 ** min(number, 6)))  # noqa: S311
    raise Contended(
        f'conflicts with other writers, {ATTEMPTS} times in a row')
