"""An SQLite database; see ``zc.generationalset.sql.database``."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple, TypeAlias

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.sql.database import Plan
from zc.generationalset.sql.errors import Conflict, DatabaseError
from zc.generationalset.sql.sqlite import (
    fingerprint,
    history,
    queue,
    quoting,
    reflection,
    tracking,
)
from zc.generationalset.sql.sqlite.affinity import affinity
from zc.generationalset.sql.sqlite.applying import SQLiteApplying
from zc.generationalset.sql.sqlite.connections import (
    Connection,
    Identity,
    Pool,
    transaction,
    without_foreign_keys,
)
from zc.generationalset.sql.sqlite.history import History, Moment
from zc.generationalset.sql.sqlite.json_columns import is_declared
from zc.generationalset.sql.sqlite.reading import SQLiteReading
from zc.generationalset.sql.sqlite.writing import SQLiteWriting, refused
from zc.generationalset.sql.tables import Column, Table

#: How often a reader looks again when what it has found had to be mended.
ATTEMPTS = 5

#: Tables by their names; a text says why one isn't tracked any more.
Tables: TypeAlias = 'dict[str, Table | str]'


class State(NamedTuple):
    """What a transaction sees of the tracking."""

    epoch: str
    moment: Moment
    schema: int

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.moment.generation)


class Verified(NamedTuple):
    """The tables of a schema whose fingerprints were compared."""

    file: Identity | None = None
    schema: int | None = None
    tables: Tables = {}


class SQLiteDatabase:
    """An SQLite database in a file, to which any program may write.

    .. code-block:: python

        database = SQLiteDatabase('shop.db')
        database.execute(database.plan_tracking(database.tables()))

    Raises DatabaseError if the file can't be opened.
    """

    failures: tuple[type[Exception], ...] = (sqlite3.DatabaseError,)

    def __init__(self, path: str) -> None:
        self._pool = Pool(path)
        self._history = History(self._pool.path)
        self._verified = Verified()
        #: The generation when the queue was tidied up; None if not yet.
        self._tidied: int | None = None
        #: How many notes were kept then.
        self._kept = 0
        #: Threads take turns to write: SQLite would let them sleep.
        self._turn = threading.Lock()
        self._watching: Connection | None = None

    # Tracking

    def tables(self) -> list[Table]:
        with self._pool.connection() as connection:
            return reflection.tables(connection)

    def tracked(self) -> list[Table]:
        with self._pool.connection() as connection:
            names = tracking.tracked(connection)
            return [table for table in reflection.tables(connection)
                    if names.get(table.name, '') is None]

    def form(self, column: Column) -> str:
        return 'sqlite JSON' if is_declared(column) \
            else f'sqlite {affinity(column.type)}'

    def plan_tracking(
            self, tables: Sequence[Table], add_key: bool = False,
            noted: Sequence[str] = ()) -> Plan:
        with self._pool.connection() as connection:
            basis = _schema(connection)
            return Plan(tuple(tracking.beginning(
                connection, tables, add_key, noted)), basis)

    def plan_untracking(self) -> Plan:
        with self._pool.connection() as connection:
            basis = _schema(connection)
            return Plan(tuple(tracking.ending(connection)), basis)

    def plan_own(self, statements: Iterable[str]) -> Plan:
        return Plan(tuple(map(quoting.own, statements)))

    def execute(self, plan: Plan) -> None:
        with self._turn, self._pool.connection() as connection:
            with transaction(connection, 'BEGIN IMMEDIATE'):
                if plan.basis not in (None, _schema(connection)):
                    raise Conflict('the schema has changed since the tracking '
                                   'was planned')
                for statement in plan.statements:
                    connection.execute(statement)
            if not tracking.is_tracked(connection):
                self._history.remove()

    # Transactions

    @contextmanager
    def reading(self) -> Iterator[SQLiteReading]:
        for _ in range(ATTEMPTS):
            # Before the snapshot, which so has all that was handed out.
            last = self._history.last()
            with self._pool.connection() as connection, \
                    transaction(connection, 'BEGIN'):
                state = _state(connection)
                tables = self._tables(connection, state, last)
                if tables is not None:
                    if last != state.moment:
                        self._history.hand_out(state.moment)
                    reading = SQLiteReading(connection, state.position, tables)
                    with closing(reading):
                        yield reading
                    return
            self._mend()
        raise self._changes()

    @contextmanager
    def plain_reading(self) -> Iterator[SQLiteReading]:
        with self._pool.connection() as connection, \
                transaction(connection, 'BEGIN'):
            # The schema is read from the snapshot, which begins here.
            connection.execute('SELECT 1 FROM sqlite_schema').fetchone()
            reading = SQLiteReading(connection, NOTHING, {
                table.name: table for table in reflection.tables(connection)})
            with closing(reading):
                yield reading

    @contextmanager
    def writing(self) -> Iterator[SQLiteWriting]:
        with self._turn:
            for _ in range(ATTEMPTS):
                with self._pool.connection() as connection:
                    try:
                        with transaction(connection, 'BEGIN IMMEDIATE'):
                            state = _state(connection)
                            tables = self._tables(
                                connection, state, self._history.last())
                            if tables is not None:
                                writing = SQLiteWriting(
                                    connection, state.position, tables)
                                with closing(writing):
                                    yield writing
                                return
                    except sqlite3.IntegrityError as error:
                        # Some constraints are checked by COMMIT.
                        raise refused(error) from error
                self._mend_in_turn()
        raise self._changes()

    @contextmanager
    def plain_writing(self) -> Iterator[SQLiteWriting]:
        with self._turn, self._pool.connection() as connection:
            try:
                with transaction(connection, 'BEGIN IMMEDIATE'):
                    writing = SQLiteWriting(connection, NOTHING, {
                        table.name: table
                        for table in reflection.tables(connection)})
                    with closing(writing):
                        yield writing
            except sqlite3.IntegrityError as error:
                raise refused(error) from error

    @contextmanager
    def applying(self) -> Iterator[SQLiteApplying]:
        with self._turn, self._pool.connection() as connection, \
                without_foreign_keys(connection):
            try:
                with transaction(connection, 'BEGIN IMMEDIATE'):
                    applying = SQLiteApplying(
                        connection, _state(connection).position
                        if tracking.is_tracked(connection) else NOTHING)
                    with closing(applying):
                        yield applying
                    applying.finish()
            except sqlite3.IntegrityError as error:
                raise refused(error) from error

    def _changes(self) -> DatabaseError:
        return DatabaseError(f'{self._pool.name}: its schema, or its history, '
                             'changes again and again')

    def _tables(
            self, connection: Connection, state: State, last: Moment | None,
    ) -> Tables | None:
        """Return the tracked tables, or None if changes may be unknown."""
        if not (state.moment.generation and history.has(
                connection, last, state.moment)):
            return None
        verified, file = self._verified, state.moment.file
        if verified[:2] != (file, state.schema):
            if fingerprint.differing(connection):
                return None
            verified = self._verified = Verified(
                file, state.schema, _tracked(connection))
        return verified.tables

    def _mend(self) -> None:
        with self._turn:
            self._mend_in_turn()

    def _mend_in_turn(self) -> None:
        """Let clients know that changes may have gone unnoticed."""
        with self._pool.connection() as connection:
            with transaction(connection, 'BEGIN IMMEDIATE'):
                names = fingerprint.differing(connection)
                if names:
                    for statement in list(
                            tracking.going_on(connection, names)):
                        connection.execute(statement)
                queue.fill(connection)
                state = _state(connection)
                is_other = not history.has(
                    connection, self._history.last(), state.moment)
                if is_other:
                    tracking.renew(connection)
            if is_other:
                self._history.begin(state.moment)

    def renew(self, seen: Position) -> str | None:
        with self.writing() as writing:
            epoch, generation = writing.position
            if epoch != seen.epoch or generation >= seen.generation:
                return None
            return writing.renew()

    # Watching

    def version(self) -> object:
        identity = self._pool.identity()
        if self._watching is None or self._watching.identity != identity:
            self._unwatch()
            self._watching = self._pool.open()
        [version] = self._watching.execute('PRAGMA data_version').fetchone()
        return identity, version

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    def tidy(self) -> None:
        with self._pool.connection() as connection:
            first, last = queue.ends(connection)
            # Each time, all notes are looked at.
            if last - (self._tidied or first) < max(
                    queue.PACE, self._kept // 2):
                return
            with transaction(connection, 'BEGIN'):
                seen, spare = _state(connection), queue.spare(connection)
        if spare.notes or spare.floors:
            self._forget(seen, spare)
        if len(spare.notes) < queue.TOGETHER:
            self._tidied, self._kept = last, spare.kept

    def _forget(self, seen: State, spare: queue.Spare) -> None:
        with self._turn, self._pool.connection() as connection, \
                transaction(connection, 'BEGIN IMMEDIATE'):
            state = _state(connection)
            # Other notes may have these numbers meanwhile.
            if state.epoch == seen.epoch and history.has(
                    connection, seen.moment, state.moment):
                # The last moment must be that of the last note, which is kept.
                self._history.hand_out(state.moment)
                queue.forget(connection, spare)

    def close(self) -> None:
        self._unwatch()
        self._pool.close()


def _tracked(connection: Connection) -> Tables:
    found = {table.name: table for table in reflection.tables(connection)}
    return {name: found[name] if problem is None else problem
            for name, problem in tracking.tracked(connection).items()}


def _state(connection: Connection) -> State:
    if not tracking.is_tracked(connection):
        raise DatabaseError('no table is tracked; "gset track" begins that')
    epoch, generation, mark = connection.execute(
        'SELECT epoch, ifnull(seq, 0), ifnull(mark, 0) '
        'FROM gset_state LEFT JOIN gset_queue '
        # Not with ORDER BY, for which SQLite would read all notes.
        'ON seq = (SELECT max(seq) FROM gset_queue)').fetchone()
    return State(epoch, Moment(connection.identity, generation, mark),
                 _schema(connection))


def _schema(connection: Connection) -> int:
    """Return what differs after each change of the schema."""
    [version] = connection.execute('PRAGMA schema_version').fetchone()
    return int(version)
