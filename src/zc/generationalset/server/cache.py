"""The cache of answers, of all trees, for clients that ask the same."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from zc.generationalset.answers import Position
from zc.generationalset.parts import Parts
from zc.generationalset.server.answer import EncodedAnswer

#: The most bytes of small answers, and the most large answers, each of which
#: is an open file.
MEMORY = 32_000_000
FILES = 4
#: Bytes of an answer besides its body, roughly.
_REST = 1000
#: Seconds for which an answer is kept, or somewhat longer.
AGE = 60.0


class Question(NamedTuple):
    """What a client asks, of which tree, and how the answer is encoded."""

    tree: Hashable
    asked: Position
    compressed: bool
    #: Whether it is for an event stream, which takes no large answers.
    streamed: bool = False
    #: The parts that the client has; () for the whole tree.
    parts: Parts = ()
    #: Where the page begins, empty for the first one; None for a client that
    #: takes no pages.
    cursor: str | None = None


class _Entry(NamedTuple):
    answer: EncodedAnswer
    size: int
    since: float


class Cache:
    """Answers by question.

    The oldest answers go when there are too many, and each after some time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._small = _Some(MEMORY)
        self._large = _Some(FILES)
        self._clock = clock

    def get(self, question: Question) -> EncodedAnswer | None:
        return self._small.get(question) or self._large.get(question)

    def put(self, question: Question, answer: EncodedAnswer) -> None:
        if answer.large is None:
            # The body counts twice, because the event has it, too.
            some, size = self._small, 2 * len(answer.body) + _REST
        else:
            some, size = self._large, 1
        some.put(question, _Entry(answer, size, self._clock()))

    def forget(self, tree: Hashable) -> None:
        """Drop all answers of a tree."""
        for some in self._small, self._large:
            some.forget(tree)

    def expire(self) -> None:
        """Drop answers that are too old."""
        for some in self._small, self._large:
            some.expire(self._clock() - AGE)

    def close_files(self) -> None:
        """Drop all large answers, in any thread."""
        self._large = _Some(FILES)


class _Some:
    """Entries of one kind, the oldest first."""

    def __init__(self, most: int) -> None:
        self._rest = most
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self._of_trees: defaultdict[Hashable, set[Question]] = defaultdict(set)

    def get(self, question: Question) -> EncodedAnswer | None:
        entry = self._entries.get(question)
        return None if entry is None else entry.answer

    def put(self, question: Question, entry: _Entry) -> None:
        self._drop(question)
        self._entries[question] = entry
        self._of_trees[question.tree].add(question)
        self._rest -= entry.size
        while self._rest < 0:
            self._drop(next(iter(self._entries)))

    def forget(self, tree: Hashable) -> None:
        for question in list(self._of_trees.get(tree, ())):
            self._drop(question)

    def expire(self, before: float) -> None:
        for question, entry in list(self._entries.items()):
            if entry.since > before:
                break
            self._drop(question)

    def _drop(self, question: Question) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self._rest += entry.size
            questions = self._of_trees[question.tree]
            questions.discard(question)
            if not questions:
                del self._of_trees[question.tree]
