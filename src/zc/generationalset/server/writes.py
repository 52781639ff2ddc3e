"""Writes: those that wait for each other are made together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any, NamedTuple, TypeAlias

from zc.generationalset.server.answer import EncodedAnswer
from zc.generationalset.server.cache import Question
from zc.generationalset.server.encoding import Encoder
from zc.generationalset.server.jobs import Jobs
from zc.generationalset.server.queues import Queue
from zc.generationalset.server.turns import USER
from zc.generationalset.sources import Outcome, Source, Write

#: The most changes that are made together.
MOST = 64
#: Writes with more changes than this are made alone.
LARGE = 32
#: How many are told at once that their writes are made.
FEW = 2

#: What a write returns, and the answer that comes with it, if any.
Written: TypeAlias = 'tuple[Any, EncodedAnswer | None]'
Answers: TypeAlias = 'dict[Question, EncodedAnswer]'

logger = logging.getLogger('zc.generationalset.server')


class _Waiting(NamedTuple):
    """A write that waits for its turn."""

    write: Write
    #: How many changes of the tree it makes.
    size: int
    question: Question | None
    done: asyncio.Future[tuple[Outcome, EncodedAnswer | None]]


@contextmanager
def _failing() -> Iterator[None]:
    """Log an error."""
    try:
        yield
    except Exception:
        logger.exception('could not read the updates after a write')


class Writes:
    """Makes the writes of all users; made and used in an event loop.

    No write waits for others on purpose.  While one thread makes some writes,
    more come, and these it makes next, in one transaction.
    """

    def __init__(
            self, source: Source, encoder: Encoder, jobs: Jobs) -> None:
        self._source = source
        self._encoder = encoder
        self._jobs = jobs
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, 'gset-group')
        self._queue: Queue[_Waiting] = Queue()
        self._busy = False

    def close(self) -> None:
        self._thread.shutdown()

    async def make(
            self, write: Write, size: int | None, question: Question | None,
    ) -> Written:
        """Make a write; return what its change returns, and an answer.

        size
            How many changes of the tree it makes.  None if it must have a
            transaction of its own.
        question
            What the client wants to know afterwards, if anything.

        The answer is None if nothing was asked, or if it could not be read,
        and has no body if it is large.
        """
        if (size is None or size > LARGE
                or not self._source.shares_transactions):
            return await self._jobs.write(self._made_alone, write, question)
        context = copy_context()
        change = write._replace(
            change=lambda editor: context.run(write.change, editor))
        done = self._loop.create_future()
        with self._jobs.waiting():
            self._queue.put(
                USER.get(), _Waiting(change, size, question, done))
            if not self._busy:
                self._next()
            outcome, answer = await done
            return outcome.get(), answer

    def _next(self) -> None:
        """Make the writes that wait, or as many as fit into a transaction."""
        group = []
        room = MOST
        while room > 0 and (taken := self._queue.take()):
            _, waiting = taken
            if not waiting.done.cancelled():  # its client is there
                group.append(waiting)
                room -= waiting.size
        self._busy = bool(group)
        if not group:
            return
        try:
            self._thread.submit(self._make, group)
        except RuntimeError as error:  # the server has ended
            self._finish(group, [Outcome(error=error)] * len(group), {})

    # In threads

    def _made_alone(
            self, write: Write, question: Question | None) -> Written:
        result = self._source.write(*write)
        if question is None:
            return result, None
        return result, self._answers({question}).get(question)

    def _make(self, group: list[_Waiting]) -> None:
        try:
            outcomes = self._source.write_all([each.write for each in group])
            answers = self._answers({
                waiting.question
                for waiting, outcome in zip(group, outcomes, strict=True)
                if waiting.question is not None and outcome.error is None})
        except BaseException as error:
            outcomes, answers = [Outcome(error=error)] * len(group), {}
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(
                self._finish, group, outcomes, answers)

    def _answers(self, questions: set[Question]) -> Answers:
        """Return the answers, from one snapshot, except those that fail.

        The changes are written, so the clients must not get an error.
        """
        answers: Answers = {}
        if questions:
            with _failing(), self._source.snapshot() as snapshot:
                for question in questions:
                    with _failing():
                        answers[question] = self._encoder.small_answer(
                            snapshot, question)
        return answers

    # In the event loop again

    def _finish(
            self, group: list[_Waiting], outcomes: list[Outcome],
            answers: Answers) -> None:
        self._next()
        self._tell(list(zip(group, outcomes, strict=True)), answers)

    def _tell(
            self, told: list[tuple[_Waiting, Outcome]], answers: Answers,
    ) -> None:
        """Tell the first few what came of their writes, and the others later.

        So the event loop serves others, such as readers, in between.
        """
        for waiting, outcome in told[:FEW]:
            if not waiting.done.done():
                answer = waiting.question and answers.get(waiting.question)
                waiting.done.set_result((outcome, answer))
        if len(told) > FEW:
            self._loop.call_soon(self._tell, told[FEW:], answers)
