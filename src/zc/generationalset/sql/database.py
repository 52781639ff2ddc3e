"""What a kind of SQL database offers; ``sqlite`` and ``postgresql`` are kinds.

Writers of any program append the keys of what they touch to a queue, by
triggers.  Who reads gives numbers to what its snapshot sees.  So the order of
commits loses nothing, and writers don't wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeAlias

from zc.generationalset.answers import Position
from zc.generationalset.sql.tables import Column, Key, Table

#: The values of a row, by the names of the columns.
Values: TypeAlias = dict[str, Any]


class Row(NamedTuple):
    """A row, with the values of the table's columns as Python objects.

    The values are those that ``wire`` encodes without loss.
    """

    key: Key
    values: tuple[Any, ...]


class Changes(NamedTuple):
    """Some keys of what may have changed.

    place
        Where the others begin, as values that can be ids; empty if there are
        no others.
    """

    keys: list[Key]
    place: tuple[Any, ...]


class Bucket(NamedTuple):
    """Some rows of a table: how many, and the sum of their hashes."""

    number: int
    rows: int
    sum: int


class Hashed(NamedTuple):
    """The hash of a row."""

    key: Key
    hash: bytes


class Hasher(Protocol):
    """Makes hashes of the rows of a table, to compare them.

    A row is in the bucket that its key, or its hash, has.
    """

    @property
    def kind(self) -> str:
        """What else the hashes depend on; they are comparable if it is equal.
        """

    def buckets(self, count: int) -> Iterator[Bucket]:
        """Yield the buckets that have rows, of a number that is a power of 2.
        """

    def rows(
            self, count: int, numbers: Collection[int],
    ) -> Iterator[list[Hashed]]:
        """Yield the rows of some buckets, many at a time."""


class Reading(Protocol):
    """A database at one moment, until the end of the ``with`` statement."""

    @property
    def position(self) -> Position:
        """The epoch and the generation of this moment."""

    def tables(self) -> list[Table]:
        """Return the tables that ``table`` returns."""

    def table(self, name: str) -> Table:
        """Return a tracked table as it is at this moment, by ``str(table)``.

        Raises DatabaseError if it isn't there, or isn't tracked any more.
        """

    def filtered(
            self, table: Table, where: str, parameters: Mapping[str, Any],
    ) -> Table:
        """Return a table that has only the rows for which a condition holds.

        All methods that take this table see no other rows.  Its changes are
        keys of rows that it has, or may have had: nobody learns other keys.

        where
            A condition in SQL, with parameters such as ``:user``.  The columns
            in it are those of the key, and those whose old values the tracking
            notes.

        Raises DatabaseError for any other condition.
        """

    def floor(self, table: Table) -> int:
        """Return the lowest generation since which all changes are known."""

    def changes(
            self, table: Table, since: int, limit: int | None = None,
    ) -> Iterable[Key]:
        """Yield the keys of what may have changed since a generation.

        In the order of the changes, each key once.  The rows may be gone.  To
        find the first key takes the longer, the more there are.
        """

    def some_changes(
            self, table: Table, since: int, place: tuple[Any, ...],
            limit: int) -> Changes:
        """Return some of what ``changes`` yields, in any order.

        A key that changed several times may come at several places.  What
        comes before a place isn't read again.  There may be few keys, or none,
        before there are others: it never takes long.

        place
            That of the answer before; empty to begin.

        Raises ValueError for a place that there can't be.
        """

    def changed(self, table: Table, key: Key) -> int:
        """Return the generation of a key's last change that is known, or 0."""

    def rows(self, table: Table, keys: Sequence[Key]) -> Iterator[Row]:
        """Yield the rows with some keys, as far as there are any."""

    def scan(
            self, table: Table, after: Key | None = None,
            limit: int | None = None) -> Iterator[Row]:
        """Yield rows in the order of their keys, without holding them all.

        Raises ValueError for a key ``after`` that no row can have.
        """

    def batches(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the values of all rows in any order, many at a time.

        This is the fastest way to read a table.
        """

    def hasher(self, table: Table) -> Hasher | None:
        """Return what hashes the rows within the database, if it can."""

    def length(self, table: Table) -> int:
        """Return the number of rows."""

    def own(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of this package; return its rows.

        ``{gset}`` stands before their names, ``{index}`` before those of
        indexes.  Parameters are $1, $2, and so on.
        """


class Writing(Reading, Protocol):
    """A transaction that writes; it reads what it has written.

    A row that it has written has changed after the generation of its position.
    """

    @property
    def connection(self) -> Any:
        """The driver's connection, for applications' code."""

    def insert(
            self, table: Table, key: Key, values: Mapping[str, Any],
    ) -> None:
        """Insert a row; columns without a value get their defaults.

        Raises Refused, and WrongValue for a value that its column would store
        as another one, or not at all.
        """

    def add(self, table: Table, values: Mapping[str, Any]) -> Key:
        """Insert a row, and return its key.

        A column of the key that has no value gets its default, or a new value,
        if it is text or a UUID.  Raises Refused and WrongValue, as ``insert``
        does.
        """

    def update(
            self, table: Table, key: Key, values: Mapping[str, Any],
    ) -> None:
        """Set columns of a row that is there.

        Raises Refused and WrongValue, as ``insert`` does.
        """

    def delete(self, table: Table, key: Key) -> None:
        """Delete a row.  Raises Refused."""


class Notes(Protocol):
    """Texts by name, in groups, which are kept in a database.

    They are written in the transaction that applies rows.
    """

    def get(self, group: str, name: str) -> str | None:
        """Return a text; None if there is none."""

    def put(self, group: str, texts: Iterable[tuple[str, str]]) -> None:
        """Put texts under names; those that are there are replaced."""

    def drop(self, group: str, names: Iterable[str]) -> None:
        """Forget some names, as far as there are any."""

    def names(self, group: str, limit: int) -> list[str]:
        """Return names of a group; none if there are no more."""

    def among(self, group: str, names: Sequence[str]) -> set[str]:
        """Return those of some names that are in a group."""


class Applying(Writing, Protocol):
    """A transaction that makes rows what another database has.

    Its tables may be tracked or not.  Triggers of users don't fire, and
    nothing cascades along foreign keys.  The tracking notes what changes, for
    those who follow this database.  ``sql.applying`` says what is written in
    which order.
    """

    def find(self, name: str) -> Table | None:
        """Return a table by its name, with the schema or without.

        None if there is no such table, or more than one.
        """

    def stored(self, table: Table, rows: Sequence[Values]) -> list[Values]:
        """Return rows with the values as they will be read.

        Raises WrongValue for a value that isn't what its column would store,
        and for an unknown column.
        """

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo, after an error, what was written within."""

    def delete_all(self, table: Table, keys: Sequence[Key]) -> None:
        """Delete rows that are there."""

    def update_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        """Set columns of rows that are there; the key's are among them.

        Raises Refused; Collision for a unique value of another row.
        """

    def insert_all(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows.  Raises Refused, and Collision."""

    def check_references(self, tables: Iterable[Table] = ()) -> None:
        """Raise Refused if a foreign key of what was written doesn't hold.

        tables
            Those that others have written, whose foreign keys are to be
            checked, too.
        """

    @property
    def notes(self) -> Notes:
        ...

    def create(
            self, name: str, key: Sequence[str],
            columns: Mapping[str, Sequence[Any]]) -> Table:
        """Make a table whose columns can have some values, and return it.

        Raises DatabaseError if no type of a column fits all its values.
        """


class Plan(NamedTuple):
    """What is to be done to a database, as SQL statements.

    basis
        What was tracked when this was planned; None if that doesn't matter.
    """

    statements: tuple[str, ...]
    basis: object = None


class Database(Protocol):
    """A database of some kind; its methods may be called in any thread."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The exceptions of the driver that say that the database failed."""

    def tables(self) -> list[Table]:
        """Return the tables of the user, whether they are tracked or not."""

    def tracked(self) -> list[Table]:
        """Return the tables that are tracked."""

    def form(self, column: Column) -> str:
        """Return which values a column has: the kind, and a type.

        Columns of equal forms have equal values.
        """

    def plan_tracking(
            self, tables: Sequence[Table], add_key: bool = False,
            noted: Sequence[str] = ()) -> Plan:
        """Return what is to be done to track tables; nothing if they are.

        add_key
            Whether a table without a primary key, whose ``key`` is empty, gets
            a column of UUIDs.
        noted
            Names of columns of these tables whose old values are noted, for
            conditions.

        Raises Untrackable.
        """

    def plan_untracking(self) -> Plan:
        """Return what is to be done to remove every trace of tracking."""

    def plan_own(self, statements: Iterable[str]) -> Plan:
        """Return a plan of statements as ``Reading.own`` takes them."""

    def execute(self, plan: Plan) -> None:
        """Execute a plan in one transaction, one plan after the other.

        Raises Conflict if something else is tracked than when it was planned.
        """

    def reading(self) -> AbstractContextManager[Reading]:
        """Begin to read; numbers what isn't numbered yet."""

    def plain_reading(self) -> AbstractContextManager[Reading]:
        """Begin to read all tables, whether they are tracked or not.

        There are no numbers and no changes: this only says what is there.
        """

    def writing(self) -> AbstractContextManager[Writing]:
        """Begin to write; commits at the end, unless an error is raised.

        Raises Conflict, at the end, too, if it must be done again, and
        ``sources.Uncertain`` if nobody knows whether it was committed.
        """

    def plain_writing(self) -> AbstractContextManager[Writing]:
        """Begin to write to all tables, whether they are tracked or not.

        As with ``plain_reading``, there are no numbers.  Triggers fire, those
        of the tracking, too.  Raises what ``writing`` does.
        """

    def applying(self) -> AbstractContextManager[Applying]:
        """Begin to apply what another database has; see ``writing``."""

    def renew(self, seen: Position) -> str | None:
        """Give the database a new epoch if it is behind a position."""

    def version(self) -> object:
        """Return something that differs after commits; cheap to ask.

        Called in one thread at a time.
        """

    def tidy(self) -> None:
        """Forget old changes if there are many; called now and then."""

    def close(self) -> None:
        ...
