"""Files of TOML, and in which lines their tables and options are."""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOMLError = tomllib.TOMLDecodeError

#: The parts of a key, in quotes or without.
_PARTS = re.compile(r'''"([^"]*)"|'([^']*)'|([\w-]+)''')
_HEADER = re.compile(
    r'''\s*\[+((?:"[^"]*"|'[^']*'|[^\]"'])+)\]''')
_OPTION = re.compile(r'''\s*((?:"[^"]*"|'[^']*'|[\w. -])+?)\s*=''')


def parse(text: str) -> dict[str, Any]:
    """Return what a text says.  Raises TOMLError."""
    return tomllib.loads(text)


def line_of(text: str, place: tuple[str, ...]) -> int | None:
    """Return the line of a table or an option, None if it has none of its own.

    >>> line_of('[a.b]\\nc = 1\\n', ('a', 'b', 'c'))
    2
    >>> line_of('["a.b"]\\n"c d" = 1\\n', ('a.b', 'c d'))
    2
    """
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.match(line):
            table = _parts(found[1])
            if table == place:
                return number
        elif found := _OPTION.match(line):
            if (*table, *_parts(found[1])) == place:
                return number
    return None


def line_of_option(
        text: str, place: tuple[str, ...], names: list[str]) -> int | None:
    """Return the line of an option, or of the table that should have it.

    names
        The option, and the tables that it is in, within the place.
    """
    while True:
        line = line_of(text, (*place, *names))
        if line is not None or not names:
            return line
        names = names[:-1]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(''.join(found) for found in _PARTS.findall(text))
