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
    read,
)
from zc.generationalset.interfaces import IServed
from zc.generationalset.mirror.mirrored import (
    REMOVALS,
    MirroredSet,
    Writer,
    with_ids,
)
from zc.generationalset.mirror.points import Points
from zc.generationalset.pages import Span, StalePlace
from zc.generationalset.parts import Parts


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
        first = self.epoch or ''
        if span.place and (
                answer['generation'] > self.generation or 'reset' in answer
                or span.place[0] != first):
            raise StalePlace('the page is of another epoch')
        page = self.mirrored.client_page(since, self.mirrored.epoch, Span(
            span.place[1:], span.limit,
            lambda place: span.cursor_of((first, *place))))
        if 'next' in page:
            answer['next'] = page['next']
        return cast(Answer, answer | with_ids(page))

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

    def apply(
            self, updates: Mapping[str, Any],
            pause: Callable[[], object] = lambda: None) -> bool:
        """Apply an answer of the source; return whether it lists anything.

        O(log n) for each entry; with contents, O(n).

        updates
            The answer, as ``wire.decode`` returns it.
        pause
            Called now and then, so that memory can be freed.

        Raises Misfit for an answer that doesn't fit, and ValueError for what
        isn't an answer; then the transaction must be aborted.
        """
        answer = check_answer(updates)
        check_fits(answer, Position(self.epoch, self.generation))
        listed, reset = read(answer), 'reset' in answer
        epoch, generation = answer['epoch'], answer['generation']
        if not reset and generation == self.generation and not (
                listed.whole or listed.removals or answer.get('adds')):
            return False
        writer = Writer(pause)
        change = writer.replace if reset else writer.update
        change(self.mirrored, listed)
        if reset:
            self._points = Points()
            self._rewound = epoch == self.epoch and (
                self._rewound or generation < self.generation)
        self.epoch, self.generation = epoch, generation
        self._points.note(generation, self.mirrored.generation)
        return True
