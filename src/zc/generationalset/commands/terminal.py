"""Text for a terminal: without control characters, and cut to a line."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds between two texts that say how far something is.
PACE = 0.1
#: Clears the line of a terminal.
CLEAR = '\r\x1b[K'


def escape(text: str) -> str:
    r"""Return text with unprintable characters escaped as in JSON.

    Terminals obey control characters.  So without this, a user who writes an
    item could move the cursor, or hide text, of another user who lists the
    item.

    >>> escape('Zo\xeb \x1b[2J')
    'Zoë \\u001b[2J'
    """
    if text.isprintable():
        return text
    return ''.join(
        char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    units = char.encode('utf-16-be', 'surrogatepass').hex()
    return ''.join(f'\\u{units[start:start + 4]}'
                   for start in range(0, len(units), 4))


def cut(text: str, columns: int) -> str:
    """Return the part of a line that fits into the columns of a terminal.

    >>> cut('abcdef', 5), cut('日本語', 6), cut('日本語', 5)
    ('abcd…', '日本語', '日本…')
    """
    width = 0
    kept = 0  # characters that fit beside the ellipsis
    for char in text:
        width += _width(char)
        if width < columns:
            kept += 1
        if width > columns:
            return text[:kept] + '…'
    return text


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in 'WF' else 1


def _columns() -> int:
    """Return the width of the terminal of the standard error output."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or 80  # some terminals don't know their size


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows how far something is, in one line.

    The line is on the standard error output, if that is a terminal.  It goes
    at the end, and with an empty text.
    """
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    last = 0.0

    def tell(text: str) -> None:
        nonlocal last
        if not text or time.monotonic() >= last + PACE:
            last = time.monotonic() if text else 0.0
            sys.stderr.write(CLEAR + cut(escape(text), _columns() - 1))
            sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write(CLEAR)
        sys.stderr.flush()
