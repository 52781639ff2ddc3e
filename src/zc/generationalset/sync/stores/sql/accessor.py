"""The rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from zc.generationalset import wire
from zc.generationalset.chunks import chunks
from zc.generationalset.merging import ABSENT
from zc.generationalset.sql.database import Reading, Row
from zc.generationalset.sql.tables import Column, Key, Table, named
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Gone,
    Refused,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.stores.cursors import asked
from zc.generationalset.sync.stores.files import digest
from zc.generationalset.sync.stores.sql.cells import Cell, is_text
from zc.generationalset.sync.stores.sql.opened import Opened
from zc.generationalset.sync.type import Type, as_id, is_id

#: How many rows of those that changed are read at a time.
CHUNK = 1000


class SQLAccessor(Accessor):
    """The rows of a table, whose key is one column.

    A field is the column of its name; a field without a column isn't kept.
    NULL stands for no value.

    name
        The name of the table, with its schema or without.
    """

    def __init__(self, opened: Opened, name: str, type: Type) -> None:
        self._opened = opened
        self._name = name
        self._type = type

    @cached_property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        with self._opened.reading() as reading:
            makes_ids = self._made_key(self._table(reading), '') is not None
        return Capabilities(True, self._opened.is_tracked(self._name),
                            makes_ids)

    @cached_property
    def _known_cells(self) -> dict[str, Cell]:
        with self._opened.reading() as reading:
            return self._cells(self._table(reading))

    # Tables

    def _table(self, reading: Reading) -> Table:
        """Return the table as it is.  Raises Unavailable."""
        tables = reading.tables()
        found = named(tables, self._name)
        if len(found) != 1:
            raise Unavailable(
                f'expected a table {self._name}, there are '
                + (', '.join(map(str, tables)) or 'none'))
        [table] = found
        if len(table.key) != 1:
            raise Unavailable(f'table {table}: expected a primary key of one '
                              f'column, got {len(table.key)}')
        names = {column.name for column in table.columns}
        for field in self._type.key:
            if field not in names or field in table.key:
                raise Unavailable(f'table {table}: expected a column {field} '
                                  'beside the primary key')
        return table

    def _cells(self, table: Table) -> dict[str, Cell]:
        """Return the fields that the table has."""
        has_types = bool(table.schema)
        return {column.name: Cell(
            self._type.fields[column.name], column, has_types)
            for column in table.columns
            if column.name in self._type.fields
            and column.name not in table.key}

    def _key(self, table: Table, id: Any) -> Key:
        """Return the key of an id.  Raises Gone if no row can have it."""
        if _is_uuid(table):
            try:
                return UUID(id),
            except (ValueError, AttributeError):
                raise Gone(id) from None
        return id,

    def _made_key(self, table: Table, key: str) -> Key | None:
        """Return the key of a new row; None if the database makes it."""
        if _is_uuid(table):
            return uuid5(NAMESPACE_OID, key),
        return (key,) if is_text(_key_column(table)) else None

    # Reading

    def find(self, cursor: str | None = None) -> Changes:
        if not self.capabilities.deltas:
            return Changes(self._all())
        keys = None
        with self._opened.tracked_reading() as reading:
            table = self._table(reading)
            position = reading.position
            since = asked(cursor, position)
            if since and since >= reading.floor(table):
                keys = list(reading.changes(table, since))
        self._opened.tidy()
        # What is read now may be newer, and is listed again the next time.
        return Changes(
            self._all() if keys is None else self._changed(keys),
            keys is None, lambda: str(position))

    def _all(self) -> Iterator[Found]:
        with self._opened.reading() as reading:
            table = self._table(reading)
            for row in reading.scan(table):
                yield self._found(table, row)

    def _changed(self, keys: Sequence[Key]) -> Iterator[Found]:
        for chunk in chunks(keys, CHUNK):
            with self._opened.reading() as reading:
                table = self._table(reading)
                there = {row.key: row for row in reading.rows(table, chunk)}
            for key in chunk:
                yield self._found(table, there[key]) if key in there \
                    else Gone(as_id(_id(key)))

    def _found(self, table: Table, row: Row) -> Found:
        try:
            return self._data(table, row)
        except Unreadable as error:
            return error

    def _data(self, table: Table, row: Row) -> Data:
        """Return an item.  Raises Unreadable."""
        id = _id(row.key)
        stored = _stored(table, row)
        cells = self._cells(table)
        try:
            if not is_id(id):
                raise ValueError('expected an id, a string or an integer, '
                                 f'got {id!r:.100}')
            token = digest(wire.encode_value(
                {name: stored[name] for name in cells}))
        except (TypeError, ValueError) as error:
            raise Unreadable(as_id(id), str(error)) from error
        found = {name: cell.value(stored[name])
                 for name, cell in cells.items()}
        return Data(self._type.name, id, {
            name: value for name, value in found.items()
            if value is not ABSENT}, token)

    def count(self) -> int:
        with self._opened.reading() as reading:
            return reading.length(self._table(reading))

    def get(self, id: Any) -> Data:
        with self._opened.reading() as reading:
            return self._data(*self._row(reading, id))

    def _row(self, reading: Reading, id: Any) -> tuple[Table, Row]:
        table = self._table(reading)
        for row in reading.rows(table, [self._key(table, id)]):
            return table, row
        raise Gone(id)

    # Writing

    def _values(
            self, table: Table, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return what columns have for fields.  Raises Refused."""
        cells = self._cells(table)
        return {field: cells[field].stored(value)
                for field, value in fields.items() if field in cells}

    def add(self, data: Data, key: str) -> Data:
        def add(writing: Any) -> Data:
            table = self._table(writing)
            values = {name: value for name, value in self._values(
                table, data.fields).items() if value is not None}
            made = self._made_key(table, key)
            if made is None:
                made = writing.add(table, values)
            elif not list(writing.rows(table, [made])):
                writing.insert(table, made, values)
            return self._data(*self._row(writing, _id(made)))

        return self._opened.write(add)

    def _expected(
            self, writing: Any, id: Any, token: str | None,
    ) -> tuple[Table, Row]:
        table, row = self._row(writing, id)
        if token is not None and self._data(table, row).token != token:
            raise Stale(f'{id!r} has changed')
        return table, row

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        def update(writing: Any) -> Data:
            table, row = self._expected(writing, id, token)
            values = self._values(table, patch)
            if values:
                writing.update(table, row.key, values)
            return self._data(*self._row(writing, id))

        return self._opened.write(update)

    def remove(self, id: Any, token: str | None) -> None:
        def remove(writing: Any) -> None:
            table, row = self._expected(writing, id, token)
            writing.delete(table, row.key)

        self._opened.write(remove)

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        found = {}
        for field, cell in self._known_cells.items():
            try:
                value = cell.value(cell.stored(fields.get(field, ABSENT)))
            except Refused:
                continue
            if value is not ABSENT:
                found[field] = value
        return found


def _key_column(table: Table) -> Column:
    return next(column for column in table.columns
                if column.name == table.key[0])


def _is_uuid(table: Table) -> bool:
    """Tell whether the key is a UUID; in SQLite, that is text."""
    return bool(table.schema) and _key_column(table).type == 'uuid'


def _id(key: Key) -> Any:
    return str(key[0]) if isinstance(key[0], UUID) else key[0]


def _stored(table: Table, row: Row) -> dict[str, Any]:
    return dict(zip([column.name for column in table.columns], row.values,
                    strict=True))
