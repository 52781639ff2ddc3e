"""Positions as text, in header fields, in events and in changes."""

from __future__ import annotations

import re

from zc.generationalset.answers import HIGHEST, Position

_POSITION = re.compile('(.{0,200}):([0-9]{1,16})', re.DOTALL)


def decode_position(text: str) -> Position | None:
    """Return the position in a text; None for other texts.

    >>> decode_position('e:5'), decode_position(str(Position('e', 5)))
    (Position(epoch='e', generation=5), Position(epoch='e', generation=5))
    """
    match = _POSITION.fullmatch(text)
    if match is None or int(match[2]) > HIGHEST:
        return None
    generation = int(match[2])
    return Position((match[1] or None) if generation else None, generation)
