"""An event loop whose time passes only when there is nothing to do."""

import asyncio
import selectors


class Nothing(selectors.SelectSelector):
    """A selector for a loop to which nothing comes from outside."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError('nothing will ever happen again')
        self._clock.advance(timeout)
        return []


class Clock:
    """The time, in seconds: since the beginning, and as clocks show it.

    >>> clock = Clock()
    >>> clock.advance(60)
    >>> clock.now, clock.wall() - Clock.BEGINNING
    (60.0, 60.0)
    """

    BEGINNING = 1_700_000_000.0

    def __init__(self):
        self.now = 0.0
        #: The error of the machine's clock, in seconds.
        self.error = 0.0

    def advance(self, seconds):
        self.now += max(0.0, seconds)

    def monotonic(self):
        return self.now

    def wall(self):
        return self.BEGINNING + self.now + self.error


def settle(future, job, arguments):
    """Run a job, and give its result or error to a future."""
    try:
        result = job(*arguments)
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class Loop(asyncio.SelectorEventLoop):
    """Runs everything in one thread, always in the same order.

    Jobs for executors run here, a random moment later.
    """

    def __init__(self, clock, rnd):
        self.clock = clock
        self._rnd = rnd
        super().__init__(Nothing(clock))
        # So a timer is due even if floats are not exact.
        self._clock_resolution = 1e-6

    def time(self):
        return self.clock.now

    def _write_to_self(self):
        """Wake nobody: there is one thread."""

    def run_in_executor(self, executor, job, *arguments):
        future = self.create_future()
        self.call_later(
            self._rnd.expovariate(500), self._run_job, future, job, arguments)
        return future

    def _run_job(self, future, job, arguments):
        if not future.cancelled():
            settle(future, job, arguments)
