"""Snapshots: a database at one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from types import TracebackType
from typing import Any, cast

from zc.generationalset.answers import (
    Answer,
    LargeAnswer,
    Position,
    SubsetUpdates,
)
from zc.generationalset.parts import Parts, Path
from zc.generationalset.sources import (
    NoItem,
    StaleCursor,
    Unavailable,
)
from zc.generationalset.sources.cursors import span_at
from zc.generationalset.sql.database import Database, Reading
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.items import Item
from zc.generationalset.sql.news import are_many, contents, news
from zc.generationalset.sql.paging import Pager
from zc.generationalset.sql.served import Served
from zc.generationalset.sql.tables import Table


@contextmanager
def available(database: Database) -> Iterator[None]:
    """Raise Unavailable if the database fails."""
    try:
        yield
    except DatabaseError as error:
        raise Unavailable(str(error)) from error
    except database.failures as error:
        raise Unavailable('the database is not available') from error


class SQLSnapshot(AbstractContextManager['SQLSnapshot']):
    """A transaction that reads; see ``sources.Snapshot``."""

    def __init__(
            self, database: Database, tree: Callable[[Hashable], Served],
            count: int) -> None:
        self.count = count
        self._tree = cache(tree)
        with ExitStack() as stack:
            stack.enter_context(available(database))
            self._reading = stack.enter_context(database.reading())
            self._stack = stack.pop_all()

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, traceback)

    def position(self, name: Hashable) -> Position:
        return self._tree(name).position(self._reading.position)

    def updates(
            self, name: Hashable, asked: Position, parts: Parts = (),
    ) -> Answer:
        answer, since = self._head(name, asked)
        tree = self._tree(name)
        if parts:
            answer['parts'] = [self._part(tree, path, since)
                               for path in parts]
        elif not since:
            answer['contents'] = [
                SubsetUpdates(id=id, contents=contents(self._reading, table))
                for id, table in tree.tables(self._reading).items()]
        else:
            answer['adds'] = [
                SubsetUpdates(id=id, **updates)
                for id, table in tree.tables(self._reading).items()
                if (updates := news(self._reading, table, since))]
        if any(map(are_many, answer.get('parts') or answer.get('adds', ()))):
            return cast(Answer, LargeAnswer(answer))
        return answer

    def _head(self, name: Hashable, asked: Position) -> tuple[Answer, int]:
        """Return the beginning of an answer, and since when it answers."""
        epoch, generation = self.position(name)
        answer: Answer = {'epoch': epoch, 'since': asked.generation,
                          'generation': generation}
        if asked.generation and asked.epoch != epoch:
            answer['since_epoch'] = asked.epoch
            answer['reset'] = 'epoch'
        elif asked.generation > generation:
            answer['reset'] = 'ahead'
        return answer, 0 if 'reset' in answer else asked.generation

    def _part(self, tree: Served, path: Path, since: int) -> dict[str, Any]:
        table = tree.table(self._reading, path[0]) if len(path) == 1 else None
        if table is not None:
            return {'path': path, **news(self._reading, table, since)}
        # There never was, and never will be, such a set.
        return {'path': path} if since else {'path': path, 'contents': []}

    def page(
            self, name: Hashable, asked: Position, cursor: str, limit: int,
    ) -> Answer:
        answer, since = self._head(name, asked)
        if cursor:
            if 'reset' in answer:
                raise StaleCursor('the page is of another tree; ask with an '
                                  'empty cursor')
            answer['cursor'] = cursor
        pager = Pager(self._reading, answer['epoch'], since, span_at(
            cursor, self.position(name), limit))
        entries = pager.entries(self._tree(name).tables(self._reading))
        if pager.next is not None:
            answer['next'] = pager.next
        if since or pager.next is not None:
            answer['adds'] = entries
        else:
            answer['contents'] = entries
        return answer

    def item(self, name: Hashable, path: Path) -> Any:
        return item_at(self._reading, self._tree(name), path)

    def length(self, name: Hashable, path: Path) -> int:
        return length_at(self._reading, self._tree(name), path)

    def check_writable(self, name: Hashable) -> None:
        self._tree(name)

    def trim(self) -> None:
        """Do nothing: nothing is kept."""


def table_at(reading: Reading, tree: Served, id: Any) -> Table:
    table = tree.table(reading, id)
    if table is None:
        raise NoItem(f'expected one of {", ".join(tree.ids)}, got {id!r}')
    return table


def item_at(reading: Reading, tree: Served, path: Path) -> Item:
    """Return the item at a path.  Raises NoItem."""
    if len(path) == 2:
        table = table_at(reading, tree, path[0])
        try:
            keys = [table.key_of(path[1])]
        except ValueError as error:
            raise NoItem(str(error)) from error
        for row in reading.rows(table, keys):
            return Item(table, row)
    raise NoItem(f'there is no item {"/".join(map(str, path))}')


def length_at(reading: Reading, tree: Served, path: Path) -> int:
    """Return the length of the set at a path.  Raises NoItem."""
    if not path:
        return len(tree.ids)
    table = table_at(reading, tree, path[0])
    if len(path) > 1:
        raise NoItem(f'expected a set, {"/".join(map(str, path))} is none')
    return reading.length(table)
