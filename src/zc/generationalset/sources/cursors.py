"""Cursors: the texts of places, which clients present to get the next page.

The source and each mirror have an order of ids, and so places, of their own.
A client may go between them.  So a cursor has the places of all that sent
pages: each goes on where it was, and the pages end when one has sent all.

Clients must not look into a cursor, and can't harm with one of their own: it
only leads to what they may read anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from zc.generationalset import wire
from zc.generationalset.pages import Place, Span
from zc.generationalset.sources.errors import StaleCursor

#: The most characters of a cursor, so that it survives in a URL.
LENGTH = 6000


def span_at(cursor: str, epoch: str | None, limit: int) -> Span:
    """Return the span of the page at a cursor; that of the first, if empty.

    epoch
        The epoch of the set that is served.

    Raises StaleCursor for what isn't a cursor, or is one of another set.
    """
    epoch = epoch or ''
    places = read_cursor(cursor, epoch) if cursor else {}

    def cursor_of(place: Place) -> str | None:
        others = [each for each in places.values() if each[0] != place[0]]
        return write_cursor(epoch, [*others, place])

    return Span(places, limit, cursor_of)


def write_cursor(epoch: str, places: Sequence[Place]) -> str | None:
    """Return the cursor of places, if the last one's is short enough.

    If all places are too long, the first ones are left out.

    >>> write_cursor('e', [('e', 1, 0, 'ann')])
    'eyIkdHVwbGUiOlsiZSIseyIkdHVwbGUiOlsiZSIsMSwwLCJhbm4iXX1dfQ=='
    >>> read_cursor(_, 'e')
    {'e': ('e', 1, 0, 'ann')}
    """
    for number in range(len(places)):
        try:
            text = wire.encode_id((epoch, *places[number:]))
        except (TypeError, ValueError):  # an id without a form in JSON
            return None
        cursor = urlsafe_b64encode(text).decode()
        if len(cursor) <= LENGTH:
            return cursor
    return None


def read_cursor(cursor: str, epoch: str) -> dict[str, Place]:
    """Return the places of a cursor, by the names of their orders.

    Raises StaleCursor for what isn't a cursor, or is one of another epoch.
    """
    told, *places = _read(cursor)
    if told != epoch:
        raise StaleCursor('the page is of another set; ask with an empty '
                          'cursor')
    return {place[0]: place for place in places}


def _read(cursor: str) -> tuple[Any, ...]:
    try:
        if len(cursor) <= LENGTH:
            read = wire.decode_id(urlsafe_b64decode(cursor.encode()))
            if isinstance(read, tuple) and len(read) > 1 \
                    and all(map(_is_place, read[1:])):
                return read
    except (ValueError, RecursionError):
        pass
    raise StaleCursor('this server does not know the cursor; ask with an '
                      'empty one')


def _is_place(place: Any) -> bool:
    return isinstance(place, tuple) and len(place) > 0 and type(
        place[0]) is str
