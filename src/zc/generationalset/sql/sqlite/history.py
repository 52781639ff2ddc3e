"""The history of a database: whether it is the one that clients have seen.

A copy of a file, or a backup that is put in its place, has the same epoch
inside.  So a file beside the database has the highest generation that was
handed out, with the random mark of its note, and the identity of the database
file.  If that note isn't in the database, the history is another one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.sqlite.connections import (
    Connection,
    Identity,
    column,
)

if sys.platform != 'win32':
    import fcntl

#: What is behind the name of the database file.
SUFFIX = '-gset'
#: Bytes of the file.
_SIZE = 120


class Moment(NamedTuple):
    """A generation of a file: the number of a note, and its mark."""

    file: Identity
    generation: int
    mark: int


class History:
    """The last moment that was handed out, in a file."""

    def __init__(self, path: str) -> None:
        self._path = path + SUFFIX
        self._lock = threading.Lock()

    def last(self) -> Moment | None:
        """Return the last moment; None if none is known."""
        with suppress(OSError), open(self._path, 'rb') as file:
            return _moment(file.read(_SIZE))
        return None

    def hand_out(self, moment: Moment) -> None:
        """Note that clients are told of a moment."""
        with self._changing() as file:
            last = _moment(file.read(_SIZE))
            if (last is None or last.file != moment.file
                    or last.generation < moment.generation):
                _write(file, moment)

    def begin(self, moment: Moment) -> None:
        """Note that a new history begins."""
        with self._changing() as file:
            _write(file, moment)

    @contextmanager
    def _changing(self) -> Iterator[IO[bytes]]:
        """Open the file for one thread of one process at a time."""
        try:
            with self._lock, open(os.open(
                    self._path, os.O_RDWR | os.O_CREAT, 0o666),
                    'r+b', buffering=0) as file, _locked(file):
                yield file
        except OSError as error:
            raise DatabaseError(
                f'can not write {os.path.basename(self._path)}: '
                f'{error.strerror}') from error

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            os.remove(self._path)


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Keep other processes out, on all systems but Windows."""
    if sys.platform == 'win32':
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        # A child of a fork has the file open, too, and would keep the lock.
        fcntl.flock(file, fcntl.LOCK_UN)


def _moment(text: bytes) -> Moment | None:
    with suppress(ValueError):
        device, inode, generation, mark = map(int, text.split())
        return Moment(Identity(device, inode), generation, mark)
    return None


def _write(file: IO[bytes], moment: Moment) -> None:
    device, inode = moment.file
    line = f'{device} {inode} {moment.generation} {moment.mark}'
    file.seek(0)
    file.write(line.encode().ljust(_SIZE - 1) + b'\n')


def has(connection: Connection, last: Moment | None, now: Moment) -> bool:
    """Tell whether a moment comes after the last one in one history."""
    if last is None or last.file != now.file:
        return False
    return last == now or column(
        connection, 'SELECT mark FROM gset_queue WHERE seq = ?',
        last.generation) == [last.mark]
