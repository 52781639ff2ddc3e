"""Pages: the parts of a large answer, and how a client puts them together.

A client stores each page as it arrives, and can go on from there, whatever
happens.  docs/protocol.txt has the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from zc.generationalset.answers import Answer, Misfit, Position, is_to

#: Where a page ended.  The first member names the order of ids.
Place = tuple[Any, ...]


class Span(NamedTuple):
    """Which part of an answer makes a page."""

    #: Where the last pages of the source, and of each mirror, ended, by the
    #: names of their orders of ids; empty for the first page of all.
    places: Mapping[str, Place]
    #: The highest generation of the pages before.
    generation: int
    #: The most entries of the page.
    limit: int
    #: Returns the text of the places, with a new one; None if a page can't end
    #: there.
    cursor_of: Callable[[Place], str | None]


class StalePlace(ValueError):
    """A page can't begin at a place: it is of another set, or of a past."""


class LaterPlace(ValueError):
    """A page can't begin at a place yet: this copy is behind it."""


class Copy(NamedTuple):
    """How far a client has come with the pages of an answer."""

    #: The cursor of the next page; empty after the last one.
    cursor: str
    epoch: str | None
    #: The lowest generation of the pages.
    generation: int


def turn(answer: Answer, position: Position, copy: Copy | None) -> Copy:
    """Return how far a client has come when it has applied a page.

    >>> page: Answer = {'epoch': 'e', 'since': 0, 'generation': 5, 'next': 'x'}
    >>> copy = turn(page, NOTHING, None); copy
    Copy(cursor='x', epoch='e', generation=5)
    >>> turn({'epoch': 'e', 'since': 0, 'generation': 8, 'cursor': 'x'},
    ...      NOTHING, copy)
    Copy(cursor='', epoch='e', generation=5)

    After the last page, the client's generation is the lowest of its pages:
    whatever changed while they were read is newer.

    Raises Misfit unless the page is the first one, or the next one.
    """
    generation = answer['generation']
    if 'cursor' not in answer:
        fit = is_to(answer, position)
    else:
        fit = (copy is not None and 'reset' not in answer
               and (answer['cursor'], answer['epoch']) == copy[:2]
               and answer['since'] == position.generation)
        if copy is not None:
            generation = min(generation, copy.generation)
    if not fit:
        raise Misfit(
            f'expected a page for {str(position)!r} at {copy and copy.cursor}'
            f', got one at {answer.get("cursor")}')
    return Copy(answer.get('next', ''), answer['epoch'], generation)


def starts_over(answer: Answer, copy: Copy | None) -> bool:
    """Tell whether a client forgets all that it has before it applies this."""
    return 'reset' in answer or (
        copy is not None and copy.epoch != answer['epoch'])
