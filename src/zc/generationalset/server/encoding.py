"""What is read of the database, in threads: sets, positions and answers."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from transaction.interfaces import TransientError
from ZODB.POSException import POSError

from zc.generationalset import GenerationalSet, wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.interfaces import IServed
from zc.generationalset.server._database import Database, Snapshot
from zc.generationalset.server.answer import SMALL, WHOLE, Answer, beginning
from zc.generationalset.server.compression import Deflated
from zc.generationalset.server.copies import Copies
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.spool import Spools

#: Answers of fewer bytes are not worth compressing.
COMPRESSIBLE = 1000
#: Items that can't be sent, of which the log tells.
REPORTED = 1000

logger = logging.getLogger('zc.generationalset.server')


class Begun(NamedTuple):
    """An answer that is being made, from a snapshot."""

    snapshot: Snapshot
    answer: Answer
    first: list[bytes]
    #: None if there is no more.
    rest: Iterator[bytes] | None
    #: Whether the client starts over.
    is_reset: bool


class Reader:
    """Finds sets, and encodes their answers."""

    def __init__(
            self, database: Database, find: Callable[[Any, Any], Any],
            default: Callable[[Any], Any] | None,
            loop: asyncio.AbstractEventLoop, spools: Spools) -> None:
        self._database = database
        self._find = find
        self._default = default
        self._loop = loop
        self._spools = spools
        self._copies = Copies()
        #: Items that can't be sent, and are in the log.
        self._reported: set[tuple[Hashable, str, type]] = set()

    def close(self) -> None:
        self._copies.close()

    def find(self, root: Any, name: Hashable) -> Any:
        """Return the set of a name.  Raises a Problem if there is none."""
        try:
            gset = self._find(root, name)
        except POSError:
            raise  # it can't be read, which doesn't say that it isn't there
        except LookupError:
            gset = None
        if gset is None:
            raise Problem(404, 'there is no such tree')
        if not IServed.providedBy(gset):
            raise TypeError(
                f'expected find to return a GenerationalSet, got {gset!r}')
        return gset

    def writable(self, root: Any, name: Hashable) -> GenerationalSet:
        """Return the same for writing.  Raises a Problem for a mirror."""
        gset = self.find(root, name)
        if not isinstance(gset, GenerationalSet):
            raise Problem(403, 'this is a mirror, for reading; write to '
                          f'{gset.source}', source=gset.source)
        return gset

    def renew(self, root: Any, name: Hashable, seen: Any) -> str | None:
        """Renew the epoch of a tree that is behind what was seen of it.

        Return the new one; None if it isn't behind, if another process was
        faster, or for a mirror, which does as its source does.
        """
        gset = self.find(root, name)
        if (not isinstance(gset, GenerationalSet) or gset.epoch != seen.epoch
                or gset.generation >= seen.generation):
            return None
        gset.renew()
        return gset.epoch

    def positions(
            self, names: list[Hashable]) -> tuple[int, list[Position | None]]:
        """Return where trees are, None for those that are gone."""
        with self._database.snapshot() as snapshot:
            return snapshot.count, [
                self._position(snapshot, name) for name in names]

    def _position(
            self, snapshot: Snapshot, name: Hashable) -> Position | None:
        try:
            gset = self.find(snapshot.root, name)
        except Problem:
            return None
        return Position(gset.epoch, gset.generation)

    def answer(
            self, name: Hashable, asked: Position, compressed: bool,
            has_fallen: Callable[[Position, int], bool]) -> Answer:
        """Make an answer; go on in another thread if it is large.

        It is unwanted, and not made, if the tree has fallen, or the client is
        of another epoch: then one will be made that many can share.
        """
        begun = self.begin(name, asked)
        answer = begun.answer
        try:
            answer.is_unwanted = answer.is_reset or has_fallen(
                answer.tree, answer.count)
            if begun.rest is not None and not answer.is_unwanted:
                self._copy(begun, compressed)
                return answer
        except BaseException:
            begun.snapshot.close()
            raise
        begun.snapshot.close()
        answer.body = b''.join(begun.first)
        if compressed and len(answer.body) >= COMPRESSIBLE:
            answer.body = gzip.compress(answer.body, 6, mtime=0)
            answer.compressed = True
        return answer

    def begin(self, name: Hashable, asked: Position) -> Begun:
        """Encode as much of an answer as is small.

        Another process, which this one is a little behind, may have told the
        client of a generation or of an epoch that isn't here yet.  So nobody
        is told to start over before this one has caught up.

        The caller closes the snapshot.
        """
        begun = self._begin(name, asked)
        if begun.is_reset and self._database.may_be_behind:
            begun.snapshot.close()
            self._database.catch_up()
            begun = self._begin(name, asked)
        return begun

    def _begin(self, name: Hashable, asked: Position) -> Begun:
        snapshot = self._database.snapshot()
        try:
            gset = self.find(snapshot.root, name)
            updates = gset.client_updates(asked.generation, asked.epoch)
            answer = Answer(
                asked, Position(updates['epoch'], updates['generation']),
                snapshot.count, tree=Position(gset.epoch, gset.generation))
            first, rest = self._first(
                updates, partial(self.unreadable, name))
        except BaseException:
            snapshot.close()
            raise
        return Begun(snapshot, answer, first, rest, 'reset' in updates)

    def _first(
            self, updates: dict[str, Any], unreadable: wire.Unreadable,
    ) -> tuple[list[bytes], Iterator[bytes] | None]:
        """Encode the beginning, and all the rest if that is small."""
        first, size = [], 0
        most = WHOLE if 'contents' in updates else SMALL
        chunks = _told(wire.encode_chunks(
            updates, self._default, unreadable=unreadable))
        for chunk in chunks:
            first.append(chunk)
            size += len(chunk)
            if size > most:
                return first, chunks
        return first, None

    def unreadable(
            self, name: Hashable, path: tuple[Any, ...], error: Exception,
    ) -> None:
        """Log, once, which item it is that can't be encoded.

        Raises the error if the item can't be read.  Later it may be.
        """
        known = name, repr(path), type(error)
        if known not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(known)
            logger.error('tree %r: the item at %s can not be sent: %s: %s',
                         name, shown_path(path), type(error).__name__, error,
                         exc_info=error)
        if isinstance(error, (POSError, TransientError)):
            raise error

    def _copy(self, begun: Begun, compressed: bool) -> None:
        answer = begun.answer
        is_whole = answer.asked == NOTHING
        if is_whole:
            answer.head = beginning(answer.position, NOTHING)
            begun = begun._replace(
                first=[b''.join(begun.first).removeprefix(answer.head)])
        chunks = self._within_memory(begun)
        deflated = Deflated(chunks) if compressed else None
        answer.large = spool = self._spools.make(
            self._loop, deflated)
        answer.compressed = compressed

        def copy() -> None:
            try:
                spool.write(deflated or chunks)
            except Exception:
                logger.exception('could not encode all contents')
            finally:
                begun.snapshot.close()

        try:
            self._copies.submit(is_whole, copy)
        except Problem:
            spool.close()  # not when the traceback is forgotten
            raise

    def _within_memory(self, begun: Begun) -> Iterator[bytes]:
        for chunk in chain(begun.first, begun.rest or ()):
            yield chunk
            begun.snapshot.connection.cacheGC()


def shown_path(path: tuple[Any, ...]) -> str:
    """Return ids as in a URL; what has no form there as Python shows it."""
    try:
        return wire.encode_path(path)
    except (TypeError, ValueError):
        return repr(path)


def _told(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Make a Problem of what application code has nested too deep."""
    try:
        yield from chunks
    except wire.NestingError as error:
        logger.error('a tree can not be read: %s', error)
        raise Problem(500, f'this tree can not be read: {error}') from error
