"""Snapshots: a database at one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import POSError

from zc.generationalset.answers import Answer, Position
from zc.generationalset.interfaces import IServed
from zc.generationalset.pages import LaterPlace, StalePlace
from zc.generationalset.parts import Parts, Path
from zc.generationalset.sets.set import GenerationalSet
from zc.generationalset.sources.cursors import span_at
from zc.generationalset.sources.errors import (
    LaterCursor,
    NoTree,
    ReadOnly,
    StaleCursor,
    Unavailable,
)
from zc.generationalset.sources.zodb.editor import item_at, set_at
from zc.generationalset.sources.zodb.memory import Memory

#: Returns the set with a name, from the root of a database.
Find = Callable[[Any, Hashable], Any]


class Available:
    """A ``with`` statement that needs its database.

    Raises Unavailable if that is away, or was packed meanwhile.
    """

    def __enter__(self) -> Any:
        return self

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        if isinstance(error, TransientError):
            raise Unavailable('the database is not available') from error


class ZODBSnapshot(Available):
    """A transaction that reads; see ``sources.Snapshot``."""

    def __init__(
            self, db: Any, find: Find, count: int, memory: Memory) -> None:
        self.count = count
        self._memory = memory
        self._find = find
        #: The sets that were found, by name.
        self._sets: dict[Hashable, Any] = {}
        #: Whether it has read a page.
        self._is_paged = False
        self._manager = transaction.TransactionManager()
        self._manager.begin()
        self._connection = db.open(self._manager)
        try:
            self._root = self._connection.root()
        except BaseException:  # the database is lost
            self._close()
            raise

    def _close(self) -> None:
        self._manager.abort()
        if self._is_paged:
            # Nobody needs these objects again soon.
            self._connection.cacheMinimize()
        self._connection.close()

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._close()
        super().__exit__(kind, error, traceback)

    def position(self, name: Hashable) -> Position:
        gset = self._set(name)
        return Position(gset.epoch, gset.generation)

    def updates(
            self, name: Hashable, asked: Position, parts: Parts = (),
    ) -> Answer:
        updates: Answer = self._set(name).client_updates(
            asked.generation, asked.epoch, parts=parts)
        return updates

    def page(
            self, name: Hashable, asked: Position, cursor: str, limit: int,
    ) -> Answer:
        span = span_at(cursor, self.position(name), limit)
        self._is_paged = True
        try:
            page: Answer = self._set(name).client_page(
                asked.generation, asked.epoch, span)
        except StalePlace as error:
            raise StaleCursor(f'{error}; ask with an empty cursor') from error
        except LaterPlace as error:
            raise LaterCursor(f'{error}; ask again later') from error
        if cursor:
            page['cursor'] = cursor
        return page

    def item(self, name: Hashable, path: Path) -> Any:
        return item_at(self._set(name), path)

    def length(self, name: Hashable, path: Path) -> int:
        return len(set_at(self._set(name), path))

    def check_writable(self, name: Hashable) -> None:
        check_writable(self._set(name))
        if self._connection.isReadOnly():
            raise read_only()

    def trim(self) -> None:
        self._memory.give(self._connection)
        self._connection.cacheGC()

    def _set(self, name: Hashable) -> Any:
        gset = self._sets.get(name)
        if gset is None:
            gset = self._sets[name] = found(self._find, self._root, name)
        return gset


def found(find: Find, root: Any, name: Hashable) -> Any:
    """Return the set with a name, or a mirror.  Raises NoTree."""
    reason = 'find returned None'
    try:
        gset = find(root, name)
    except POSError:
        raise  # unreadable doesn't mean missing
    except LookupError as error:
        gset, reason = None, f'find raised {error!r}'
    if IServed.providedBy(gset) and not gset.generation:
        gset, reason = None, 'the mirror has nothing yet'
    if gset is None:
        # Without names, nobody asked for a wrong one: the set isn't made yet,
        # or ``find`` looks for it in the wrong place.
        raise NoTree('there is no such tree' if name is not None
                     else f'there is no such tree: {reason}')
    if not IServed.providedBy(gset):
        raise TypeError(
            f'expected find to return a GenerationalSet, got {gset!r}')
    return gset


def check_writable(gset: Any) -> None:
    """Raise ReadOnly for a copy."""
    if not isinstance(gset, GenerationalSet):
        raise ReadOnly('this is a mirror, for reading; write to '
                       f'{gset.source}', gset.source)


def read_only() -> ReadOnly:
    return ReadOnly('this database is read-only')
