"""One tree that is served: its position, and who waits for changes."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer
from zc.generationalset.server.cache import Cache, Question
from zc.generationalset.server.group import Group
from zc.generationalset.server.spool import Spool

#: How many of the latest positions count as those of clients that follow.
RECENT = 64

#: How many listeners should come for a large answer in a second, and the most
#: seconds over which they are spread.
COMING = 200
LONGEST_SPREAD = 10.0

#: How many epochs a tree remembers, with the generation that each reached.
EPOCHS = 8


class Tree:
    """What the server knows of one tree without reading the database."""

    def __init__(self, name: Hashable, cache: Cache) -> None:
        self.name = name
        self._cache = cache
        #: Those who listen to the whole tree; what is known of it.
        self.whole = Group()
        #: The groups that have listeners, by their parts.
        self.groups: dict[Parts, Group] = {}
        #: Epoch -> the generation that it was last seen at.
        self.seen: OrderedDict[str | None, int] = OrderedDict()
        #: How many event streams and long polls are open.
        self.listeners = 0
        #: Large answers; some may still be being written to their files.
        self.copies: WeakValueDictionary[
            Question, Spool] = WeakValueDictionary()
        #: Answers that are being made, and the number of commits at their
        #: start.
        self.making: dict[
            Question, tuple[int, asyncio.Task[EncodedAnswer]]] = {}
        #: The task that reads its position for those who come for a large
        #: answer, and the number of commits at its start.
        self.look: tuple[int, asyncio.Task[None] | None] = -1, None
        #: The task that renews its epoch, if there is one.
        self.renewal: asyncio.Task[None] | None = None
        self._recent: deque[Position] = deque(maxlen=RECENT)

    @property
    def position(self) -> Position | None:
        """The last position that was read; None if there is no tree."""
        return self.whole.position

    @property
    def checked(self) -> int:
        """How many commits there were then, at least."""
        return self.whole.checked

    def has_fallen(self, position: Position | None, count: int) -> bool:
        """Tell whether changes were taken back: the generation fell.

        Only what was read counts, because clients may present any generation.
        """
        return (position is not None
                and position.generation < self.seen.get(position.epoch, 0)
                and count >= self.checked)

    def learn(self, position: Position | None, count: int) -> None:
        """Note a position that was read after ``count`` commits."""
        if count >= self.checked and position != self.position:
            if position is not None:
                self._recent.append(position)
            self._remember(position)
            self._cache.forget(self.name)
        self.whole.learn(position, count, True)

    def is_behind(self, count: int) -> bool:
        """Tell whether listeners may not know all of ``count`` commits."""
        return self.listeners > 0 and any(
            group.checked < count for group in self.groups.values()
            if group.position is not None or group is self.whole)

    def _remember(self, position: Position | None) -> None:
        if position is not None:
            self.seen[position.epoch] = position.generation
            self.seen.move_to_end(position.epoch)
            if len(self.seen) > EPOCHS:
                self.seen.popitem(last=False)

    def keep(self, question: Question, answer: EncodedAnswer) -> None:
        if answer.large is not None:
            self.copies[question] = answer.large.spool
        if answer.tree == self.position:
            if answer.fits_event:  # clients that ask get the same answer
                question = question._replace(streamed=False)
            self._cache.put(question, answer)

    def kept(self, question: Question, count: int) -> EncodedAnswer | None:
        """Return an answer that has seen ``count`` commits.

        An answer that has seen fewer will do if nothing changed since.
        """
        answer = self._cache.get(question)
        if answer is None and question.streamed:
            answer = self._cache.get(question._replace(streamed=False))
        if answer is not None and answer.has_failed:
            return None
        if answer is None or answer.count >= count or (
                self.checked >= count and answer.tree == self.position):
            return answer
        return None

    def keeps_large(self, question: Question) -> bool:
        """Tell whether a large answer is kept, which may be outdated."""
        answer = self._cache.get(question)
        return answer is not None and answer.large is not None

    def is_common(self, question: Question) -> bool:
        """Tell whether many may ask this, because they begin or follow."""
        asked = question.asked
        return asked == NOTHING or asked in self._recent or (
            question.streamed and bool(question.parts))

    def is_foreign(self, asked: Position) -> bool:
        """Tell whether a client is of another epoch, as far as known."""
        return (asked.generation != 0 and self.position is not None
                and asked.epoch != self.position.epoch)

    def spread(self) -> float:
        """Return a random time, in seconds, for a listener to wait.

        So not all listeners come for a large answer at the same moment.
        """
        longest = min(LONGEST_SPREAD, self.listeners / COMING)
        return random.uniform(0, longest)  # noqa: S311

    def wake(self) -> None:
        """Make all listeners look again; some may leave meanwhile."""
        for group in list(self.groups.values()):
            group.wake()

    def enter(self, parts: Parts) -> Group:
        """Have the server look after each commit; return the listener's group.
        """
        group = self.groups.get(parts)
        if group is None:
            group = Group(parts) if parts else self.whole
            self.groups[parts] = group
        group.listeners += 1
        self.listeners += 1
        return group

    def leave(self, group: Group) -> None:
        self.listeners -= 1
        group.listeners -= 1
        if not group.listeners:
            del self.groups[group.parts]
            group.audience = None

    @contextmanager
    def listening(self, parts: Parts) -> Iterator[Group]:
        """Enter the group for some parts, and leave it."""
        group = self.enter(parts)
        try:
            yield group
        finally:
            self.leave(group)
