"""Large answers in temporary files, and the limits of these files."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import weakref
from collections import Counter, defaultdict
from collections.abc import (
    AsyncGenerator,
    Callable,
    Hashable,
    Iterable,
    Iterator,
)
from contextlib import contextmanager, suppress
from typing import IO, TypeVar

from zc.generationalset.server.compression import Deflated
from zc.generationalset.server.problems import Problem

T = TypeVar('T')

#: The most open files, and the most that one user may read at once.
FILES = 64
EACH = 4
#: Seconds after which a reader gets a sign of life, if nothing has come.
BEAT = 10.0
#: Bytes that are read of a file at once.
_BLOCK = 64 * 1024


class Spool:
    """A large answer, in a file that is read while it still grows.

    If the answer is compressed, ``deflated`` compresses it.  The file is gone
    when nobody reads or keeps it any more.
    """

    def __init__(
            self, loop: asyncio.AbstractEventLoop, deflated: Deflated | None,
            file: IO[bytes]) -> None:
        #: Closes the file early, if nobody will read it.
        self.close: Callable[[], object] = file.close
        self._loop = loop
        self.deflated = deflated
        self._file = file
        self._lock = threading.Lock()
        self._grown = asyncio.Event()
        self.size = 0
        self.failed = False
        self.complete = False

    # For the thread that makes the answer

    def write(self, chunks: Iterable[bytes]) -> None:
        """Write everything, and tell the readers of each piece."""
        failed = True
        try:
            for chunk in chunks:
                self._append(chunk)
                self._tell(self._grow, len(chunk))
            failed = False
        finally:
            self._tell(self._end, failed)

    def _tell(self, method: Callable[[T], None], argument: T) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads
            self._loop.call_soon_threadsafe(method, argument)

    def _append(self, chunk: bytes) -> None:
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            self._file.write(chunk)
            self._file.flush()

    # For any thread

    def _read(self, position: int, size: int) -> bytes:
        with self._lock:  # not all systems have os.pread
            self._file.seek(position)
            return self._file.read(size)

    def _read_now(self, position: int, size: int) -> bytes:
        """Return what is in memory, and needn't be read from a disk."""
        block = bytearray(size)
        try:
            count = os.preadv(
                self._file.fileno(), [block], position, os.RWF_NOWAIT)
        except (AttributeError, OSError):  # this system can't tell, or not now
            return b''
        del block[count:]
        return bytes(block)

    # For the event loop

    def _grow(self, size: int) -> None:
        self.size += size
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _end(self, failed: bool) -> None:
        self.complete, self.failed = True, failed
        self._grow(0)

    async def wait(self) -> None:
        """Wait until the whole answer is there."""
        while not self.complete:
            await self._grown.wait()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Iterate over what is there, and then over what comes.

        If that takes long, there are signs of life between, which mean
        nothing: clients give up a server that sends nothing.

        Raises ConnectionAbortedError if the answer couldn't be completed, so
        that the response doesn't look complete.
        """
        position = 0
        while True:
            if position < self.size:
                size = min(_BLOCK, self.size - position)
                block = self._read_now(position, size) or \
                    await asyncio.to_thread(self._read, position, size)
                position += len(block)
                yield block
            elif self.failed:
                raise ConnectionAbortedError('could not read all contents')
            elif self.complete:
                return
            else:
                try:
                    await asyncio.wait_for(self._grown.wait(), BEAT)
                except asyncio.TimeoutError:
                    yield self._sign

    @property
    def _sign(self) -> bytes:
        """What may come between two chunks, and means nothing."""
        return b'\n' if self.deflated is None else self.deflated.nothing


class Spools:
    """All files of large answers.

    size
        The most bytes of all files.  The last file may exceed that.
    free
        Called when there are too many files, to close those that nobody reads.
    """

    def __init__(self, size: int, free: Callable[[], None]) -> None:
        self._size = size
        self._free = free
        self._lock = threading.Lock()
        self._open: dict[int, weakref.ref[Spool]] = {}
        self._read: defaultdict[Hashable, Counter[Spool]] = defaultdict(
            Counter)

    def make(
            self, loop: asyncio.AbstractEventLoop, deflated: Deflated | None,
    ) -> Spool:
        """Return an empty file, in any thread.

        Raises a Problem if there are too many.
        """
        if not self._has_room():
            self._free()
        with self._lock:
            if not self._has_room():
                raise Problem(503, 'too many large answers are being read',
                              retry_after=5)
            file = tempfile.TemporaryFile(prefix='gset-')  # noqa: SIM115
            spool = Spool(loop, deflated, file)
            self._open[id(file)] = weakref.ref(spool)
        # Closed when nobody refers to the spool any more.
        spool.close = weakref.finalize(spool, self._close, file)
        return spool

    def _close(self, file: IO[bytes]) -> None:
        # No lock here: the garbage collector may call this while it is held.
        self._open.pop(id(file), None)
        file.close()

    def _has_room(self) -> bool:
        spools = [spool for ref in list(self._open.values())
                  if (spool := ref()) is not None]
        return len(spools) < FILES and _bytes(spools) < self._size

    @contextmanager
    def reading(self, user: Hashable, spool: Spool) -> Iterator[None]:
        """Count a file that a user reads.  Raises a Problem for too many.

        Several requests of a user for the same file count once.
        """
        mine = self._read[user]
        if mine and spool not in mine and (
                len(mine) >= EACH or _bytes(mine) >= self._size / 2):
            raise Problem(429, f'expected no more than {EACH} large answers '
                          'at a time for one client', retry_after=5)
        mine[spool] += 1
        try:
            yield
        finally:
            mine[spool] -= 1
            if not mine[spool]:
                del mine[spool]
            if not mine:
                self._read.pop(user, None)


def _bytes(spools: Iterable[Spool]) -> int:
    return sum(spool.size for spool in spools)
