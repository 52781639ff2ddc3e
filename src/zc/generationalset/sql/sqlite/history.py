"""The history of a database: whether it is the one that clients have seen.

A copy of a file, or a backup that is put in its place, has the same epoch
inside.  So a file beside the database has the highest generation that was
handed out, with the random mark of its note, and the identity of the database
file.  If that note isn't in the database, the history is another one.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import NamedTuple

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.sqlite.connections import (
    Connection,
    Identity,
    column,
)

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
        with suppress(OSError, ValueError):
            with open(self._path, 'rb') as file:
                device, inode, generation, mark = map(
                    int, file.read(_SIZE).split())
            return Moment(Identity(device, inode), generation, mark)
        return None

    def hand_out(self, moment: Moment) -> None:
        """Note that clients are told of a moment."""
        with self._lock:
            last = self.last()
            if (last is None or last.file != moment.file
                    or last.generation < moment.generation):
                self._write(moment)

    def begin(self, moment: Moment) -> None:
        """Note that a new history begins."""
        with self._lock:
            self._write(moment)

    def _write(self, moment: Moment) -> None:
        device, inode = moment.file
        line = f'{device} {inode} {moment.generation} {moment.mark}'
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                os.write(descriptor, line.encode().ljust(_SIZE - 1) + b'\n')
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DatabaseError(
                f'can not write {os.path.basename(self._path)}: '
                f'{error.strerror}') from error

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            os.remove(self._path)


def has(connection: Connection, last: Moment | None, now: Moment) -> bool:
    """Tell whether a moment comes after the last one in one history."""
    if last is None or last.file != now.file:
        return False
    return last == now or column(
        connection, 'SELECT mark FROM gset_queue WHERE seq = ?',
        last.generation) == [last.mark]
