"""Cursors: the texts of places, which clients present to get the next page.

Clients must not look into a cursor, and can't harm with one of their own: it
only leads to what they may read anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from zc.generationalset import wire
from zc.generationalset.sources.errors import StaleCursor

#: The most characters of a cursor, so that it survives in a URL.
LENGTH = 6000


def write_cursor(place: tuple[Any, ...]) -> str | None:
    """Return the cursor of a place, if it has one that is short enough.

    >>> write_cursor(('e', 1, 0, 'ann'))
    'eyIkdHVwbGUiOlsiZSIsMSwwLCJhbm4iXX0='
    >>> read_cursor(_)
    ('e', 1, 0, 'ann')
    """
    try:
        cursor = urlsafe_b64encode(wire.encode_id(place)).decode()
    except (TypeError, ValueError):  # an id without a form in JSON
        return None
    return cursor if len(cursor) <= LENGTH else None


def read_cursor(cursor: str) -> tuple[Any, ...]:
    """Return the place of a cursor.

    Raises StaleCursor for what isn't one.
    """
    try:
        if len(cursor) <= LENGTH:
            place = wire.decode_id(urlsafe_b64decode(cursor.encode()))
            if isinstance(place, tuple) and place:
                return place
    except (ValueError, RecursionError):
        pass
    raise StaleCursor('this server does not know the cursor; ask with an '
                      'empty one')
