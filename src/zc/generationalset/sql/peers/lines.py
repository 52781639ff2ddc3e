"""Rows in messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zc.generationalset.sql.peers import frames
from zc.generationalset.sql.peers.errors import BadMessage
from zc.generationalset.sql.peers.versions import GONE, Pair, text


def listed(
        pairs: Mapping[str, Pair], spool: Iterable[bytes], width: int,
) -> Iterator[tuple[Pair, list[list[str]]]]:
    """Yield tables, and texts of rows, as they came.

    width
        How many texts a row has: its key, and versions.

    Raises BadMessage.
    """
    for frame in spool:
        message = frames.read(frame, 'rows')
        pair = table_of(pairs, message)
        lines = [_texts(line, width)
                 for line in frames.member(message, 'rows', list)]
        if len({line[0] for line in lines}) < len(lines):
            raise BadMessage(f'table {pair.name}: expected a row once, got it '
                             'again')
        yield pair, lines


def table_of(pairs: Mapping[str, Pair], message: dict[str, Any]) -> Pair:
    """Return the table that a message names.  Raises BadMessage."""
    name = frames.name_of(message, 'table')
    if name not in pairs:
        raise BadMessage(f'expected a table, one of {", ".join(pairs)}; got '
                         f'{name}')
    return pairs[name]


def _texts(line: Any, width: int) -> list[str]:
    if type(line) is not list or len(line) != width or not all(
            type(part) is list or part is None for part in line) \
            or line[0] is None:
        raise BadMessage(f'expected {width} arrays for a row, got '
                         f'{line!r:.100}')
    return [GONE if part is None else text(part) for part in line]


def joined(*texts: str) -> list[str]:
    """Return the JSON of a row's texts."""
    return [text or 'null' for text in texts]
