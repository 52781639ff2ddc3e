"""The trees that are served: where each stands, and who waits for more."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.server._database import Database
from zc.generationalset.server._wakeups import Wakeups
from zc.generationalset.server.answer import Answer, nothing_new
from zc.generationalset.server.cache import Kept, Question
from zc.generationalset.server.encoding import Reader
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.spool import Spools
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER, Turns

#: Trees remembered while nobody listens to them.
IDLE = 10_000

logger = logging.getLogger('zc.generationalset.server')


class Trees:
    """All trees, kept current; made and used in an event loop.

    pace
        Seconds between two looks at the database: changes in between are
        pushed together.
    heartbeat
        Seconds after which streams are woken without a change.
    size
        Bytes of all files with large answers.
    """

    def __init__(
            self, db: Any, find: Callable[[Any, Any], Any],
            default: Callable[[Any], Any] | None, pace: float,
            heartbeat: float, size: int, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._heartbeat = heartbeat
        #: Those that were used last are the last ones.
        self._trees: OrderedDict[Hashable, Tree] = OrderedDict()
        self._kept = Kept()
        self.spools = Spools(size, self._kept.close_files)
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
        self.reader = Reader(self.database, find, default, self._loop,
                             self.spools)
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
                self._forget_one()
            tree = self._trees[name] = Tree(name, self._kept)
        self._trees.move_to_end(name)
        return tree

    def _forget_one(self) -> None:
        for tree in self._trees.values():
            if not tree.listeners:
                del self._trees[tree.name]
                break

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
            self._kept.expire()

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
        question = Question(tree.name, asked, compressed)
        while True:
            if tree.position == asked and tree.checked >= count:
                self._metrics.shared.inc()
                return nothing_new(asked, tree.checked)
            answer = tree.kept(question, count)
            if answer is not None:
                self._metrics.shared.inc()
                return answer
            if tree.is_foreign(asked):
                answer = await self._reset(tree, asked, compressed, fresh)
                if answer is not None:
                    return answer
            copy = tree.copies.get(question)
            if copy is None or copy.complete:
                return await asyncio.shield(
                    self._making(tree, question, count))
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
            tree.keep(Question(tree.name, asked, compressed), answer)
        return answer

    def _making(
            self, tree: Tree, question: Question, count: int,
    ) -> asyncio.Task[Answer]:
        began, task = tree.making.get(question, (-1, None))
        if task is None or began < count:
            task = self._loop.create_task(self._make(tree, question))
            task.add_done_callback(look_at_error)
            tree.making[question] = self.wakeups.count, task
            self._metrics.made.inc()
        else:
            self._metrics.shared.inc()
        return task

    async def _make(self, tree: Tree, question: Question) -> Answer:
        this = asyncio.current_task()
        if tree.is_common(question.asked):
            # It doesn't wait for whatever else the first to ask has asked.
            USER.set(('everybody', tree.name))
        try:
            answer = await self.database.read(
                self.reader.answer, *question, tree.has_fallen)
        except Problem:
            if tree.position is None and not tree.listeners:
                # Names that lead to nothing aren't remembered.
                self._trees.pop(tree.name, None)
            raise
        finally:
            if tree.making.get(question, (0, None))[1] is this:
                del tree.making[question]
        another = answer.is_unwanted or tree.has_fallen(
            answer.tree, answer.count)
        await self.learn(tree, answer.tree, answer.count)
        now = tree.position
        if another or (now is not None and now.epoch != answer.tree.epoch):
            return await self.answer(tree, question.asked, question.compressed)
        tree.keep(question, answer)
        return answer


def look_at_error(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from logging an error that all askers were told of."""
    with suppress(asyncio.CancelledError):
        task.exception()
