"""A SQL database as a source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from zc.generationalset.answers import Position
from zc.generationalset.sources import NoTree, Outcome, Write
from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sources.poll import Poll
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.editor import SQLEditor
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.served import Served, View, views_of
from zc.generationalset.sql.snapshot import SQLSnapshot, available
from zc.generationalset.sql.tidying import Tidying

T = TypeVar('T')

#: Returns the views of a tree, by the ids of their sets, for its name.
Views: TypeAlias = 'Callable[[Hashable], Mapping[str, View] | None]'


class SQLSource:
    """Tables of a SQL database; see ``sources.Source``.

    .. code-block:: python

        source = SQLSource(SQLiteDatabase('shop.db'), ['orders', 'items'])
        app = application(source)

    The database is the tree.  A table is a subset of it, a row an item, which
    is an object of the columns.  Its id is the key, a tuple if the key has
    several columns.

    tables
        Names of tracked tables.  Or a function that returns the views of a
        tree, by the ids of their sets, for the tree's name; None if there is
        no such tree:

        .. code-block:: python

            def views(user):
                return {'orders': View(
                    'orders', where='owner = :user',
                    parameters={'user': user})}

            app = application(
                SQLSource(database, views), tokens=tokens,
                name=lambda request: request.scope['user'])

    Raises DatabaseError for a table that isn't tracked.
    """

    may_be_behind = False
    shares_transactions = False

    def __init__(
            self, database: Database, tables: Sequence[str] | Views) -> None:
        self.count = 0
        self.failures = database.failures
        self._database = database
        self._views = tables if callable(tables) else _only(
            views_of(database, tables))
        self._counting = threading.Lock()
        self._registering = threading.Lock()
        self._listeners: frozenset[Callable[[], None]] = frozenset()
        #: What goes on while somebody listens.
        self._work: tuple[Poll, Tidying] | None = None
        self._version: object = None

    # Commits

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        with self._registering:
            self._listeners |= {told}
            if self._work is None:
                self._version = None
                self._work = (Poll(self._ask, self.look),
                              Tidying(self._database.tidy))
        return partial(self._ignore, told)

    def _ignore(self, told: Callable[[], None]) -> None:
        with self._registering:
            self._listeners -= {told}
            if not self._listeners and self._work is not None:
                for each in self._work:
                    each.close()
                self._work = None

    def _ask(self) -> bool:
        """Tell whether something was committed since the last time."""
        before, self._version = self._version, self._database.version()
        return self._version != before

    def look(self) -> None:
        with self._counting:
            self.count += 1
        for told in self._listeners:
            told()

    def catch_up(self) -> None:
        """Do nothing: snapshots have everything that is committed."""

    # Transactions

    def snapshot(self) -> SQLSnapshot:
        return SQLSnapshot(self._database, self._tree, self.count)

    def _tree(self, name: Hashable) -> Served:
        views = self._views(name)
        if views is None:
            raise NoTree(f'there is no tree {name!r}')
        return Served(views)

    def write(
            self, name: Hashable, change: Callable[[SQLEditor], T]) -> T:
        tree = self._tree(name)

        def attempt() -> T:
            with self._database.writing() as writing:
                return change(SQLEditor(writing, tree))

        with available(self._database):
            result = repeated(attempt, Conflict)
        self.look()
        return result

    def write_all(self, writes: Sequence[Write]) -> list[Outcome]:
        return [Outcome.of(self.write, *write) for write in writes]

    def renew(self, name: Hashable, seen: Position) -> str | None:
        tree = self._tree(name)
        before = tree.of_database(seen)
        if before is None:
            return None
        with available(self._database):
            epoch = self._database.renew(before)
        if epoch is None:
            return None
        self.look()
        return tree.position(Position(epoch, 0)).epoch


def _only(views: dict[str, View]) -> Views:
    """Return the views of the only tree, which has no name."""
    return lambda name: views if name is None else None
