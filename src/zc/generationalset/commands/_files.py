"""Files as databases."""

from __future__ import annotations

import contextlib
from typing import Any

from ZODB.FileStorage import FileStorage


class File(FileStorage):
    """A FileStorage that goes on after a full disk.

    ZODB's own wants to cut off a transaction that could not be written, and to
    empty the buffers of readers.  But when the file is cut off, Python first
    tries once more to write what it has buffered; that fails, too, and it
    never comes to the readers.  So what was never committed is read later, in
    the place of what was written there then.
    """

    _file: Any  # which mypy can't see in ZODB

    def tpc_vote(self, transaction: Any) -> Any:
        try:
            return super().tpc_vote(transaction)
        except OSError:
            self._forget()
            raise

    def _forget(self) -> None:
        """Cut off what was written, and drop all buffers."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = open(self._file_name, 'r+b')  # noqa: SIM115
            self._file.truncate(self._pos)
            self._files.flush()
