"""A PostgreSQL database; see ``zc.generationalset.sql.database``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg.errors import InvalidSchemaName, UndefinedTable

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.sql.database import Plan
from zc.generationalset.sql.errors import Conflict, DatabaseError
from zc.generationalset.sql.postgresql import (
    catalog,
    layout,
    moment,
    numbering,
    tracking,
)
from zc.generationalset.sql.postgresql.applying import PostgreSQLApplying
from zc.generationalset.sql.postgresql.conditions import Conditions
from zc.generationalset.sql.postgresql.connections import (
    CONNECTIONS,
    Connection,
    check,
    commit,
    execute,
    pool,
    told,
    transaction,
)
from zc.generationalset.sql.postgresql.layout import SNAPSHOT, Layout
from zc.generationalset.sql.postgresql.loaders import base_of
from zc.generationalset.sql.postgresql.moment import Moment
from zc.generationalset.sql.postgresql.names import own
from zc.generationalset.sql.postgresql.reading import PostgreSQLReading
from zc.generationalset.sql.postgresql.writing import PostgreSQLWriting
from zc.generationalset.sql.tables import Column, Table

#: How often one looks again at tables that change meanwhile.
ATTEMPTS = 20

#: How many removals of each table are known at least; of a table that has more
#: rows, as many as it has.  A copy in pages begins the table again if more
#: come meanwhile, so it ends if its rows come faster than removals do.
REMOVALS = 100_000


class Seen(NamedTuple):
    """What was committed, and its position.

    Another connection may be one to another server, whose snapshots say
    nothing of this one.
    """

    connection: Connection | None = None
    snapshot: str = ''
    position: Position = NOTHING


class PostgreSQLDatabase:
    """A PostgreSQL database, to which any program may write.

    .. code-block:: python

        database = PostgreSQLDatabase('postgresql:///shop')
        database.execute(database.plan_tracking(database.tables()))

    Raises DatabaseError if such a database can't be used.
    """

    failures: tuple[type[Exception], ...] = (
        psycopg.OperationalError, psycopg.InterfaceError)

    def __init__(self, url: str, removals: int = REMOVALS) -> None:
        check(url)
        self._pool = pool(url, CONNECTIONS)
        # One who reads waits for one who numbers, so that has another pool.
        self._numbering = pool(url, 1)
        self._conditions = Conditions(self._numbering)
        self._removals = removals
        self._layout: Layout | None = None
        self._seen = Seen()

    # Tracking

    def tables(self) -> list[Table]:
        with self._pool.connection() as connection:
            return [relation.table for relation
                    in catalog.users_relations(connection)]

    def tracked(self) -> list[Table]:
        with self._pool.connection() as connection:
            return [each.table for each
                    in layout.read(connection).names.values()]

    def form(self, column: Column) -> str:
        is_array = column.type.endswith('[]')
        return f'postgresql {base_of(column.type)}{"[]" * is_array}'

    def plan_tracking(
            self, tables: Sequence[Table], add_key: bool = False,
            noted: Sequence[str] = ()) -> Plan:
        with self._pool.connection() as connection:
            basis = tracking.basis(connection)
            return Plan(tuple(tracking.beginning(
                connection, tables, add_key, noted)), basis)

    def plan_untracking(self) -> Plan:
        with self._pool.connection() as connection:
            basis = tracking.basis(connection)
            return Plan(tuple(tracking.ending(connection)), basis)

    def plan_own(self, statements: Iterable[str]) -> Plan:
        return Plan(tuple(map(own, statements)))

    def execute(self, plan: Plan) -> None:
        with self._pool.connection() as connection, told(), \
                transaction(connection, tracking.BEGIN):
            if plan.basis not in (None, tracking.basis(connection)):
                raise Conflict('other tables are tracked than when this was '
                               'planned')
            for statement in plan.statements:
                execute(connection, statement)

    # Transactions

    @contextmanager
    def reading(self) -> Iterator[PostgreSQLReading]:
        begin = f'{SNAPSHOT} READ ONLY'
        with self._pool.connection() as connection, told():
            known, now = self._begin(connection, begin, _look)
            if now.has_many_news:
                # They wait in the queue, and have a number before this begins.
                known, now = self._begin_again(connection, begin)
            if not now.is_numbered:
                connection.rollback()
                known, now = self._begin(connection, begin, self._share)
            yield PostgreSQLReading(
                connection, known, now, now.generation, self._conditions)
            connection.commit()

    @contextmanager
    def plain_reading(self) -> Iterator[PostgreSQLReading]:
        with self._pool.connection() as connection, told(), \
                transaction(connection, f'{SNAPSHOT} READ ONLY'):
            known = layout.plain(connection)
            yield PostgreSQLReading(
                connection, known, moment.plain(known), 0, self._conditions)

    @contextmanager
    def writing(self) -> Iterator[PostgreSQLWriting]:
        with self._pool.connection() as connection, told():
            known, now = self._begin(connection, SNAPSHOT, _look)
            if now.is_broken or now.has_many_news:
                known, now = self._begin_again(connection, SNAPSHOT)
            yield PostgreSQLWriting(
                connection, known, now, now.generation + 1, self._conditions)
            commit(connection)

    @contextmanager
    def plain_writing(self) -> Iterator[PostgreSQLWriting]:
        with self._pool.connection() as connection, told():
            execute(connection, SNAPSHOT)
            known = layout.plain(connection)
            yield PostgreSQLWriting(
                connection, known, moment.plain(known), 0, self._conditions)
            commit(connection)

    @contextmanager
    def applying(self) -> Iterator[PostgreSQLApplying]:
        with self._pool.connection() as connection, told():
            if layout.is_there(connection):
                known, now = self._begin(connection, SNAPSHOT, _look)
            else:
                known, now = layout.NOTHING, moment.NOTHING
                execute(connection, SNAPSHOT)
            yield PostgreSQLApplying(
                connection, known, now, self._conditions)
            commit(connection)

    def _begin(
            self, connection: Connection, begin: str | None,
            find: Callable[[Connection, Layout], Moment],
    ) -> tuple[Layout, Moment]:
        """Return the tables that are tracked, and the moment of them.

        begin
            What begins a transaction with the moment's snapshot, if any.
        """
        for _ in range(ATTEMPTS):
            known = self._known(connection)
            try:
                if begin is not None:
                    execute(connection, f'{begin}; {known.lock}')
                now = find(connection, known)
                if now.fits(known):
                    return known, now
            except (UndefinedTable, InvalidSchemaName):
                pass
            connection.rollback()
            self._layout = None
        raise DatabaseError('expected tables that are tracked, got none, or '
                            'such that change again and again')

    def _begin_again(
            self, connection: Connection, begin: str) -> tuple[Layout, Moment]:
        """Begin after a numbering."""
        connection.rollback()
        with self._numbering.connection() as numberer:
            self._numbered(numberer)
        return self._begin(connection, begin, _look)

    def _known(self, connection: Connection) -> Layout:
        known = self._layout
        if known is None:
            known = self._layout = layout.read(connection)
        return known

    def _share(self, connection: Connection, known: Layout) -> Moment:
        """Number what is new; give the snapshot to a connection."""
        def share(name: str) -> None:
            execute(connection, f"SET TRANSACTION SNAPSHOT '{name}'")

        with self._numbering.connection() as numberer:
            return numbering.number(numberer, known, share)

    # Watching

    def version(self) -> Position:
        """Return the position; number what is new.

        What changed is only looked for if something was committed, as that
        takes the longer the more tables there are.
        """
        with self._numbering.connection() as connection, told():
            now = moment.snapshot(connection)
            if self._seen[:2] != (connection, now):
                self._seen = Seen(
                    connection, now, self._numbered(connection))
            return self._seen.position

    def _numbered(self, connection: Connection) -> Position:
        _, now = self._begin(connection, None, _look)
        if not now.is_settled:
            _, now = self._begin(connection, None, numbering.number)
        return now.position

    def renew(self, seen: Position) -> str | None:
        with self._numbering.connection() as connection, told():
            return numbering.renew(connection, seen)

    def tidy(self) -> None:
        with self._pool.connection() as connection, told():
            numbering.tidy(
                connection, self._known(connection), self._removals)

    def close(self) -> None:
        self._pool.close()
        self._numbering.close()


def _look(connection: Connection, known: Layout) -> Moment:
    return moment.read(connection, moment.question(known))
