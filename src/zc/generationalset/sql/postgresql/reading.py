"""Tables at a moment, with what is new since the last numbering."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from zc.generationalset.answers import Position
from zc.generationalset.sql.database import Changes, Row
from zc.generationalset.sql.postgresql.conditions import (
    Conditions,
    note_columns,
    placed,
)
from zc.generationalset.sql.postgresql.connections import (
    Connection,
    Cursor,
    execute,
)
from zc.generationalset.sql.postgresql.hashing import PostgreSQLHasher
from zc.generationalset.sql.postgresql.keys import Keys
from zc.generationalset.sql.postgresql.layout import Layout, Tracked
from zc.generationalset.sql.postgresql.loaders import selected
from zc.generationalset.sql.postgresql.moment import Moment
from zc.generationalset.sql.postgresql.names import own, quoted
from zc.generationalset.sql.tables import Key, Table

#: How many rows are read at a time.
ROWS = 1000


class PostgreSQLReading:
    """See ``Reading``.

    The snapshot lacks what the numbering has written that belongs to it.  So
    the changes are those that were numbered before, and those in the queue.

    news
        The generation of what is in the queue.
    """

    def __init__(
            self, connection: Connection, layout: Layout, moment: Moment,
            news: int, conditions: Conditions) -> None:
        self._connection = connection
        self._layout = layout
        self._moment = moment
        self._news = news
        self._conditions = conditions
        self._numbers = count()

    @property
    def position(self) -> Position:
        return self._moment.position

    def tables(self) -> list[Table]:
        return [each.table for each in self._layout.names.values()]

    def table(self, name: str) -> Table:
        return self._tracked(name).table

    def _tracked(self, name: str) -> Tracked:
        tracked = self._layout.tracked(name)
        self._moment.check(tracked)
        return tracked

    def filtered(
            self, table: Table, where: str, parameters: Mapping[str, Any],
    ) -> Table:
        return table._replace(condition=self._conditions.of(
            self._tracked(str(table)), where, parameters))

    def floor(self, table: Table) -> int:
        number = self._tracked(str(table)).number
        state = self._moment.tables[number]
        if state.news:
            [[is_cleared]] = execute(self._connection, f'''
                SELECT EXISTS (
                    SELECT FROM gset.queue_{number}
                    WHERE {self._moment.news} AND k1 IS NULL)''')
            if is_cleared:
                return self._news
        return state.floor

    def changes(
            self, table: Table, since: int, limit: int | None = None,
    ) -> Iterator[Key]:
        query, values = self._changed(table)
        values = (since, self._news, *values)
        ordered = f'{query} ORDER BY generation, {Keys(table).names}'
        if limit is None:
            for rows in self._fetched(ordered, values):
                yield from rows
        else:
            yield from execute(
                self._connection, f'{ordered} LIMIT {limit}', *values)

    def _fetched(
            self, query: str, values: tuple[Any, ...],
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows, many at a time.

        If not all are wanted, the end of the transaction ends the cursor.
        """
        cursor = f'gset_{next(self._numbers)}'
        self._once(f'DECLARE {cursor} NO SCROLL CURSOR FOR {query}', *values)
        while rows := self._once(f'FETCH {ROWS} FROM {cursor}').fetchall():
            yield rows
        self._once(f'CLOSE {cursor}')

    def _once(self, statement: str, *values: Any) -> Cursor:
        """Execute a statement without a plan that is kept for the next one.

        The best one may depend on the values; and the next cursor of a name
        has other columns.
        """
        return self._connection.execute(
            statement.encode(), values or None, prepare=False)

    def some_changes(
            self, table: Table, since: int, place: tuple[Any, ...],
            limit: int) -> Changes:
        # In the order of the keys, so the place is the last one.
        keys = Keys(table)
        given = (place,) if place else ()
        texts = keys.texts(place) if place else ()
        if texts is None:
            raise ValueError(f'expected a key of {table}, got {place!r}')
        with keys.trying(self._connection, *given):
            waiting = self._some_waiting(table, since, texts, limit)
            last = waiting[limit:]
            found = self._some(table, since, texts, waiting, limit)
            if found[limit:]:
                last = [found[limit - 1]]
            return Changes(found[:limit], last[0] if last else ())
        raise ValueError(f'expected a key of {table}, got {place!r}')

    def _some(
            self, table: Table, since: int, texts: tuple[str, ...],
            waiting: list[Key], limit: int) -> list[Key]:
        """Return the first keys after one; with more than a limit, one more.

        waiting
            What ``_some_waiting`` returns.
        """
        keys = Keys(table)
        also, values = self._seen(table)
        places = count(3 + len(values), len(table.key))
        where = ''
        if texts:
            where = f'AND ({keys.names}) > ({keys.given_from(next(places))})'
        if waiting[limit:]:
            # What waits behind it isn't known.
            texts += keys.texts(waiting[-1]) or ()
            last = keys.given_from(next(places))
            where += f' AND ({keys.names}) <= ({last})'
        numbered, news, _ = self._noted(table, where)
        sources = [numbered, f'SELECT DISTINCT * FROM ({news}) AS n']
        arrays = keys.arrays_of(waiting)
        if arrays:
            sources.append(f'SELECT * FROM unnest('
                           f'{keys.arrays_from(next(places))}) AS n')
        # Each source has an order: what comes after the limit isn't read.
        union = ' UNION '.join([f'''(
            SELECT {keys.names} FROM ({source}) AS w ({keys.names}) {also}
            ORDER BY {keys.names} LIMIT {limit + 1})''' for source in sources])
        return self._once(f'''
            SELECT {keys.selected} FROM ({union}) AS w
            ORDER BY {keys.wanted} LIMIT {limit + 1}''',
            since, self._news, *values, *texts, *arrays).fetchall()

    def _some_waiting(
            self, table: Table, since: int, texts: tuple[str, ...],
            limit: int) -> list[Key]:
        """Return the first keys that wait in the queue, after one.

        In their order, the same one maybe several times; one more than the
        limit if there may be others.
        """
        keys, number = Keys(table), self._tracked(str(table)).number
        generation, waits = self._moment.waiting(number)
        if generation <= since:
            return []
        where = f'AND ({keys.names}) > ({keys.given})' if texts else ''
        return self._once(f'''
            SELECT {keys.selected} FROM (
                SELECT {keys.names} FROM gset.queue_{number}
                WHERE {waits} AND k1 IS NOT NULL {where}
                ORDER BY {keys.names} LIMIT {limit + 1}
            ) AS w ORDER BY {keys.wanted}''', *texts).fetchall()

    def _changed(self, table: Table) -> tuple[str, tuple[Any, ...]]:
        """Return the query for keys, and values of its condition.

        The query's parameters are those of ``_seen``.
        """
        keys = Keys(table)
        also, values = self._seen(table)
        noted = ' UNION ALL '.join(self._noted(table, ''))
        mark = self._tracked(str(table)).relation.mark
        return f'''
            SELECT {keys.selected} FROM ( {mark}
                SELECT {keys.names}, max(generation) AS generation FROM (
                    {noted}
                ) AS c GROUP BY {keys.names}
            ) AS w {also}''', values

    def _noted(self, table: Table, where: str) -> tuple[str, str, str]:
        """Return queries for keys and generations.

        They are for what was moved, for news, and for what waits.

        where
            A condition for the keys.
        """
        names = Keys(table).names
        number = self._tracked(str(table)).number
        waiting, waits = self._moment.waiting(number)
        return f'''
            SELECT {names}, generation FROM gset.rows_{number}
            WHERE generation > $1::bigint {where}''', f'''
            SELECT {names}, $2::bigint FROM gset.queue_{number}
            WHERE $2::bigint > $1::bigint AND {self._moment.news}
            AND k1 IS NOT NULL {where}''', f'''
            SELECT {names}, {waiting}::bigint FROM gset.queue_{number}
            WHERE {waiting} > $1::bigint AND {waits}
            AND k1 IS NOT NULL {where}'''

    def _seen(self, table: Table) -> tuple[str, tuple[Any, ...]]:
        """Return the condition that a key w is, or was, one of the table.

        The parameters $1 and $2 are the generations since which it was, and of
        the news.
        """
        if table.condition is None:
            return '', ()
        keys, tracked = Keys(table), self._tracked(str(table))
        text, values = table.condition
        source, _ = _source(tracked, table, 2)
        return f'''WHERE EXISTS (
                SELECT FROM {source} t
                WHERE {keys.is_wanted}
            ) OR ({keys.names}) IN (
                SELECT {keys.columns}
                FROM {self._olds(tracked, 2)} t
                WHERE ({placed(text, 2 + len(values))})
                AND t.gset_generation > $1::bigint)''', values + values

    def _olds(self, tracked: Tracked, news: int) -> str:
        """Return the notes of rows that were there, as rows of the table.

        news
            The number of the parameter with the generation of the news.
        """
        number, columns = tracked.number, note_columns(tracked)
        waiting, waits = self._moment.waiting(number)
        notes, is_old = ('olds', 'gone AND') if tracked.noted else ('rows', '')
        return f'''(
                SELECT {columns}, generation AS gset_generation
                FROM gset.{notes}_{number}
                UNION ALL
                SELECT {columns}, ${news}::bigint FROM gset.queue_{number}
                WHERE {is_old} k1 IS NOT NULL AND {self._moment.news}
                UNION ALL
                SELECT {columns}, {waiting}::bigint FROM gset.queue_{number}
                WHERE {is_old} k1 IS NOT NULL AND {waits})'''

    def changed(self, table: Table, key: Key) -> int:
        tracked = self._tracked(str(table))
        keys = Keys(table)
        texts = keys.texts(key)
        if texts is None:
            return 0
        news = len(texts) + 1
        with keys.trying(self._connection, key):
            if table.condition is None or any(self.rows(table, [key])):
                query, values = self._newest(tracked, keys, news), ()
            else:
                # What became of a row that others have is theirs alone.
                text, values = table.condition
                query = f'''
                    SELECT max(gset_generation)
                    FROM {self._olds(tracked, news)} t
                    WHERE ({keys.columns}) = ({keys.given})
                    AND ({placed(text, news)})'''
            [[generation]] = execute(
                self._connection, query, *texts, self._news, *values)
            return generation or 0
        return 0

    def _newest(self, tracked: Tracked, keys: Keys, news: int) -> str:
        waiting, waits = self._moment.waiting(tracked.number)
        return f'''
            SELECT greatest(
                (SELECT generation FROM gset.rows_{tracked.number}
                 WHERE {keys.is_given}),
                (SELECT ${news}::bigint FROM gset.queue_{tracked.number}
                 WHERE {keys.is_given} AND {self._moment.news} LIMIT 1),
                (SELECT {waiting}::bigint FROM gset.queue_{tracked.number}
                 WHERE {keys.is_given} AND {waits} LIMIT 1))'''

    def rows(self, table: Table, keys: Sequence[Key]) -> Iterator[Row]:
        tracked = self._tracked(str(table))
        for first in range(0, len(keys), ROWS):
            yield from self._rows(tracked, table, keys[first:first + ROWS])

    def _rows(
            self, tracked: Tracked, table: Table, wanted: Sequence[Key],
    ) -> Iterator[Row]:
        keys = Keys(table)
        arrays = keys.arrays_of(wanted)
        if not arrays:
            return
        found: list[tuple[object, ...]] = []
        with keys.trying(self._connection, *wanted):
            source, values = _source(tracked, table, len(arrays))
            found = execute(self._connection, f'''
                SELECT {_columns(table)} FROM {source} t
                JOIN unnest({keys.arrays}) AS w ({keys.names})
                ON {keys.is_wanted}''', *arrays, *values).fetchall()
        yield from map(keys.row, found)

    def scan(
            self, table: Table, after: Key | None = None,
            limit: int | None = None,
    ) -> Iterator[Row]:
        tracked = self._tracked(str(table))
        keys = Keys(table)
        while limit is None or limit > 0:
            size = ROWS if limit is None else min(limit, ROWS)
            rows = self._after(tracked, table, after, size)
            yield from map(keys.row, rows)
            if len(rows) < size:
                break
            after = keys.row(rows[-1]).key
            if limit is not None:
                limit -= size

    def _after(
            self, tracked: Tracked, table: Table, after: Key | None, size: int,
    ) -> list[tuple[Any, ...]]:
        """Return the values of the first rows after a key."""
        keys = Keys(table)
        given = () if after is None else (after,)
        texts = () if after is None else keys.texts(after)
        if texts is not None:
            where = f'WHERE ({keys.columns}) > ({keys.given})' if texts else ''
            with keys.trying(self._connection, *given):
                source, values = _source(tracked, table, len(texts))
                return execute(self._connection, f'''
                    SELECT {_columns(table)} FROM {source} t
                    {where} ORDER BY {keys.columns} LIMIT {size}''',
                    *texts, *values).fetchall()
        raise ValueError(f'expected a key of {table}, got {after!r}')

    def batches(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        source, values = _source(self._tracked(str(table)), table, 0)
        return self._fetched(
            f'SELECT {_columns(table)} FROM {source} t', values)

    def hasher(self, table: Table) -> PostgreSQLHasher:
        source, values = _source(self._tracked(str(table)), table, 0)
        return PostgreSQLHasher(self._connection, table, source, values)

    def length(self, table: Table) -> int:
        tracked = self._tracked(str(table))
        source, values = _source(tracked, table, 0)
        [[length]] = execute(
            self._connection, f'SELECT count(*) FROM {source} t', *values)
        return int(length)

    def own(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = execute(self._connection, own(statement), *values)
        return cursor.fetchall() if cursor.description else []


def _source(
        tracked: Tracked, table: Table, taken: int,
) -> tuple[str, tuple[Any, ...]]:
    """Return what is in a FROM clause for a table, and values of parameters.

    taken
        How many parameters of the statement come before.
    """
    source = tracked.relation.source
    if table.condition is None:
        return source, ()
    text, values = table.condition
    return (f'(SELECT * FROM {source} gset_rows '
            f'WHERE ({placed(text, taken)}))', values)


def _columns(table: Table) -> str:
    return ', '.join([selected(f't.{quoted(column.name)}', column.type)
                      for column in table.columns])
