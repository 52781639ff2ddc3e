"""What the schema gset says at the moment of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from zc.generationalset.answers import Position
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.postgresql import fingerprint
from zc.generationalset.sql.postgresql.connections import Connection
from zc.generationalset.sql.postgresql.layout import Layout, Tracked

# Another cluster, a copy of a database, and a table ``state`` that was
# restored differ in this.  A standby has no position in the log of its own.
_IDENTITY = '''concat_ws(
    ':', (SELECT system_identifier FROM pg_catalog.pg_control_system()),
    CASE WHEN NOT pg_is_in_recovery()
    THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
    (SELECT oid FROM pg_catalog.pg_database
     WHERE datname = current_database()),
    s.tableoid)'''


#: The most changes of a table that are moved at once out of its queue.
MANY = 20_000


class State(NamedTuple):
    """A table at a moment.

    floor
        The lowest generation since which its numbered changes are known.
    stored
        The fingerprint that it had when its changes were last numbered.
    fingerprint
        The one that it has.
    is_noticed
        Whether all its triggers are there, and enabled.
    news
        How many changes its queue has; ``MANY`` and one if there are more.
    waiting
        The generation of the changes that have one and are in the queue yet;
        None if there are none.
    """

    floor: int
    stored: str
    fingerprint: str
    is_noticed: bool
    news: int = 0
    waiting: int | None = None

    @property
    def has_many_news(self) -> bool:
        return self.news > MANY


#: The last number that a transaction can have.
_LAST = "'18446744073709551615'::xid8"


class Moment(NamedTuple):
    """The numbers and the tables at a moment.

    generation
        The last one that was given.
    stored, identity
        That of the database at the last numbering, and the one that it has.
    news
        The condition of SQL that finds, in a queue, what isn't numbered.
    tables
        By the numbers that they have in the schema gset.
    """

    epoch: str
    generation: int
    stored: str
    identity: str
    news: str
    tables: Mapping[int, State]

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.generation)

    @property
    def is_other(self) -> bool:
        """Whether this is another database than the one that was numbered."""
        return self.stored != self.identity

    @property
    def is_broken(self) -> bool:
        """Whether something changed that triggers can't see."""
        return self.is_other or any(
            state.stored != state.fingerprint
            for state in self.tables.values())

    @property
    def is_numbered(self) -> bool:
        """Whether its generation says all that it has."""
        return not self.is_broken and not any(
            state.news for state in self.tables.values())

    @property
    def has_many_news(self) -> bool:
        return any(state.has_many_news for state in self.tables.values())

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in the queues."""
        return self.is_numbered and all(
            state.waiting is None for state in self.tables.values())

    def waiting(self, number: int) -> tuple[int, str]:
        """Return the generation of what waits in the queue of a table.

        And the condition of SQL that finds it there.
        """
        generation = self.tables[number].waiting
        return (0, 'false') if generation is None else (
            generation, f'NOT {self.news}')

    def fits(self, layout: Layout) -> bool:
        """Whether the tables are those that are known."""
        return self.tables.keys() == layout.numbers.keys() and all(
            state.fingerprint == layout.numbers[number].fingerprint
            for number, state in self.tables.items())

    def check(self, tracked: Tracked) -> None:
        """Raise DatabaseError if changes of a table aren't noticed."""
        if not self.tables[tracked.number].is_noticed:
            raise DatabaseError(
                f'table {tracked.table}: expected its triggers of the schema '
                'gset, and that they are enabled; to mend that, track it again'
            )


#: That of a database in which nothing is tracked.
NOTHING = Moment('', 0, '', '', 'false', {})


def question(layout: Layout) -> str:
    """Return the query for ``read``."""
    # With the order, PostgreSQL uses the index, whatever it believes of the
    # queue: it may have many rows that aren't news.
    news = '\n'.join([f'''
        WHEN {number} THEN (SELECT count(*) FROM (
            SELECT FROM (
                SELECT pg_snapshot_xmax(s.snapshot), {_LAST}
                UNION ALL
                SELECT x, x FROM pg_snapshot_xip(s.snapshot) x
            ) AS r (low, high) CROSS JOIN LATERAL (
                SELECT FROM gset.queue_{number}
                WHERE xid >= low AND xid <= high ORDER BY xid LIMIT {MANY + 1}
            ) AS q LIMIT {MANY + 1}) AS n)'''
                      for number in layout.numbers])
    news = f'CASE t.number {news} END' if news else '0'
    return f'''
        SELECT s.epoch, s.generation, s.identity, {_IDENTITY},
            s.snapshot::text, pg_is_in_recovery(),
            t.number, t.floor, t.fingerprint, f.fingerprint, f.enabled,
            coalesce({news}, 0), t.waiting
        FROM gset.state s LEFT JOIN gset.tables t
        ON EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
        LEFT JOIN LATERAL ({fingerprint.QUERY})
        AS f (fingerprint, enabled) ON true'''


def read(connection: Connection, question: str) -> Moment:
    """Return the moment of a transaction; a query alone is one, too.

    question
        From ``question``.
    """
    # To plan it takes ten times as long as to execute it.
    rows = connection.execute(question.encode(), prepare=True).fetchall()
    epoch, generation, stored, identity, snapshot, is_standby = rows[0][:6]
    if is_standby:
        raise DatabaseError(
            'expected a database that can be written to, which the numbers of '
            'changes are stored in, got a standby')
    return Moment(
        epoch, generation, stored, identity, _news(snapshot),
        {row[6]: State(*row[7:]) for row in rows if row[6] is not None})


def plain(layout: Layout) -> Moment:
    """Return a moment without numbers, for tables that may not be tracked."""
    return Moment('', 0, '', '', 'false', {
        number: State(0, '', '', is_noticed=True)
        for number in layout.numbers})


def snapshot(connection: Connection) -> str:
    """Return what names the transactions that are committed.

    Each commit of one that wrote anything changes it, and for good: it names
    the lowest transaction that hasn't begun, and those that haven't ended.
    """
    [[text]] = connection.execute(
        b'SELECT pg_current_snapshot()::text', prepare=True)
    return str(text)


def _news(snapshot: str) -> str:
    """Return the condition for what a snapshot doesn't see."""
    _, xmax, running = snapshot.split(':')
    condition = f"xid >= '{xmax}'"
    if running:
        condition += f" OR xid = ANY ('{{{running}}}')"
    return f'({condition})'
