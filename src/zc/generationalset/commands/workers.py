"""``gset serve --workers``: several processes at one address."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable
from typing import Any

from zc.generationalset.commands import Failure, databases, logs, serving
from zc.generationalset.commands.tokens import Tokens
from zc.generationalset.process import counters
from zc.generationalset.process.running import run
from zc.generationalset.process.sockets import share
from zc.generationalset.process.workers import WorkerFailed, Workers


def serve(options: argparse.Namespace, tokens: Tokens) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    if options.tables is None and not databases.is_shared(options.data):
        raise Failure(
            f'expected for --workers {options.workers} a database that '
            'several processes can share, at zeo://, postgresql:// or '
            f'sqlite://; got '
            f'{databases.public(options.data or "none")}.  For a file, start '
            '"runzeo -a localhost:8100 -f Data.fs", and serve '
            'zeo://localhost:8100')
    if not hasattr(socket, 'SO_REUSEPORT'):
        raise Failure('expected a system where processes can share an '
                      'address, such as Linux, for --workers')
    with serving.listen(options) as reserved, counters.shared() as forget:
        host, port = reserved.getsockname()[:2]
        options.port = port
        workers = Workers(
            options.workers, _work, (options, tokens), forget)
        try:
            with tokens.kept_current(workers.hang_up):
                in_order = workers.run(
                    lambda found: serving.announce(
                        options, found, host, port))
        except WorkerFailed as error:
            raise Failure(str(error)) from error
    return 0 if in_order else 1


def _work(
        arguments: tuple[argparse.Namespace, Tokens],
        ready: Callable[[Any], None]) -> None:
    """Serve as one of several workers."""
    options, tokens = arguments
    logs.configure(options.log_format, options.log_level)
    try:
        with serving.opened(options, tokens) as (app, found), \
                tokens.kept_current():
            listening = share(options.host, options.port)
            run(app, listening, lambda: ready(found))
    except Failure as error:
        raise WorkerFailed(str(error)) from error
