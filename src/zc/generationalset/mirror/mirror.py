"""A copy, in a database, of a set that another server serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import persistent
from zope.interface import implementer

from zc.generationalset.answers import (
    Answer,
    Position,
    check_answer,
    check_fits,
    is_page,
)
from zc.generationalset.interfaces import IServed
from zc.generationalset.mirror.mirrored import (
    REMOVALS,
    MirroredSet,
    Writer,
    with_ids,
)
from zc.generationalset.mirror.pages import Changes, Contents, Pages
from zc.generationalset.mirror.points import Points
from zc.generationalset.pages import (
    Copy,
    LaterPlace,
    Span,
    StalePlace,
    starts_over,
    turn,
)
from zc.generationalset.parts import Parts
from zc.generationalset.updates import Lacking, read


@implementer(IServed)
class Mirror(persistent.Persistent):
    """A copy of a served set that can itself be served.

    >>> mirror = Mirror('https://example.org/sync')
    >>> mirror.apply({'epoch': 'a', 'since': 0, 'generation': 7,
    ...               'contents': [('ann', {'age': 42})]})
    True
    >>> mirror.generation, mirror.epoch, mirror['ann'].value
    (7, 'a', {'age': 42})
    >>> mirror.apply({'epoch': 'a', 'since': 7, 'generation': 9,
    ...               'removals': ['ann'], 'adds': [('bob', {'age': 24})]})
    True

    It answers as its source would at the same generation.  A client that was
    at the source at generation 8 gets a little more than it needs:

    >>> answer = mirror.client_updates(8, 'a')
    >>> answer['since'], answer['generation'], answer['removals']
    (8, 9, ['ann'])
    >>> list(answer['adds'])
    [('bob', <Document 'bob'>)]

    The copy has generations of its own, because the source doesn't tell the
    generation of each change.  Each applied answer leaves a *point*, a pair of
    both generations.  A client gets what is newer than the last point at or
    before its position.

    source
        The URL of the source, for writes.
    """

    __module__ = 'zc.generationalset.mirror'  # for pickles

    #: The pages of an answer, while some are missing.
    _pages: Pages | None = None

    def __init__(self, source: str) -> None:
        self.source = source
        #: The generation of the source, after the last answer.
        self.generation = 0
        self.epoch: str | None = None
        #: The copy.
        self.mirrored = MirroredSet(maximum_removals=REMOVALS)
        self._points = Points()
        #: Whether the source took changes back, and kept its epoch.
        self._rewound = False

    def __repr__(self) -> str:
        return f'<Mirror of {self.source}>'

    def __getitem__(self, id: Any) -> Any:
        return self.mirrored[id]

    def __len__(self) -> int:
        return len(self.mirrored)

    # For clients

    def client_updates(
            self, generation: int, epoch: str | None = None, *,
            parts: Parts = ()) -> Answer:
        """Return the answer to a client; see IGenerationalSet.

        A client that is ahead comes from the source, or from another mirror.
        It is told that nothing changed, until this mirror has caught up.
        """
        answer, since = self._head(generation, epoch)
        return cast(Answer, answer | with_ids(self.mirrored.client_updates(
            since, self.mirrored.epoch, parts=parts)))

    def client_page(
            self, generation: int, epoch: str | None, span: Span) -> Answer:
        """Return a page of the answer to a client; see IServed.

        A mirror has an order of ids of its own, and so places of its own.
        """
        answer, since = self._head(generation, epoch)
        if span.places:
            self._check_later_page(answer, span)
        page = self.mirrored.client_page(since, self.mirrored.epoch, span)
        if 'next' in page:
            answer['next'] = page['next']
        return cast(Answer, answer | with_ids(page))

    def _check_later_page(self, answer: Answer, span: Span) -> None:
        """Refuse a page that is older than the ones before.

        It may keep what they have removed.  Those of a first copy keep
        nothing.
        """
        is_behind = answer['since'] and self.generation < max(
            answer['generation'], span.generation)
        if 'reset' in answer or (is_behind and self._rewound):
            raise StalePlace('the page is of another epoch')
        if is_behind:
            raise LaterPlace('this mirror is behind the pages before')

    def _head(
            self, generation: int, epoch: str | None) -> tuple[Answer, int]:
        """Return the beginning of an answer, and the copy's own generation."""
        answer: Answer = {'epoch': self.epoch, 'since': generation,
                          'generation': self.generation}
        since = 0
        if generation and epoch != self.epoch:
            answer['since_epoch'] = epoch
            answer['reset'] = 'epoch'
        elif generation <= self.generation:
            since = self._points.before(generation)
        elif self._rewound:
            answer['reset'] = 'ahead'
        else:
            answer['generation'] = generation
            since = self.mirrored.generation
        return answer, since

    # For the source

    @property
    def asked(self) -> Position:
        """The position to present to the source.

        It may be later than the one that the mirror shows, because the mirror
        doesn't show a part of the pages of an answer.
        """
        if self._pages is None:
            return Position(self.epoch, self.generation)
        return self._pages.position

    @property
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
        copy = self._pages and self._pages.copy
        return copy.cursor if copy else ''

    def apply(
            self, updates: Mapping[str, Any],
            pause: Callable[[], object] = lambda: None) -> bool:
        """Apply an answer of the source; return whether anything changed.

        O(log n) for each entry; with contents, O(n).

        updates
            The answer, as ``wire.decode`` returns it, or a page of it.
        pause
            Called now and then, so that memory can be freed.

        If the answer keeps what isn't here, the mirror is damaged, and forgets
        everything.

        Raises Misfit for an answer that doesn't fit, and ValueError for what
        isn't an answer; then the transaction must be aborted.
        """
        answer = check_answer(updates)
        pages = self._pages
        if is_page(answer):
            copy = turn(answer, self.asked, pages and pages.copy)
        else:
            check_fits(answer, self.asked)
            copy = Copy('', answer['epoch'], answer['generation'])
        writer = Writer(pause)
        try:
            if (pages is None and not is_page(answer)) or (
                    'reset' in answer and not copy.cursor):
                return self._apply(answer, writer)
            if pages is None or starts_over(answer, pages.copy):
                pages = self._pages = self._new_pages(answer)
            pages.add(answer, copy, writer)
            return pages.is_even and self._show(pages, writer)
        except Lacking:
            self._start_over()
            return True

    def _new_pages(self, answer: Answer) -> Pages:
        if 'reset' in answer or not self.asked.generation:
            return Contents()
        return Changes(self.asked)

    def _apply(self, answer: Answer, writer: Writer) -> bool:
        listed, reset = read(answer), 'reset' in answer
        if not reset and answer['generation'] == self.generation and not (
                listed.whole or listed.removals or answer.get('adds')):
            return False
        change = writer.replace if reset else writer.update
        change(self.mirrored, listed)
        self._move(Position(answer['epoch'], answer['generation']), reset)
        return True

    def _show(self, pages: Pages, writer: Writer) -> bool:
        shown = pages.shown(self.mirrored, writer)
        is_new = shown is not self.mirrored
        self.mirrored = shown
        self._move(pages.position, is_new)
        return True

    def _move(self, position: Position, reset: bool) -> None:
        """Be at a position of the source, after what came was written."""
        if reset:
            self._points = Points()
            self._rewound = position.epoch == self.epoch and (
                self._rewound or position.generation < self.generation)
        self.epoch, self.generation = position
        self._points.note(self.generation, self.mirrored.generation)
        self._pages = None

    def _start_over(self) -> None:
        """Forget everything, because the copy is damaged."""
        self.epoch, self.generation = None, 0
        self.mirrored = MirroredSet(maximum_removals=REMOVALS)
        self._points = Points()
        self._pages = None
