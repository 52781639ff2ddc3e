"""Several processes that do the same, kept going by the one that began them.

They share nothing but an address.  Each has a pipe to the first process: to
tell when it is ready, to hear of SIGHUP, and to notice when the first one is
gone.
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

#: A worker that ends after less than so many seconds is broken, perhaps:
SHORT = 10.0
#: then the next one is started after so many seconds, doubled each time
FIRST_PAUSE = 1.0
#: up to so many.
LONGEST_PAUSE = 30.0
#: Seconds that workers have to end when they are told to.
PATIENCE = GRACE + 10

logger = logging.getLogger('zc.generationalset.server')

Work = Callable[[Any, Callable[[Any], None]], None]


class WorkerFailed(Exception):
    """A worker can't begin; the text says why."""


class _Worker:
    """One process, and those that come in its place."""

    def __init__(self, number: int, work: Work, arguments: Any) -> None:
        self.number = number
        self.process: Any = None
        self.link: Any = None
        self.ready = False
        #: When to start the next one, None as long as there is one.
        self.due: float | None = None
        self._pause = FIRST_PAUSE
        self._work = work
        self._arguments = arguments

    def start(self) -> None:
        # Spawned, not forked: libraries of databases have threads.
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
        """Return what it says when it is ready, or why it has failed."""
        try:
            self.ready, text = self.link.recv()
        except EOFError:
            self.process.join()
            text = f'a worker has ended with code {self.process.exitcode}'
        return text

    def hang_up(self) -> None:
        """Let it do what it does on SIGHUP."""
        with contextlib.suppress(OSError):  # It has just ended.
            self.link.send(None)

    def bury(self, text: str) -> None:
        """Look after a process that has ended, and plan the next one."""
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
    """Starts workers, and others in the place of those that end.

    count
        How many there are at a time.
    work
        A function of a module, called in each with ``arguments`` and a
        function to call, with what it says, when it is ready; it returns after
        SIGTERM.  Raises WorkerFailed if it can't begin.
    buried
        Called with the number of a process that has ended.
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

        It is called with what the first one has said.

        The others are started when the first one is ready: it prepares the
        database, perhaps.  Returns whether all have ended in order.  Raises
        WorkerFailed if one can't begin.
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
        """Let all of them do what they do on SIGHUP; from any thread."""
        for worker in self._workers:
            if worker.is_running:
                worker.hang_up()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        self._wake.send(b'.')

    def _wait(self, failed: Callable[[_Worker, str], None]) -> None:
        """Wait until something happens, and note what it is."""
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
    # What the first process says must not end one that isn't ready for it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.setpgrp()  # Ctrl-C is for the first process, which tells the others.
    threading.Thread(target=_follow, args=(link,), daemon=True).start()
    try:
        work(arguments, lambda text: link.send((True, text)))
    except WorkerFailed as error:
        link.send((False, str(error)))
        sys.exit(1)


def _follow(link: Connection) -> None:
    """Do as the first process says; end when it is gone, however it ended."""
    try:
        while True:
            link.recv()
            os.kill(os.getpid(), signal.SIGHUP)
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
