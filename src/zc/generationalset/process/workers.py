"""Several processes that do the same, and a first process that keeps them.

The workers share only an address.  Each has a pipe to the first process.
Through it, a worker tells when it is ready, hears of SIGHUP, and notices when
the first process is gone.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from zc.generationalset.process.running import GRACE

#: A worker that lives for fewer seconds may be broken.
SHORT = 10.0
#: Seconds before the next worker is then started; doubled each time,
FIRST_PAUSE = 1.0
#: up to these.
LONGEST_PAUSE = 30.0
#: Seconds within which workers must end when they are told to.
PATIENCE = GRACE + 10

logger = logging.getLogger('zc.generationalset.server')

Work = Callable[[Any, Callable[[Any], None]], None]


class WorkerFailed(Exception):
    """A worker can't begin; the text says why."""


class _Worker:
    """One process, and those that replace it."""

    def __init__(self, number: int, work: Work, arguments: Any) -> None:
        self.number = number
        self.process: Any = None
        self.link: Any = None
        self.ready = False
        #: When to start the next process; None while there is one.
        self.due: float | None = None
        self._pause = FIRST_PAUSE
        self._work = work
        self._arguments = arguments

    def start(self) -> None:
        # Spawned, not forked, because libraries of databases have threads.
        context = multiprocessing.get_context('spawn')
        self.link, theirs = context.Pipe()
        self.process = context.Process(
            target=_run, args=(theirs, self._work, self._arguments))
        self.process.start()
        theirs.close()
        self._started = time.monotonic()
        self.due = None
        self.ready = False

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.due is None

    def hear(self) -> Any:
        """Return what the worker says when it is ready, or why it failed."""
        try:
            self.ready, text = self.link.recv()
        except EOFError:
            self.process.join()
            text = f'a worker has ended with code {self.process.exitcode}'
        return text

    def hang_up(self) -> None:
        """Tell the worker of SIGHUP."""
        with contextlib.suppress(OSError):  # The worker has just ended.
            self.link.send(None)

    def bury(self, text: str) -> None:
        """Clean up after a process that has ended, and plan the next one."""
        self.process.join()
        self.link.close()
        now = time.monotonic()
        if now - self._started >= SHORT:
            self._pause = FIRST_PAUSE
            self.due = now
        else:
            self.due = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        logger.warning(
            'worker %s, process %s, has ended with code %s (%s); the next one '
            'starts in %.0f s', self.number, self.process.pid,
            self.process.exitcode, text, self.due - now)


class Workers:
    """Starts workers, and replaces those that end.

    count
        The number of workers at a time.
    work
        A function of a module, which each worker calls with ``arguments`` and
        a function.  When the worker is ready, it calls that function with what
        it has to say.  The work returns after SIGTERM.  It raises WorkerFailed
        if it can't begin.
    buried
        Called with the id of a process that has ended.
    """

    def __init__(
            self, count: int, work: Work, arguments: Any,
            buried: Callable[[int], None]) -> None:
        self._workers = [
            _Worker(number + 1, work, arguments) for number in range(count)]
        self._buried = buried
        self._stopping = False
        self._said: Any = None
        self._wake, self._woken = socket.socketpair()

    def run(self, started: Callable[[Any], None]) -> bool:
        """Run until SIGTERM or Ctrl-C; call ``started`` when all are ready.

        ``started`` is called with what the first worker has said.

        The other workers are started when the first one is ready, because that
        one may prepare the database.  Returns whether all have ended in order.
        Raises WorkerFailed if one can't begin.
        """
        for number in signal.SIGTERM, signal.SIGINT:
            signal.signal(number, self._stop)
        try:
            for group in self._workers[:1], self._workers[1:]:
                for worker in group:
                    worker.start()
                while not (all(worker.ready for worker in group)
                           or self._stopping):
                    self._wait(self._fail)
            if not self._stopping:
                started(self._said)
            while not self._stopping:
                self._start_others()
                self._wait(self._bury)
        finally:
            ended = self._end()
        return ended

    def hang_up(self) -> None:
        """Tell all workers of SIGHUP, from any thread."""
        for worker in self._workers:
            if worker.is_running:
                worker.hang_up()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        self._wake.send(b'.')

    def _wait(self, failed: Callable[[_Worker, str], None]) -> None:
        """Wait until something happens, and handle it."""
        running = {worker.link if not worker.ready
                   else worker.process.sentinel: worker
                   for worker in self._workers if worker.is_running}
        pauses = [worker.due - time.monotonic() for worker in self._workers
                  if worker.due is not None]
        for source in wait([self._woken, *running],
                           max(0, min(pauses)) if pauses else None):
            if source is self._woken:
                continue
            worker = running[source]
            if worker.ready:
                failed(worker, 'it had been ready')
            else:
                text = worker.hear()
                if not worker.ready:
                    failed(worker, text)
                self._said = self._said or text

    def _fail(self, worker: _Worker, text: str) -> None:
        raise WorkerFailed(text)

    def _bury(self, worker: _Worker, text: str) -> None:
        worker.bury(text)
        self._buried(worker.process.pid)

    def _start_others(self) -> None:
        for worker in self._workers:
            if worker.due is not None and worker.due <= time.monotonic():
                worker.start()

    def _end(self) -> bool:
        running = [worker.process for worker in self._workers
                   if worker.is_running]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        in_order = True
        for process in running:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                logger.error('process %s does not end', process.pid)
                process.kill()
                process.join()
                in_order = False
        return in_order


def _run(link: Connection, work: Work, arguments: Any) -> None:
    """Do the work, in a process of its own."""
    # SIGHUP must not end a worker that isn't ready for it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.setpgrp()  # Ctrl-C is for the first process, which tells the others.
    threading.Thread(target=_follow, args=(link,), daemon=True).start()
    try:
        work(arguments, lambda text: link.send((True, text)))
    except WorkerFailed as error:
        link.send((False, str(error)))
        sys.exit(1)


def _follow(link: Connection) -> None:
    """Obey the first process; end when it is gone, however it ended."""
    try:
        while True:
            link.recv()
            os.kill(os.getpid(), signal.SIGHUP)
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
