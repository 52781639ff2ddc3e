"""``gset serve --workers``: several processes at one address."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable

from zc.generationalset.commands import Failure, _databases
from zc.generationalset.commands import serve as serving
from zc.generationalset.server import _run
from zc.generationalset.server._workers import WorkerFailed, Workers


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    if not _databases.is_shared(options.data):
        raise Failure(
            f'expected for --workers {options.workers} a database that '
            'several processes can share, at zeo://, postgresql:// or '
            f'sqlite://; got {options.data or "none"}.  For a file, start '
            '"runzeo -a localhost:8100 -f Data.fs", and serve '
            'zeo://localhost:8100')
    if not hasattr(socket, 'SO_REUSEPORT'):
        raise Failure('expected a system where processes can share an '
                      'address, such as Linux, for --workers')
    with serving.listen(options) as reserved:
        host, port = reserved.getsockname()[:2]
        options.port = port
        try:
            in_order = Workers(options.workers, _work, options).run(
                lambda path: serving.announce(options, path, host, port))
        except WorkerFailed as error:
            raise Failure(str(error)) from error
    return 0 if in_order else 1


def _work(options: argparse.Namespace, ready: Callable[[str], None]) -> None:
    """Serve, as one of several."""
    tokens = serving.read_tokens(options.token_file)
    try:
        with serving.opened(options, tokens) as (app, path):
            listening = _run.listen(options.host, options.port, shared=True)
            _run.run(app, listening, lambda: ready(path))
    except Failure as error:
        raise WorkerFailed(str(error)) from error
