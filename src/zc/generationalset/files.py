"""Files that are written as a whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator


def write_file(
        path: str | os.PathLike[str], chunks: Iterable[bytes]) -> None:
    """Write a file, or replace it.

    The chunks are written to another file, which then gets the name.  Only the
    owner may read it.

    Raises OSError, and what the chunks raise.
    """
    path = os.path.realpath(path)
    directory, name = os.path.split(path)
    with written(directory, f'{name}.', chunks) as temporary:
        os.replace(temporary, path)


def remove_file(path: str | os.PathLike[str]) -> None:
    """Remove a file, so that it stays removed.  Raises OSError."""
    os.remove(path)
    _sync_directory(os.path.dirname(os.path.abspath(path)))


@contextlib.contextmanager
def written(
        directory: str | os.PathLike[str], prefix: str,
        chunks: Iterable[bytes]) -> Iterator[str]:
    """Write a file, and yield its path, for whoever gives it its name.

    Only the owner may read it.  If it still has its first name at the end, it
    is removed.  Then the names in the directory are stored, too.

    Raises OSError, and what the chunks raise.
    """
    file, temporary = tempfile.mkstemp(prefix=prefix, dir=directory)
    try:
        with open(file, 'wb') as writer:
            writer.writelines(chunks)
            writer.flush()
            os.fsync(file)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
    _sync_directory(directory)


def _sync_directory(directory: str | os.PathLike[str]) -> None:
    """Make the system store files' new names, too, if it can."""
    if hasattr(os, 'O_DIRECTORY'):
        file = os.open(directory, os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
