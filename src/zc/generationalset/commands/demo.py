"""The board of ``gset serve --demo``, which people share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zc.generationalset import GenerationalSet
from zc.generationalset.commands import Failure

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

#: Where the board is in the root of a database.
NAME = 'board'

SETS = 'columns', 'cards', 'messages', 'here'
PEOPLE = {
    'Ann': 'violet', 'Bob': 'amber', 'Cy': 'moss',
}
#: The columns; each card with its text, its author, and its age in minutes.
COLUMNS = {
    'To do': [
        ('Open this page in a second window, and move this card', 'Ann', 2),
        ('Ask the band for a list of songs', 'Bob', 31),
        ('Find someone who bakes for eighty', 'Cy', 45),
    ],
    'Doing': [
        ('Print posters:\n50 for the town, 10 for the school', 'Cy', 12),
        ('Borrow benches from the school', 'Ann', 14),
    ],
    'Done': [
        ('Choose a day: the last Saturday in June', 'Bob', 140),
        ('Tell the neighbours', 'Ann', 95),
    ],
}
MESSAGES = [
    ('The school lends us forty benches.', 'Ann', 14),
    ('Great. I can get them on Friday, with the van.', 'Bob', 13),
    ('Posters come out of the printer tomorrow.', 'Cy', 11),
]


def fill(gset: GenerationalSet) -> None:
    """Put a small sample into an empty set.

    Raises Failure if the set isn't empty and isn't a board.
    """
    if len(gset):
        if not all(isinstance(gset.get(name), GenerationalSet)
                   for name in SETS):
            raise Failure(
                'expected --set to be a board, or an empty set; got a set '
                'without the subsets ' + ', '.join(SETS))
        return
    # Imported here because documents need an extra, and the command doesn't.
    from zc.generationalset.documents import Document

    columns, cards, messages, _ = made = [
        GenerationalSet(name) for name in SETS]
    for subset in made:
        gset.add(subset)
    for rank, (name, texts) in enumerate(COLUMNS.items(), 1):
        id = name.lower().replace(' ', '-')
        columns.add(Document(id, {'name': name, 'rank': rank}))
        for place, (text, who, minutes) in enumerate(texts, 1):
            cards.add(Document(f'{id}-{place}', {
                'text': text, 'column': id, 'rank': place,
                **_signed(who, minutes)}))
    for number, (text, who, minutes) in enumerate(MESSAGES, 1):
        messages.add(Document(f'sample-{number}', {
            'text': text, **_signed(who, minutes)}))


def _signed(name: str, minutes: int) -> dict[str, object]:
    return {'by': {'name': name, 'color': PEOPLE[name]},
            'at': int((time.time() - 60 * minutes) * 1000)}


def routes() -> list[BaseRoute]:
    """Return the routes of the board's page."""
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from zc.generationalset.server import pages

    async def no_push(request: Request) -> Response:
        """Tell the page that this server doesn't push."""
        return Response(status_code=204)

    return [pages.page('/', 'board/index.html'), pages.folder('board'),
            pages.worker(
                '/worker.js', 'board/worker.js',
                ['board', 'gset', 'outbox', '']),
            Route('/push', no_push, include_in_schema=False)]


def announce(url: str) -> str:
    """Return two lines that say what to do."""
    return (f'open {url} in two windows; Ctrl-C ends it\n'
            f'see what they are sent: {url}/explore')
