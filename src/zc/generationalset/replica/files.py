"""Files that are replaced as a whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable


def write_file(
        path: str | os.PathLike[str], chunks: Iterable[bytes]) -> None:
    """Write a file, or replace it.

    The chunks are written to another file, which then gets the name.  Only the
    owner may read it.

    Raises OSError, and what the chunks raise.
    """
    path = os.path.realpath(path)
    directory, name = os.path.split(path)
    file, temporary = tempfile.mkstemp(prefix=f'{name}.', dir=directory)
    try:
        with open(file, 'wb') as writer:
            writer.writelines(chunks)
            writer.flush()
            os.fsync(file)
        os.replace(temporary, path)
    except BaseException:
        os.remove(temporary)
        raise
    _sync_directory(directory)


def _sync_directory(directory: str) -> None:
    """Make the system store a file's new name, too, if it can."""
    if hasattr(os, 'O_DIRECTORY'):
        file = os.open(directory, os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
