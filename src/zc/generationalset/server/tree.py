"""One tree that is served: where it stands, and who waits for more."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.server.answer import Answer
from zc.generationalset.server.cache import Cache, Question
from zc.generationalset.server.spool import Spool

#: Positions of a tree that clients who follow it may have.
RECENT = 64

#: Listeners that should come in a second for a large answer, and for how many
#: seconds they are told to come, at most.
COMING = 200
LONGEST_SPREAD = 10.0

#: Epochs of which a tree remembers how far it had come.
EPOCHS = 8


class Tree:
    """What is known of one tree without looking at the database."""

    def __init__(self, name: Hashable, cache: Cache) -> None:
        self.name = name
        self._cache = cache
        #: Where it was, None for a tree that isn't there,
        self.position: Position | None = None
        #: when so many commits had been made, or more.
        self.checked = -1
        #: Epoch -> the generation that was last seen of it.
        self.seen: OrderedDict[str | None, int] = OrderedDict()
        #: How many event streams and long polls are open.
        self.listeners = 0
        #: Large answers that are being written to their files, perhaps.
        self.copies: WeakValueDictionary[
            Question, Spool] = WeakValueDictionary()
        #: Answers in the making, and the number of commits when it began.
        self.making: dict[Question, tuple[int, asyncio.Task[Answer]]] = {}
        #: Its epoch being renewed, perhaps.
        self.renewal: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._recent: deque[Position] = deque(maxlen=RECENT)

    def has_fallen(self, position: Position | None, count: int) -> bool:
        """Tell whether changes were taken back: what was read before was more.

        Nothing else counts.  Clients may present any generation.
        """
        return (position is not None
                and position.generation < self.seen.get(position.epoch, 0)
                and count >= self.checked)

    def learn(self, position: Position | None, count: int) -> None:
        """Note what was read when ``count`` commits had been made."""
        if count >= self.checked:
            self.checked = count
            if position != self.position:
                if position is not None:
                    self._recent.append(position)
                self.position = position
                self._remember(position)
                self._cache.forget(self.name)
                self.wake()

    def _remember(self, position: Position | None) -> None:
        if position is not None:
            self.seen[position.epoch] = position.generation
            self.seen.move_to_end(position.epoch)
            if len(self.seen) > EPOCHS:
                self.seen.popitem(last=False)

    def keep(self, question: Question, answer: Answer) -> None:
        if answer.large is not None:
            self.copies[question] = answer.large.spool
        if answer.tree == self.position:
            self._cache.put(question, answer)

    def kept(self, question: Question, count: int) -> Answer | None:
        """Return an answer that has seen so many commits.

        It also will do if it has seen fewer, but nothing changed since.
        """
        answer = self._cache.get(question)
        if answer is not None and answer.has_failed:
            return None
        if answer is None or answer.count >= count or (
                self.checked >= count and answer.tree == self.position):
            return answer
        return None

    def is_common(self, asked: Position) -> bool:
        """Tell whether many may ask this: all who begin, or who follow."""
        return asked == NOTHING or asked in self._recent

    def is_foreign(self, asked: Position) -> bool:
        """Tell whether a client is of another epoch, as far as is known."""
        return (asked.generation != 0 and self.position is not None
                and asked.epoch != self.position.epoch)

    def spread(self) -> float:
        """Return a random time, in seconds, for a listener to wait.

        So that not all of them come for a large answer at the same moment.
        """
        longest = min(LONGEST_SPREAD, self.listeners / COMING)
        return random.uniform(0, longest)  # noqa: S311

    def wake(self) -> None:
        """Let all listeners look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self) -> None:
        await self._changed.wait()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have this tree looked at after each commit."""
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
