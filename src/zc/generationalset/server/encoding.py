"""Making answers: reading them from a source, in threads, and encoding."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, LargeAnswer, Position
from zc.generationalset.parts import Path
from zc.generationalset.server.answer import (
    SMALL,
    WHOLE,
    EncodedAnswer,
    Large,
    beginning,
    changed_parts,
)
from zc.generationalset.server.cache import Question
from zc.generationalset.server.compression import Deflated
from zc.generationalset.server.copies import Copies
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.spool import Spools
from zc.generationalset.sources import Snapshot, Source

#: The least bytes for which compression is worth while.
COMPRESSIBLE = 1000
#: The most entries of a page.
PAGE = 1000
#: The most unsendable items that are remembered as logged.
REPORTED = 1000

logger = logging.getLogger('zc.generationalset.server')


@dataclass(frozen=True, eq=False)
class Begun:
    """An answer whose beginning is encoded.

    The members before ``first`` are those of an EncodedAnswer.
    """

    asked: Position
    position: Position
    tree: Position
    count: int
    first: bytes
    #: The rest; None if there is no more.
    rest: Iterator[bytes] | None
    #: The snapshot from which the rest is read.
    snapshot: Snapshot
    #: Whether the client starts over.
    is_reset: bool
    #: Whether nothing changed in the parts that the client has.
    lists_nothing: bool

    @property
    def is_foreign(self) -> bool:
        """Whether the client comes from another epoch."""
        return (self.asked.generation != 0
                and self.asked.epoch != self.tree.epoch)

    def answer(self, body: bytes = b'', **others: Any) -> EncodedAnswer:
        return EncodedAnswer(
            self.asked, self.position, self.tree, self.count, body,
            lists_nothing=self.lists_nothing, **others)


class Encoder:
    """Encodes the answers of a source."""

    def __init__(
            self, source: Source, default: Callable[[Any], Any] | None,
            loop: asyncio.AbstractEventLoop, spools: Spools) -> None:
        self._source = source
        self._default = default
        self._loop = loop
        self._spools = spools
        self._copies = Copies()
        #: Items that can't be sent, and were logged.
        self._reported: set[tuple[Hashable, str, type]] = set()

    def close(self) -> None:
        self._copies.close()

    def answer(
            self, question: Question,
            has_fallen: Callable[[Position, int], bool]) -> EncodedAnswer:
        """Make an answer; go on in another thread if it is large.

        A large answer for an event stream isn't made, and is marked as too
        large.

        If the generation of the tree has fallen, or the client is of another
        epoch, the answer isn't made, and is marked as unwanted: then an answer
        will be made that many can share.
        """
        compressed, streamed = question.compressed, question.streamed
        with ExitStack() as stack:
            begun = self._begin(stack, question)
            if begun.is_foreign or has_fallen(begun.tree, begun.count):
                return begun.answer(is_unwanted=True)
            if begun.rest is not None and streamed:
                return begun.answer(is_too_large=True)
            if begun.rest is not None:
                answer = self._copy(begun, begun.rest, compressed)
                stack.pop_all()  # the thread that copies closes the snapshot
                return answer
        if compressed and len(begun.first) >= COMPRESSIBLE:
            return begun.answer(
                gzip.compress(begun.first, 6, mtime=0), compressed=True)
        return begun.answer(begun.first)

    def small_answer(
            self, snapshot: Snapshot, question: Question) -> EncodedAnswer:
        """Make an answer from a snapshot; without a body if it is large."""
        begun = self._begun(snapshot, question)
        if self._may_lack(begun):
            self._source.catch_up()
            with self._source.snapshot() as later:
                begun = self._begun(later, question)
        return begun.answer(begun.first if begun.rest is None else b'')

    def _begin(self, stack: ExitStack, question: Question) -> Begun:
        """Encode an answer, or only its beginning if it is large.

        stack
            Closes the snapshot in the end; it has nothing else.
        """
        begun = self._begun(
            stack.enter_context(self._source.snapshot()), question)
        if self._may_lack(begun):
            stack.close()
            self._source.catch_up()
            begun = self._begun(
                stack.enter_context(self._source.snapshot()), question)
        return begun

    def _may_lack(self, begun: Begun) -> bool:
        """Tell whether an answer may lack what its client knows already.

        This process may be a little behind another one, which may have told
        the client of a generation or an epoch that isn't here yet.  So this
        process catches up before it tells anybody to start over.
        """
        return begun.is_reset and self._source.may_be_behind

    def _begun(self, snapshot: Snapshot, question: Question) -> Begun:
        updates, first, rest = self._updates(snapshot, question)
        return Begun(
            question.asked,
            Position(updates['epoch'], updates['generation']),
            snapshot.position(question.tree), snapshot.count, first, rest,
            snapshot, 'reset' in updates,
            'parts' in updates and not changed_parts(updates))

    def _updates(
            self, snapshot: Snapshot, question: Question,
    ) -> tuple[Answer, bytes, Iterator[bytes] | None]:
        """Return an answer, or a page, and its encoded beginning and rest.

        A client that takes pages gets one if the answer is large.
        """
        name, asked, cursor = question.tree, question.asked, question.cursor
        unreadable = partial(self.unreadable, name)
        if not cursor:
            updates = snapshot.updates(name, asked, question.parts)
            is_whole = 'contents' in updates or not updates['since']
            most = WHOLE if is_whole and cursor is None else SMALL
            first, rest = self._first(updates, most, unreadable)
            if rest is None or cursor is None:
                return updates, first, rest
        limit = PAGE
        while True:
            updates = snapshot.page(name, asked, cursor, limit)
            first, rest = self._first(updates, SMALL, unreadable)
            if rest is None or limit == 1:
                return updates, first, rest
            limit = max(1, limit // 4)  # the page was too large

    def _first(
            self, updates: Answer, most: int, unreadable: wire.Unreadable,
    ) -> tuple[bytes, Iterator[bytes] | None]:
        """Encode the beginning, and the rest, too, if that is small.

        If it takes long to find the beginning, that is in the rest.
        """
        first, size = [], 0
        chunks = _told(wire.encode_chunks(
            updates, self._default, unreadable=unreadable))
        if isinstance(updates, LargeAnswer):
            return b'', chunks
        for chunk in chunks:
            first.append(chunk)
            size += len(chunk)
            if size > most:
                return b''.join(first), chunks
        return b''.join(first), None

    def unreadable(
            self, name: Hashable, path: Path, error: Exception) -> None:
        """Log, once, an item that can't be encoded.

        Raises the error if the item can't be read, because it may be readable
        later.
        """
        known = name, repr(path), type(error)
        if known not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(known)
            logger.error('tree %r: the item at %s can not be sent: %s: %s',
                         name, shown_path(path), type(error).__name__, error,
                         exc_info=error)
        if isinstance(error, self._source.failures):
            raise error

    def _copy(
            self, begun: Begun, rest: Iterator[bytes], compressed: bool,
    ) -> EncodedAnswer:
        """Let another thread write the whole answer to a file."""
        is_whole = begun.asked == NOTHING
        head = beginning(begun.position, NOTHING) if is_whole else b''
        chunks = _within_memory(
            chain([begun.first.removeprefix(head)], rest), begun.snapshot)
        deflated = Deflated(chunks) if compressed else None
        spool = self._spools.make(self._loop, deflated)

        def copy() -> None:
            try:
                with begun.snapshot:
                    spool.write(deflated or chunks)
            except Exception:
                logger.exception('could not encode all contents')

        try:
            self._copies.submit(is_whole, copy)
        except BaseException:  # too many wait, or the server has ended
            spool.close()  # now, not when the traceback is garbage
            raise
        return begun.answer(large=Large(head, spool), compressed=compressed)


def shown_path(path: Path) -> str:
    """Return ids as in a URL; ids without such a form as Python shows them."""
    try:
        return wire.encode_path(path)
    except (TypeError, ValueError):
        return repr(path)


def _within_memory(
        chunks: Iterator[bytes], snapshot: Snapshot) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        snapshot.trim()


def _told(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Turn the error for sets that are nested too deep into a Problem."""
    try:
        yield from chunks
    except wire.NestingError as error:
        logger.error('a tree can not be read: %s', error)
        raise Problem(500, f'this tree can not be read: {error}') from error
