"""``gset serve --workers``: several processes at one address."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client import multiprocess

from zc.generationalset.commands import Failure, _databases, _logs
from zc.generationalset.commands import serve as serving
from zc.generationalset.commands._tokens import Tokens
from zc.generationalset.server import _run
from zc.generationalset.server._workers import WorkerFailed, Workers
from zc.generationalset.server.metrics import DIRECTORY


def serve(options: argparse.Namespace, tokens: Tokens) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    if not _databases.is_shared(options.data):
        raise Failure(
            f'expected for --workers {options.workers} a database that '
            'several processes can share, at zeo://, postgresql:// or '
            f'sqlite://; got '
            f'{_databases.public(options.data or "none")}.  For a file, start '
            '"runzeo -a localhost:8100 -f Data.fs", and serve '
            'zeo://localhost:8100')
    if not hasattr(socket, 'SO_REUSEPORT'):
        raise Failure('expected a system where processes can share an '
                      'address, such as Linux, for --workers')
    with serving.listen(options) as reserved, _shared_metrics() as directory:
        host, port = reserved.getsockname()[:2]
        options.port = port
        workers = Workers(
            options.workers, _work, (options, tokens),
            lambda pid: multiprocess.mark_process_dead(  # type: ignore[no-untyped-call]
                pid, directory))
        try:
            with tokens.kept_current(workers.hang_up):
                in_order = workers.run(
                    lambda found: serving.announce(
                        options, found, host, port))
        except WorkerFailed as error:
            raise Failure(str(error)) from error
    return 0 if in_order else 1


@contextmanager
def _shared_metrics() -> Iterator[str]:
    """Make all workers share their counters."""
    with TemporaryDirectory(prefix='gset-metrics-') as directory:
        os.environ[DIRECTORY] = directory
        yield directory


def _work(
        arguments: tuple[argparse.Namespace, Tokens],
        ready: Callable[[Any], None]) -> None:
    """Serve as one of several workers."""
    options, tokens = arguments
    _logs.configure(options.log_format, options.log_level)
    try:
        with serving.opened(options, tokens) as (app, found), \
                tokens.kept_current():
            listening = _run.listen(options.host, options.port, shared=True)
            _run.run(app, listening, lambda: ready(found))
    except Failure as error:
        raise WorkerFailed(str(error)) from error
