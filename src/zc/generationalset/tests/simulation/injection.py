"""Replacements for the package's clocks, random numbers, threads and disk."""

import contextlib
import importlib
import logging
import random
import time
from concurrent.futures import Future
from functools import partial
from types import SimpleNamespace
from unittest import mock

from zc.generationalset.client.watch import Watch
from zc.generationalset.server.cache import Cache
from zc.generationalset.tests.simulation.loop import settle

LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'


class Inline:
    """An executor without threads."""

    def __init__(self, *arguments):
        pass

    def submit(self, job, *arguments):
        future = Future()
        self._start(_run, future, job, arguments)
        return future

    def _start(self, run, *arguments):
        run(*arguments)

    def shutdown(self, **options):
        pass


def later(loop, seconds):
    """Return an executor that runs each job some seconds later."""
    class Later(Inline):

        def _start(self, run, *arguments):
            loop.call_later(seconds(), run, *arguments)

    return Later


def _run(future, job, arguments):
    if future.set_running_or_notify_cancel():
        settle(future, job, arguments)


class Errors(logging.Handler):
    """Reports errors that the package logs."""

    def __init__(self, report):
        super().__init__(logging.ERROR)
        self._report = report

    def emit(self, record):
        error = record.exc_info and record.exc_info[1]
        self._report.error(f'{record.getMessage()}: {error!r}')


@contextlib.contextmanager
def injected(loop, sleep, disk, seed, report):
    """Inject all replacements.

    sleep
        The function for threads that wait for a moment.
    disk
        Returns the seconds that the writes of a group wait for the disk.
    """
    clock = loop.clock
    threads = random.Random(f'{seed} of threads')
    rnd = random.Random(f'{seed} of the product')
    chance = SimpleNamespace(
        choice=rnd.choice, SystemRandom=lambda: rnd,
        token_urlsafe=lambda size: ''.join(rnd.choices(LETTERS, k=size)))
    waiting = SimpleNamespace(monotonic=clock.monotonic, sleep=sleep)
    dating = SimpleNamespace(time=clock.wall, gmtime=time.gmtime)
    state = random.getstate()
    with contextlib.ExitStack() as stack:
        for target, replacement in [
                ('zc.generationalset.sets.epochs.secrets', chance),
                ('zc.generationalset.sets.transactions.random', chance),
                ('zc.generationalset.client.writes.secrets', chance),
                ('zc.generationalset.sources.zodb.editor.secrets', chance),
                ('zc.generationalset.sets.zeo.time', waiting),
                ('zc.generationalset.sources.attempts.time', waiting),
                ('zc.generationalset.server.copies.ThreadPoolExecutor',
                 Inline),
                ('zc.generationalset.server.jobs.ThreadPoolExecutor',
                 Inline),
                ('zc.generationalset.server.turns.ThreadPoolExecutor',
                 later(loop, partial(threads.expovariate, 500))),
                ('zc.generationalset.server.writes.ThreadPoolExecutor',
                 later(loop, disk)),
                ('ZODB.BaseStorage.time', dating),
                ('ZODB.FileStorage.FileStorage.fsync', None)]:
            module, _, name = target.rpartition('.')
            # mock.patch can't do this, because ZODB.FileStorage has a class
            # with the name of its module.
            stack.enter_context(mock.patch.object(
                importlib.import_module(module), name, replacement))
        for owner in Watch, Cache:
            stack.enter_context(mock.patch.object(
                owner.__init__, '__defaults__', (clock.monotonic,)))
        stack.enter_context(_logged(Errors(report)))
        # For waiting times, which use the functions of the module random.
        random.seed(f'{seed} of all')
        stack.callback(random.setstate, state)
        yield


@contextlib.contextmanager
def _logged(handler):
    """Send all errors to a handler, and no logs to anybody else."""
    logger = logging.getLogger('zc.generationalset')
    before = logger.propagate, logger.level
    others = [logging.getLogger(name) for name in ('ZODB', 'asyncio')]
    levels = [other.level for other in others]
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.addHandler(handler)
    for other in others:
        other.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before[0]
        logger.setLevel(before[1])
        for other, level in zip(others, levels, strict=True):
            other.setLevel(level)
