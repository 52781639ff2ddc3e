"""Files as databases."""

from __future__ import annotations

import contextlib
from typing import Any

from ZODB.FileStorage import FileStorage


class File(FileStorage):
    """A FileStorage that goes on after a full disk.

    When a transaction can't be written, ZODB's own FileStorage truncates the
    file, and empties the buffers of readers.  But before it truncates, Python
    tries once more to write its buffer.  That fails, too, so the buffers of
    readers are never emptied.  Later, readers read what was never committed,
    instead of what was then written in the same place.
    """

    _file: Any  # mypy can't see it in ZODB

    def tpc_vote(self, transaction: Any) -> Any:
        try:
            return super().tpc_vote(transaction)
        except OSError:
            self._forget()
            raise

    def _forget(self) -> None:
        """Truncate the file, and drop all buffers."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = open(self._file_name, 'r+b')  # noqa: SIM115
            self._file.truncate(self._pos)
            self._files.flush()
