"""A group: all who listen to the same parts of a tree, or to a whole tree."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from zc.generationalset.answers import Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer

if TYPE_CHECKING:
    from zc.generationalset.server.audience import Audience


class Group:
    """Those who listen to the same; they are woken together.

    A change elsewhere in the tree doesn't wake them.  So they may be at
    different positions, and have everything nevertheless.
    """

    def __init__(self, parts: Parts = ()) -> None:
        self.parts = parts
        #: How many event streams and long polls are open.
        self.listeners = 0
        #: The last position of the tree that was read; None if it isn't known,
        #: or there is no tree.
        self.position: Position | None = None
        #: How many commits there were then, at least.
        self.checked = -1
        #: Since this position, nothing has changed in the parts.
        self.news: Position | None = None
        #: The same before the last change.
        self._before: Position | None = None
        self._changed = asyncio.Event()
        #: The event streams, if there are any.
        self.audience: Audience | None = None

    def is_current(self, asked: Position) -> bool:
        """Tell whether a client has everything, as far as known."""
        return (self.position is not None and self.news is not None
                and asked.epoch == self.news.epoch
                and self.news.generation <= asked.generation
                <= self.position.generation)

    def is_quiet(self, news: Position | None, asked: Position) -> bool:
        """Tell whether a client to which nothing was told may wait.

        An answer may be older than what is known meanwhile.

        news
            ``self.news`` as it was before the client asked.
        asked
            The client's position.
        """
        lacks = (news is not None and asked.epoch == news.epoch
                 and asked.generation < news.generation)
        return self.news == news and not lacks

    def shared(self, asked: Position) -> Position:
        """Return the position from which a listener's next event begins.

        It is the same for all who had everything before the last change.
        """
        before, news = self._before, self.news
        is_between = (
            before is not None and news is not None
            and before.epoch == asked.epoch == news.epoch
            and before.generation < asked.generation < news.generation)
        return before if before is not None and is_between else asked

    def learn(
            self, position: Position | None, count: int, has_news: bool,
    ) -> None:
        """Note a position of the tree that was read after ``count`` commits.

        has_news
            Whether something changed in the parts since the last position.
        """
        if count < self.checked:
            return
        old, self.position, self.checked = self.position, position, count
        if position != old and (
                has_news or old is None or position is None
                or position.epoch != old.epoch):
            self._before, self.news = self.news, position
            self.wake()

    def note(self, answer: EncodedAnswer) -> None:
        """Note what an answer for the parts says of them."""
        tree, asked = answer.tree, answer.asked
        if self.position is None:
            self.position, self.checked = tree, answer.count
            self.news = asked if answer.lists_nothing else tree
        elif (answer.lists_nothing and answer.count >= self.checked
                and self.news is not None
                and asked.epoch == tree.epoch == self.position.epoch
                and asked.generation <= self.position.generation
                <= tree.generation):
            self.position, self.checked = tree, answer.count
            self.news = min(self.news, asked, key=lambda each: each.generation)

    def wake(self) -> None:
        """Make all listeners look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if self.audience is not None:
            self.audience.wake()

    async def wait(self) -> None:
        await self._changed.wait()
