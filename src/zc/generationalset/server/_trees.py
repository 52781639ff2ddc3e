"""The trees that are served: where each stands, and who waits for more."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from zc.generationalset.server._answers import (
    NOTHING,
    Answer,
    Position,
    Spool,
    nothing_new,
)
from zc.generationalset.server._database import Database
from zc.generationalset.server._metrics import Metrics
from zc.generationalset.server._problems import Problem
from zc.generationalset.server._reader import Reader
from zc.generationalset.server._turns import USER, Turns
from zc.generationalset.server._wakeups import Wakeups

#: Answers kept for a tree.
KEPT = 256
#: Trees remembered while nobody listens to them.
IDLE = 10_000
#: Positions of a tree that clients who follow it may have.
RECENT = 64

#: Listeners that should come in a second for a large answer, and for how many
#: seconds they are told to come, at most.
COMING = 200
LONGEST_SPREAD = 10.0

#: Epochs of which a tree remembers how far it had come.
EPOCHS = 8

logger = logging.getLogger('zc.generationalset.server')

_Key = tuple[Position, bool]


class Tree:
    """What is known of one tree without looking at the database."""

    def __init__(self, name: Hashable) -> None:
        self.name = name
        #: Where it was, None for a tree that isn't there,
        self.position: Position | None = None
        #: when so many commits had been made, or more.
        self.checked = -1
        #: Epoch -> the generation that was last seen of it.
        self.seen: OrderedDict[str | None, int] = OrderedDict()
        #: How many event streams and long polls are open.
        self.listeners = 0
        self.answers: OrderedDict[_Key, Answer] = OrderedDict()
        #: Large answers that are being written to their files, perhaps.
        self.copies: dict[_Key, Spool] = {}
        #: Answers in the making, and the number of commits when it began.
        self.making: dict[_Key, tuple[int, asyncio.Task[Answer]]] = {}
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
                self.answers.clear()
                self.wake()

    def _remember(self, position: Position | None) -> None:
        if position is not None:
            self.seen[position.epoch] = position.generation
            self.seen.move_to_end(position.epoch)
            if len(self.seen) > EPOCHS:
                self.seen.popitem(last=False)

    def keep(self, key: _Key, answer: Answer) -> None:
        if answer.large is not None:
            self.copies = {key: copy for key, copy in self.copies.items()
                           if not copy.complete}
            self.copies[key] = answer.large
        if answer.tree != self.position:
            return
        self.answers[key] = answer
        while len(self.answers) > KEPT:
            self.answers.popitem(last=False)

    def kept(self, key: _Key, count: int) -> Answer | None:
        """Return an answer that has seen so many commits.

        It also will do if it has seen fewer, but nothing changed since.
        """
        answer = self.answers.get(key)
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


class Trees:
    """All trees, kept current; made and used in an event loop.

    pace
        Seconds between two looks at the database: changes in between are
        pushed together.
    heartbeat
        Seconds after which streams are woken without a change.
    """

    def __init__(
            self, db: Any, find: Callable[[Any, Any], Any],
            default: Callable[[Any], Any] | None, pace: float,
            heartbeat: float, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._heartbeat = heartbeat
        self._trees: dict[Hashable, Tree] = {}
        self._committed = asyncio.Event()
        self._told = False
        #: Somebody wants to know how the database is, perhaps.
        self.looking: asyncio.Task[Position | None] | None = None
        self._metrics = metrics
        self.wakeups = Wakeups(db, self._tell)
        self.database = Database(db, self.wakeups, metrics)
        #: What parses bodies.  Python runs one thread at a time, but a second
        #: one lets another user's go on meanwhile.
        self.parsing = Turns('gset-parse', 2, 1)
        self.reader = Reader(self.database, find, default, self._loop)
        self._tasks = [self._loop.create_task(self._follow()),
                       self._loop.create_task(self._beat())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.abandon)

    def abandon(self) -> None:
        """Close without the event loop, which is gone, perhaps.

        What is being read or written goes to its end.
        """
        self.wakeups.close()
        self.database.close()
        self.parsing.close()
        self.reader.close()

    def tree(self, name: Hashable) -> Tree:
        tree = self._trees.get(name)
        if tree is None:
            if len(self._trees) >= IDLE:
                self._trees = {name: tree for name, tree
                               in self._trees.items() if tree.listeners}
            tree = self._trees[name] = Tree(name)
        return tree

    # Following the database

    def _tell(self) -> None:
        """Be told of a commit, in any thread."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._told = False
        self._committed.set()
        self._metrics.wakeups.inc()

    async def _follow(self) -> None:
        """See what changed, after each burst of commits."""
        USER.set(None)  # not the one whose request was the first
        while True:
            await self._committed.wait()
            self._committed.clear()
            trees = [tree for tree in self._trees.values() if tree.listeners
                     and tree.checked < self.wakeups.count]
            if trees:
                await self._look_at(trees)
            await asyncio.sleep(self._pace)

    async def _look_at(self, trees: list[Tree]) -> None:
        try:
            count, positions = await self.database.read(
                self.reader.positions, [tree.name for tree in trees])
        except Exception:
            # The next commit, or heartbeat, tries again.
            logger.exception('could not look what changed')
            return
        for tree, position in zip(trees, positions, strict=True):
            await self.learn(tree, position, count)

    # Changes that were taken back

    async def learn(
            self, tree: Tree, position: Position | None, count: int) -> None:
        """Note what was read; renew the epoch if the generation fell.

        The numbers of the changes that were taken back, by an undo or with an
        older database, are given again, to other changes.
        """
        if position is not None and tree.has_fallen(position, count):
            await self._renew(tree, position.epoch)
        else:
            tree.learn(position, count)

    async def _renew(self, tree: Tree, epoch: str | None) -> None:
        if tree.renewal is None:
            tree.renewal = self._loop.create_task(self._renewal(
                tree, Position(epoch, tree.seen[epoch])))
        await asyncio.shield(tree.renewal)

    async def _renewal(self, tree: Tree, seen: Position) -> None:
        try:
            epoch, _ = await self.database.write(
                lambda root: self.reader.renew(root, tree.name, seen), None)
            if epoch is not None:
                logger.warning(
                    'tree %r: the generation has fallen below %s; its epoch '
                    'is %s now, and all clients start over', tree.name, seen,
                    epoch)
            count, [position] = await self.database.read(
                self.reader.positions, [tree.name])
            tree.learn(position, count)
        except Problem as problem:
            logger.error(
                'tree %r: could not renew the epoch: %s', tree.name, problem)
            tree.position = None
        except Exception:
            logger.exception('tree %r: could not renew the epoch', tree.name)
            tree.position = None
            tree.seen.clear()
        finally:
            tree.renewal = None

    async def _beat(self) -> None:
        """Wake all listeners now and then, and look, were a call lost."""
        while True:
            await asyncio.sleep(self._heartbeat)
            self.wakeups.look()
            self.wake()

    def wake(self) -> None:
        """Let all listeners of all trees look again."""
        for tree in self._trees.values():
            tree.wake()

    # Answers

    async def answer(
            self, tree: Tree, asked: Position, compressed: bool = False,
            fresh: bool = True) -> Answer:
        """Return the answer to a question.

        With ``fresh`` it has all that was committed before; otherwise what
        is known of the tree, at least.
        """
        count = self.wakeups.count if fresh else tree.checked
        key = asked, compressed
        while True:
            if tree.position == asked and tree.checked >= count:
                self._metrics.shared.inc()
                return nothing_new(asked, tree.checked)
            answer = tree.kept(key, count)
            if answer is not None:
                self._metrics.shared.inc()
                return answer
            if tree.is_foreign(asked):
                answer = await self._reset(tree, asked, compressed, fresh)
                if answer is not None:
                    return answer
            copy = tree.copies.get(key)
            if copy is None or copy.complete:
                return await asyncio.shield(self._making(tree, key, count))
            # Large answers are made one after the other, each for all who
            # came since the one before it was begun.
            await copy.wait()

    async def _reset(
            self, tree: Tree, asked: Position, compressed: bool, fresh: bool,
    ) -> Answer | None:
        """Return the answer to a client of another epoch.

        None if the tree is in that epoch now: another process, which this one
        is a little behind, may have renewed it.
        """
        if self.database.may_be_behind:
            await self.database.read(self.database.catch_up)
            fresh = True
        whole = await self.answer(tree, NOTHING, compressed, fresh)
        if whole.large is None and whole.compressed:
            whole = await self.answer(tree, NOTHING, False, fresh)
        if whole.tree.epoch == asked.epoch:
            return None
        answer = whole.reset(asked)
        if answer.large is None:
            tree.keep((asked, compressed), answer)
        return answer

    def _making(
            self, tree: Tree, key: _Key, count: int) -> asyncio.Task[Answer]:
        began, task = tree.making.get(key, (-1, None))
        if task is None or began < count:
            task = self._loop.create_task(self._make(tree, key))
            task.add_done_callback(look_at_error)
            tree.making[key] = self.wakeups.count, task
            self._metrics.made.inc()
        else:
            self._metrics.shared.inc()
        return task

    async def _make(self, tree: Tree, key: _Key) -> Answer:
        this = asyncio.current_task()
        if tree.is_common(key[0]):
            # It doesn't wait for whatever else the first to ask has asked.
            USER.set(('everybody', tree.name))
        try:
            answer = await self.database.read(
                self.reader.answer, tree.name, *key, tree.has_fallen)
        finally:
            if tree.making.get(key, (0, None))[1] is this:
                del tree.making[key]
        another = answer.is_unwanted or tree.has_fallen(
            answer.tree, answer.count)
        await self.learn(tree, answer.tree, answer.count)
        now = tree.position
        if another or (now is not None and now.epoch != answer.tree.epoch):
            return await self.answer(tree, *key)
        tree.keep(key, answer)
        return answer


def look_at_error(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from logging an error that all askers were told of."""
    with suppress(asyncio.CancelledError):
        task.exception()
