"""Ends of executors, in an order that is said."""

from contextlib import contextmanager
from unittest import mock


@contextmanager
def ending_before(executor, gate):
    """Open a gate as soon as an executor takes no more jobs, not earlier."""
    shutdown = executor.shutdown

    def shut(**options):
        shutdown(wait=False, **options)
        gate.set()
        shutdown(**options)

    with mock.patch.object(executor, 'shutdown', shut):
        yield
