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
from zc.generationalset.answers import Position
from zc.generationalset.pages import Place, Span
from zc.generationalset.sources.errors import StaleCursor

#: The most characters of a cursor, so that it survives in a URL.
LENGTH = 6000


def span_at(cursor: str, position: Position, limit: int) -> Span:
    """Return the span of the page at a cursor; that of the first, if empty.

    position
        The position of the set that is served.

    Raises StaleCursor for what isn't a cursor, or is one of another set.
    """
    before, places = read_cursor(cursor, position.epoch) if cursor else (0, {})
    highest = position._replace(
        generation=max(before, position.generation))

    def cursor_of(place: Place) -> str | None:
        others = [each for each in places.values() if each[0] != place[0]]
        return write_cursor(highest, [*others, place])

    return Span(places, before, limit, cursor_of)


def write_cursor(highest: Position, places: Sequence[Place]) -> str | None:
    """Return the cursor of places, if the last one's is short enough.

    If all places are too long, the first ones are left out.

    highest
        The highest position of the pages.

    >>> write_cursor(Position('e', 7), [('e', 1, 0, 'ann')])
    'eyIkdHVwbGUiOlsiZSIsNyx7IiR0dXBsZSI6WyJlIiwxLDAsImFubiJdfV19'
    >>> read_cursor(_, 'e')
    (7, {'e': ('e', 1, 0, 'ann')})
    """
    for number in range(len(places)):
        try:
            text = wire.encode_id((*highest, *places[number:]))
        except (TypeError, ValueError):  # an id without a form in JSON
            return None
        cursor = urlsafe_b64encode(text).decode()
        if len(cursor) <= LENGTH:
            return cursor
    return None


def read_cursor(
        cursor: str, epoch: str | None) -> tuple[int, dict[str, Place]]:
    """Return the generation of a cursor, and its places, by their orders.

    Raises StaleCursor for what isn't a cursor, or is one of another epoch.
    """
    told, generation, *places = _read(cursor)
    if told != epoch:
        raise StaleCursor('the page is of another set; ask with an empty '
                          'cursor')
    return generation, {place[0]: place for place in places}


def _read(cursor: str) -> tuple[Any, ...]:
    try:
        if len(cursor) <= LENGTH:
            read = wire.decode_id(urlsafe_b64decode(cursor.encode()))
            if isinstance(read, tuple) and len(read) > 2 \
                    and type(read[1]) is int and all(map(_is_place, read[2:])):
                return read
    except (ValueError, RecursionError):
        pass
    raise StaleCursor('this server does not know the cursor; ask with an '
                      'empty one')


def _is_place(place: Any) -> bool:
    return isinstance(place, tuple) and len(place) > 0 and type(
        place[0]) is str
