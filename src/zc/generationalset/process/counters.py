"""Counters that several processes share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory

from prometheus_client import multiprocess

from zc.generationalset.server.metrics import DIRECTORY


@contextmanager
def shared() -> Iterator[Callable[[int], None]]:
    """Make processes that are started from here on count together.

    Yields a function that forgets a process that has ended, by its id.
    """
    with TemporaryDirectory(prefix='gset-metrics-') as directory:
        os.environ[DIRECTORY] = directory
        yield partial(multiprocess.mark_process_dead, path=directory)
