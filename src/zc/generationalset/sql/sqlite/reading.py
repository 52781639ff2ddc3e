"""Reading a database at one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any
from weakref import WeakSet

from zc.generationalset.answers import Position
from zc.generationalset.sql.conditions import condition, filled
from zc.generationalset.sql.database import Changes, Row
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.sqlite import (
    conditions,
    json_columns,
    queue,
    quoting,
)
from zc.generationalset.sql.sqlite.connections import Connection, column
from zc.generationalset.sql.sqlite.triggers import keys, old_columns
from zc.generationalset.sql.tables import Condition, Key, Table

#: How many rows are read at a time.
BATCH = 1000
#: How many rows are looked for together.
TOGETHER = 100
#: The most notes that are read for some changes: those of other tables, of
#: rows that are hidden, and of a row that changes often, take time, too.
NOTES = 50_000
#: The types of values that SQLite has; None can't be in a key.
_TYPES = int, float, str, bytes
#: The integers that SQLite has.
_LEAST, _MOST = -2 ** 63, 2 ** 63 - 1


class SQLiteReading:
    """A transaction that reads; see ``Reading``.

    connection
        Has begun the transaction; whoever makes this ends it.
    tables
        The tracked tables, or why one isn't.
    """

    def __init__(
            self, connection: Connection, position: Position,
            tables: Mapping[str, Table | str]) -> None:
        self.connection = connection
        self._tables = tables
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()
        self.position = position

    def close(self) -> None:
        """End scans that didn't come to their ends."""
        for cursor in self._cursors:
            cursor.close()

    def tables(self) -> list[Table]:
        return [table for table in self._tables.values()
                if not isinstance(table, str)]

    def table(self, name: str) -> Table:
        found = self._tables.get(name, f'table {name}: it is not tracked')
        if isinstance(found, str):
            raise DatabaseError(found)
        return found

    def floor(self, table: Table) -> int:
        [floor] = column(
            self.connection, 'SELECT floor FROM gset_tables WHERE name = ?',
            table.name)
        return int(floor)

    def filtered(
            self, table: Table, where: str, parameters: Mapping[str, Any],
    ) -> Table:
        text, values = condition(where, parameters)
        columns = tuple(dict.fromkeys([*table.key, *self._noted(table)[1]]))
        problem = conditions.problem(columns, text)
        if problem:
            raise DatabaseError(
                f'table {table}: expected a condition of columns that are '
                f'noted, which are {", ".join(columns)}; got {where}: '
                f'{problem}')
        return table._replace(condition=Condition(
            filled(text, '?' * len(values)), values))

    def changes(
            self, table: Table, since: int, limit: int | None = None,
    ) -> Iterable[Key]:
        query, values = self._changed(table, since)
        key = ', '.join(keys(table))
        return self._select(
            f'SELECT {key} FROM ({query}) ORDER BY seq LIMIT ?', *values,
            -1 if limit is None else limit)

    def some_changes(
            self, table: Table, since: int, place: tuple[Any, ...],
            limit: int) -> Changes:
        # In the order of the notes: there is no index for that of the keys.
        # What comes after the first of these transactions is left out.
        last, end = place or (since, self.position.generation)
        if not (type(last) is type(end) is int and _is_possible((last, end))):
            raise ValueError(f'expected numbers of notes, got {place!r}')
        upto = self._upto(last, end)
        query, values = self._noted_changes(table, last, upto)
        found: dict[Key, None] = {}
        for seq, *names in self._select(query, *values):
            key = tuple(names)
            if key not in found and len(found) >= limit:
                return Changes(list(found), (last, end))
            found[key] = None
            last = seq
        return Changes(list(found), () if upto == end else (upto, end))

    def _upto(self, last: int, end: int) -> int:
        """Return up to which note some changes are read."""
        found = [] if end - last <= NOTES else column(
            self.connection, 'SELECT seq FROM gset_queue WHERE seq > ? '
            'AND seq < ? ORDER BY seq LIMIT 1 OFFSET ?', last, end, NOTES - 1)
        return found[0] if found else end

    def _noted_changes(
            self, table: Table, since: int, end: int,
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the query for some notes and their keys, and its values."""
        names = keys(table)
        if table.condition is None:
            return (f'SELECT seq, {", ".join(names)} FROM gset_queue '
                    f'WHERE seq > ? AND seq <= ? AND {_OF_TABLE} '
                    f'AND {_are_not_null(names)} ORDER BY seq',
                    (since, end, table.name))
        names = [f'gset_{name}' for name in names]
        text, values = table.condition
        return (f'SELECT gset_seq, {", ".join(names)} '
                f'FROM ({self._notes(table)}) AS gset_notes '
                f'WHERE gset_seq > ? AND gset_seq <= ? '
                f'AND {_are_not_null(names)} AND (gset_was AND ({text}) '
                f'OR {_is_there(table, text)}) ORDER BY gset_seq',
                (table.name, since, end, *values, *values))

    def _changed(
            self, table: Table, since: int) -> tuple[str, tuple[Any, ...]]:
        """Return the query for keys with their last notes, and its values."""
        if table.condition is not None:
            return self._changed_within(table, table.condition, since)
        names = keys(table)
        key = ', '.join(names)
        return (f'SELECT {key}, max(seq) AS seq FROM gset_queue '
                f'WHERE seq > ? AND {_OF_TABLE} AND {_are_not_null(names)} '
                f'GROUP BY {key}', (since, table.name))

    def _changed_within(
            self, table: Table, condition: Condition, since: int,
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the query for keys of rows that are in the table, or were."""
        names = [f'gset_{name}' for name in keys(table)]
        key = ', '.join(names)
        text, values = condition
        selected = ', '.join(f'{name} AS {there}' for name, there
                             in zip(names, keys(table), strict=True))
        return (
            f'SELECT {selected}, max(gset_seq) AS seq '
            f'FROM ({self._notes(table)}) AS gset_notes '
            f'WHERE gset_seq > ? AND {_are_not_null(names)} '
            f'GROUP BY {key} HAVING max(gset_was AND ({text})) '
            f'OR {_is_there(table, text)}',
            (table.name, since, *values, *values))

    def _notes(self, table: Table) -> str:
        """Return a query of the notes of a table, for conditions.

        Key and old values have the names of the table's columns, and there are
        no other columns of it.
        """
        number, noted = self._noted(table)
        marker, *olds = old_columns(number, noted)
        # A condition of the key holds, or not, whether there was a row or not.
        there = {'gset_seq': 'seq', 'gset_was': marker if noted else '1'}
        there |= {f'gset_{name}': name for name in keys(table)}
        there |= dict(zip(table.key, keys(table), strict=True))
        there |= {name: quoting.name(old)
                  for name, old in zip(noted, olds, strict=True)}
        columns = ', '.join(f'{what} AS {quoting.name(name)}'
                            for name, what in there.items())
        return f'SELECT {columns} FROM gset_queue WHERE {_OF_TABLE}'

    def _noted(self, table: Table) -> tuple[int, list[str]]:
        """Return a table's number, and the columns that are noted."""
        [number] = column(
            self.connection, 'SELECT id FROM gset_tables WHERE name = ?',
            table.name)
        return number, list(queue.noted(self.connection, number))

    def changed(self, table: Table, key: Key) -> int:
        if not _is_possible(key):
            return 0
        notes, values = self._notes(table), (table.name, *key)
        where = ' AND '.join(f'gset_{name} = ?' for name in keys(table))
        if table.condition is not None and not any(self.rows(table, [key])):
            # What became of a row that others have is theirs alone.
            where += f' AND gset_was AND ({table.condition.text})'
            values += table.condition.values
        [newest] = column(
            self.connection,
            f'SELECT max(gset_seq) FROM ({notes}) WHERE {where}', *values)
        return newest or 0

    def rows(self, table: Table, keys: Sequence[Key]) -> Iterator[Row]:
        # SQLite finds several values by an index, but not several tuples.
        size = TOGETHER if len(table.key) == 1 else 1
        possible = [key for key in keys if _is_possible(key)]
        for first in range(0, len(possible), size):
            yield from self._rows(table, possible[first:first + size])

    def _rows(self, table: Table, keys: Sequence[Key]) -> Iterator[Row]:
        """Yield the rows with some keys; one key if it has several columns."""
        also, values = _also(table)
        where = ' AND '.join([
            f'{quoting.name(name)} IN ({_placed_all(column)})'
            for name, column in zip(table.key, zip(*keys, strict=True),
                                    strict=True)])
        wanted = set(keys)
        found = self._select(
            f'{_selecting(table)} WHERE {where}{also}',
            *[_bound(value) for key in keys for value in key], *values)
        # Collations and affinities find others, too.
        return (row for row in _as_rows(table, found) if row.key in wanted)

    def scan(
            self, table: Table, after: Key | None = None,
            limit: int | None = None) -> Iterator[Row]:
        key = quoting.names(table.key)
        where = [_are_not_null(map(quoting.name, table.key))]
        if after is not None:
            _check_possible(table, after)
            where.append(f'({key}) > ({_placed_all(after)})')
        also, values = _also(table)
        yield from _as_rows(table, self._select(
            f'{_selecting(table)} WHERE {" AND ".join(where)}{also} '
            f'ORDER BY {key} LIMIT ?', *map(_bound, after or ()), *values,
            -1 if limit is None else limit))

    def batches(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        also, values = _also(table)
        columns = quoting.names(column.name for column in table.columns)
        places = json_columns.places(table)
        with closing(self.connection.cursor()) as cursor:
            self._cursors.add(cursor)
            cursor.execute(
                f'SELECT {columns} FROM {quoting.name(table.name)} WHERE '
                f'{_are_not_null(map(quoting.name, table.key))}{also}', values)
            while rows := cursor.fetchmany(BATCH):
                yield list(json_columns.loaded(places, rows))

    def hasher(self, table: Table) -> None:
        """Return None: SQLite has no hashes."""

    def length(self, table: Table) -> int:
        also, values = _also(table)
        [length] = column(
            self.connection,
            f'SELECT count(*) FROM {quoting.name(table.name)} '
            f'WHERE {_are_not_null(map(quoting.name, table.key))}{also}',
            *values)
        return int(length)

    def own(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(
            quoting.own(statement),
            {str(place): value for place, value in enumerate(values, 1)},
        ).fetchall()

    def _select(
            self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        with closing(self.connection.cursor()) as cursor:
            self._cursors.add(cursor)
            yield from cursor.execute(statement, values)


#: A note of a table with a name.
_OF_TABLE = '"table" = (SELECT id FROM gset_tables WHERE name = ?)'


def _also(table: Table) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a table, behind others, and its values."""
    if table.condition is None:
        return '', ()
    return f' AND ({table.condition.text})', table.condition.values


def _is_there(table: Table, condition: str) -> str:
    """Return the condition that a table has the row of a note."""
    is_row = ' AND '.join(
        f'{quoting.name(name)} = gset_notes.gset_{there} '
        f'AND {quoting.name(name)} = gset_notes.gset_{there} COLLATE BINARY'
        for there, name in zip(keys(table), table.key, strict=True))
    return (f'EXISTS (SELECT 1 FROM {quoting.name(table.name)} '
            f'WHERE {is_row} AND ({condition}))')


def _are_not_null(names: Iterable[str]) -> str:
    return ' AND '.join(f'{name} IS NOT NULL' for name in names)


def _selecting(table: Table) -> str:
    """Return the beginning of a statement that selects key and values."""
    columns = quoting.names(
        [*table.key, *(column.name for column in table.columns)])
    return f'SELECT {columns} FROM {quoting.name(table.name)}'


def _as_rows(
        table: Table, found: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    """Yield the rows of what such a statement has found."""
    size = len(table.key)
    places = [size + place for place in json_columns.places(table)]
    for row in json_columns.loaded(places, found):
        yield Row(row[:size], row[size:])


def _placed_all(key: Key) -> str:
    """Return the parameters for the values of a key."""
    return ', '.join(map(_placed, key))


def _placed(value: Any) -> str:
    """Return the parameter for a value of a key."""
    return 'CAST(? AS TEXT)' if _may_be_bytes(value) else '?'


def _bound(value: Any) -> Any:
    """Return what is bound to the parameter."""
    return value.encode(errors='surrogateescape') \
        if _may_be_bytes(value) else value


def _may_be_bytes(value: Any) -> bool:
    """Tell whether a value is text that may not be UTF-8."""
    return isinstance(value, str) and not value.isascii()


def _check_possible(table: Table, key: Key) -> None:
    if not _is_possible(key):
        raise ValueError(f'expected a key of {table}, got {key!r}')


def _is_possible(key: Key) -> bool:
    """Tell whether a row can have a key."""
    return all(type(value) in _TYPES and (
        type(value) is not int or _LEAST <= value <= _MOST) for value in key)
