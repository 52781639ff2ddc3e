"""Cursors that are positions: an epoch and a generation."""

from __future__ import annotations

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.sync.errors import Replaced


def position_of(cursor: str | None) -> Position:
    """Return the position that a cursor, or a token, has."""
    return wire.decode_position(cursor or '') or NOTHING


def asked(cursor: str | None, now: Position) -> int:
    """Return the generation of a cursor, 0 if it has none.

    now
        The position of the store.

    Raises Replaced if the store isn't the one that the cursor is of.
    """
    since = position_of(cursor)
    if since.generation and since.epoch != now.epoch:
        raise Replaced('its epoch has changed')
    if since.generation > now.generation:
        raise Replaced('it has lost changes that were read')
    return since.generation
