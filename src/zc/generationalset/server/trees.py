"""The trees that are served: their positions, and their answers."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Hashable
from contextlib import suppress
from typing import Any

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer, nothing_new
from zc.generationalset.server.cache import Cache, Question
from zc.generationalset.server.encoding import Encoder
from zc.generationalset.server.jobs import Jobs
from zc.generationalset.server.metrics import Metrics
from zc.generationalset.server.news import News, position
from zc.generationalset.server.options import Options
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.spool import Spools
from zc.generationalset.server.tree import Tree
from zc.generationalset.server.turns import USER, Turns
from zc.generationalset.server.writes import Writes
from zc.generationalset.sources import Source

#: How many trees without listeners are remembered.
IDLE = 10_000

logger = logging.getLogger('zc.generationalset.server')


class Trees:
    """All trees, kept current; made and used in an event loop.

    source
        The source of the trees.
    options
        The options of the application.
    """

    def __init__(
            self, source: Source, options: Options, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        #: In the order of their last use, the latest last.
        self._trees: OrderedDict[Hashable, Tree] = OrderedDict()
        self._cache = Cache()
        self.spools = Spools(options.limits.copies, self._cache.close_files)
        self._committed = asyncio.Event()
        self._told = False
        #: The task that checks the database, if there is one.
        self.looking: asyncio.Task[Position | None] | None = None
        self._metrics = metrics
        self.source = source
        self._end_listening = source.listen(self._tell)
        self.jobs = Jobs()
        #: The threads that parse bodies.  Python runs one thread at a time,
        #: but a second thread lets another user's body go on meanwhile.
        self.parsing = Turns('gset-parse', 2, 1)
        self.encoder = Encoder(
            source, options.default, self._loop, self.spools)
        self.writes = Writes(source, self.encoder, self.jobs)
        self._tasks: set[asyncio.Task[None]] = set()
        self.start(self._follow())
        self.start(self._beat())

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work that ends when the trees are closed, at the latest."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self.abandon)

    def abandon(self) -> None:
        """Close without the event loop, which may be gone.

        Jobs that are reading or writing go on to their ends.
        """
        self._end_listening()
        self.writes.close()
        self.jobs.close()
        self.parsing.close()
        self.encoder.close()

    def tree(self, name: Hashable) -> Tree:
        tree = self._trees.get(name)
        if tree is None:
            if len(self._trees) >= IDLE:
                self._forget_one()
            tree = self._trees[name] = Tree(name, self._cache)
        self._trees.move_to_end(name)
        return tree

    def _forget_one(self) -> None:
        for tree in self._trees.values():
            if not tree.listeners:
                del self._trees[tree.name]
                break

    # Following the database

    def _tell(self) -> None:
        """Note a commit; called in any thread.

        Only the first commit of a burst wakes the event loop, because that
        holds up the thread that commits.
        """
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._committed.set()
        self._metrics.wakeups.inc()

    async def _follow(self) -> None:
        """After each burst of commits, look what changed."""
        USER.set(None)  # not the user whose request came first
        while True:
            await self._committed.wait()
            self._committed.clear()
            count = self.source.count
            trees = [tree for tree in self._trees.values()
                     if tree.is_behind(count)]
            if trees:
                await self._look_at(trees)
            await asyncio.sleep(self._options.pace)
            self._told = False
            if self.source.count != count:
                self._committed.set()

    async def _look_at(self, trees: list[Tree]) -> None:
        try:
            news = [News(tree) for tree in trees]
            await self.jobs.read(self._read_news, news)
        except Exception:
            # The next commit, or heartbeat, tries again.
            logger.exception('could not look what changed')
            return
        for each in news:
            await self.learn(each.tree, each.position, each.count)
            each.tell()

    def _read_news(self, news: list[News]) -> None:
        with self.source.snapshot() as snapshot:
            for each in news:
                each.read(snapshot)

    def positions(
            self, names: list[Hashable]) -> tuple[int, list[Position | None]]:
        """Return the positions of trees, None for those that are gone.

        Runs in a thread.  The number is that of the commits that this has
        seen.
        """
        with self.source.snapshot() as snapshot:
            return snapshot.count, [
                position(snapshot, name) for name in names]

    # Changes that were taken back

    async def learn(
            self, tree: Tree, position: Position | None, count: int) -> None:
        """Note a position that was read; renew the epoch if it fell.

        An undo, or an older database, takes changes back.  Their numbers will
        be given again, to other changes.
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
            epoch = await self.jobs.write(
                self.source.renew, tree.name, seen)
            if epoch is not None:
                logger.warning(
                    'tree %r: the generation has fallen below %s; its epoch '
                    'is %s now, and all clients start over', tree.name, seen,
                    epoch)
            count, [position] = await self.jobs.read(
                self.positions, [tree.name])
            tree.learn(position, count)
        except Problem as problem:
            logger.error(
                'tree %r: could not renew the epoch: %s', tree.name, problem)
            tree.whole.position = None
        except Exception:
            logger.exception('tree %r: could not renew the epoch', tree.name)
            tree.whole.position = None
            tree.seen.clear()
        finally:
            tree.renewal = None

    async def _beat(self) -> None:
        """Wake all listeners now and then, in case a call was lost."""
        while True:
            await asyncio.sleep(self._options.heartbeat)
            self.source.look()
            self.wake()
            self._cache.expire()

    def wake(self) -> None:
        """Make all listeners of all trees look again."""
        for tree in self._trees.values():
            tree.wake()

    # Answers

    async def answer(
            self, tree: Tree, asked: Position, compressed: bool = False,
            parts: Parts = (), *, cursor: str | None = None) -> EncodedAnswer:
        """Return the answer to a question, or the page at a cursor.

        It has everything that was committed before.
        """
        return await self._noted(tree, Question(
            tree.name, asked, compressed, False, parts, cursor), True)

    async def event(
            self, tree: Tree, asked: Position, parts: Parts = (),
            fresh: bool = True) -> EncodedAnswer:
        """Return the answer for an event stream.

        A large answer isn't made, because the client is told to ask.  With
        ``fresh``, the answer has everything that was committed before;
        otherwise, at least what is known of the tree.
        """
        return await self._noted(
            tree, Question(tree.name, asked, False, True, parts), fresh)

    async def _noted(
            self, tree: Tree, question: Question, fresh: bool,
    ) -> EncodedAnswer:
        """Return an answer, and let those who listen to its parts know it."""
        answer = await self._answer(tree, question, fresh)
        group = tree.groups.get(question.parts)
        if question.parts and group is not None:
            group.note(answer)
            if group.checked < self.source.count:
                self._committed.set()
        return answer

    async def _answer(
            self, tree: Tree, question: Question, fresh: bool,
    ) -> EncodedAnswer:
        asked, parts = question.asked, question.parts
        group = tree.groups.get(parts) if parts else tree.whole
        count = self.source.count if fresh else tree.checked
        while True:
            if group and not question.cursor and group.is_current(asked) and (
                    not fresh or group.checked >= count):
                self._metrics.shared.inc()
                if question.streamed:  # nobody is sent the text
                    return EncodedAnswer(asked, asked, asked, group.checked,
                                         lists_nothing=True)
                return nothing_new(asked, parts, group.checked)
            answer = await self._kept(tree, question, count)
            if answer is not None:
                self._metrics.shared.inc()
                return answer
            if tree.is_foreign(asked) and not question.cursor:
                answer = await self._reset(tree, question, fresh)
                if answer is not None:
                    return answer
            copy = tree.copies.get(question)
            if copy is None or copy.complete:
                return await asyncio.shield(
                    self._shared_task(tree, question, count))
            # Large answers are made one after the other; each is for all
            # clients that came since the last one was begun.
            await copy.wait()

    async def _kept(
            self, tree: Tree, question: Question, count: int,
    ) -> EncodedAnswer | None:
        """Return an answer that is kept, if it has seen all commits.

        For a large one, this looks whether those have changed the tree,
        because it would take long to make it again.
        """
        answer = tree.kept(question, count)
        if answer is None and tree.keeps_large(question):
            await asyncio.shield(self._shared_look(tree, count))
            answer = tree.kept(question, count)
        return answer

    def _shared_look(self, tree: Tree, count: int) -> asyncio.Task[None]:
        """Look, once for all who come meanwhile: there may be thousands."""
        began, task = tree.look
        if task is None or task.done() or began < count:
            task = self._loop.create_task(self._look(tree))
            task.add_done_callback(look_at_error)
            tree.look = self.source.count, task
        return task

    async def _look(self, tree: Tree) -> None:
        USER.set(('everybody', tree.name))
        count, [position] = await self.jobs.read(self.positions, [tree.name])
        await self.learn(tree, position, count)

    async def _reset(
            self, tree: Tree, question: Question, fresh: bool,
    ) -> EncodedAnswer | None:
        """Return the answer to a client of another epoch.

        None if the tree is now in that epoch: this process may be a little
        behind another one, which has renewed the epoch.
        """
        if self.source.may_be_behind:
            await self.jobs.read(self.source.catch_up)
            fresh = True
        everything = question._replace(asked=NOTHING)
        whole = await self._answer(tree, everything, fresh)
        if whole.large is None and whole.compressed:
            whole = await self._answer(
                tree, everything._replace(compressed=False), fresh)
        if whole.tree.epoch == question.asked.epoch:
            return None
        answer = whole.reset(question.asked)
        if answer.large is None:
            tree.keep(question, answer)
        return answer

    def _shared_task(
            self, tree: Tree, question: Question, count: int,
    ) -> asyncio.Task[EncodedAnswer]:
        began, task = tree.making.get(question, (-1, None))
        if task is None or began < count:
            task = self._loop.create_task(self._make(tree, question))
            task.add_done_callback(look_at_error)
            tree.making[question] = self.source.count, task
            self._metrics.made.inc()
        else:
            self._metrics.shared.inc()
        return task

    async def _make(self, tree: Tree, question: Question) -> EncodedAnswer:
        this = asyncio.current_task()
        if tree.is_common(question):
            # The job doesn't wait for other jobs of the first user to ask.
            USER.set(('everybody', tree.name))
        try:
            answer = await self.jobs.read(
                self.encoder.answer, question, tree.has_fallen)
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
            return await self._answer(tree, question, True)
        tree.keep(question, answer)
        return answer


def look_at_error(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from logging an error that all who asked were told."""
    with suppress(asyncio.CancelledError):
        task.exception()
