"""What stores read and write: whole files."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from zc.generationalset.files import written

#: The most bytes of a file that are read.
LONGEST = 64 * 2 ** 20
#: Of the names of files that are still being written.
PREFIX = '.gset-'
#: How often a file is read that changes meanwhile.
TRIES = 5
#: Links aren't followed, and nothing is waited for.
FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in (
    'O_NOFOLLOW', 'O_NONBLOCK', 'O_CLOEXEC', 'O_BINARY'))
#: Nanoseconds between two times that any file system can tell apart.
RESOLUTION = 2 * 10 ** 9


class NotRead(Exception):
    """Something is there, but can't be read as a file; the text says why."""


def read(path: Path, longest: int = LONGEST) -> bytes:
    """Return what a file has.  Raises FileNotFoundError and NotRead."""
    content, _ = read_stamped(path, longest)
    return content


def read_stamped(
        path: Path, longest: int = LONGEST) -> tuple[bytes, str | None]:
    """Return what a file has, at one moment, and its stamp.

    The stamp is None if the file was changed just now: it may change once more
    before the clock of the file system goes on, and have the same stamp.

    Raises what ``read`` raises.
    """
    try:
        for _ in range(TRIES):
            now = time.time_ns()
            content, before, after = _read(path, longest)
            if stamp(before) == stamp(after) \
                    and len(content) == after.st_size:
                return content, stamp(before) if is_at_rest(
                    before, now) else None
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise NotRead(f'{path.name}: {error}') from error
    raise NotRead(f'{path.name} changes while it is read')


def _read(
        path: Path, longest: int,
) -> tuple[bytes, os.stat_result, os.stat_result]:
    """Return what a file has, and its status before and after."""
    # To open anything else may have consequences.
    _check(path, os.lstat(path), longest)
    with open(os.open(path, FLAGS), 'rb') as file:
        before = os.fstat(file.fileno())
        _check(path, before, longest)
        content = file.read(longest + 1)
        after = os.fstat(file.fileno())
    _check(path, after, longest)
    return content, before, after


def _check(path: Path, status: os.stat_result, longest: int) -> None:
    """Raise NotRead for what is no file, or too long."""
    if stat.S_ISLNK(status.st_mode):
        raise NotRead(f'{path.name} is a symbolic link')
    if not stat.S_ISREG(status.st_mode):
        raise NotRead(f'{path.name} is no file')
    if status.st_size > longest:
        raise NotRead(f'{path.name} has more than {longest} bytes')


def stamp(status: os.stat_result) -> str:
    """Return a text that is another one whenever the file has changed."""
    return (f'{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-'
            f'{status.st_ctime_ns:x}')


def is_at_rest(status: os.stat_result, now: int) -> bool:
    """Tell whether a file that changes from now on gets another stamp.

    now
        Nanoseconds, from before the status was read.
    """
    return now - max(status.st_mtime_ns, status.st_ctime_ns) > RESOLUTION


def digest(content: bytes) -> str:
    """Return a token for a content."""
    return blake2b(content, digest_size=12).hexdigest()


def digest_of_all(contents: Iterable[bytes]) -> str:
    """Return a token for contents in any order, with only one in memory."""
    total = sum(int.from_bytes(blake2b(each).digest(), 'big')
                for each in contents)
    return digest(str(total).encode())


def replace(path: Path, content: bytes) -> None:
    """Replace a file.  It keeps its permissions."""
    with written(path.parent, PREFIX, [content]) as temporary:
        os.chmod(temporary, os.lstat(path).st_mode & 0o7777)
        os.replace(temporary, path)


def create(path: Path, content: bytes) -> None:
    """Write a file that isn't there yet.  Raises FileExistsError."""
    with written(path.parent, PREFIX, [content]) as temporary:
        os.chmod(temporary, 0o666 & ~_umask())
        os.link(temporary, path)


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
