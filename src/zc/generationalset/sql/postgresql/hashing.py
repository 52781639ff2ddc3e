"""Hashes of rows, made by PostgreSQL: faster than to send the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import psycopg

from zc.generationalset.sql.database import Bucket, Hashed
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.loaders import selected
from zc.generationalset.sql.postgresql.names import quoted
from zc.generationalset.sql.tables import Table

#: How many rows are read at a time.
ROWS = 1000
_HALF = 1 << 64


class PostgreSQLHasher:
    """See ``Hasher``.  A hash is one of the text of a row.

    To combine hashes of the values, as ``hash_record_extended`` does, would
    not do: sums of these stay the same if two rows swap a value.

    source
        The table in a FROM clause, which has ``values`` as parameters.
    """

    def __init__(
            self, connection: Connection, table: Table, source: str,
            values: tuple[Any, ...]) -> None:
        self._connection = connection
        self._table = table
        self._values = values
        columns = sorted(table.columns)
        row = ', '.join([f't.{quoted(column.name)}' for column in columns])
        keys = {column.name: column.type for column in columns}
        key = ', '.join([
            f'{selected(f"t.{quoted(name)}", keys[name])} AS k{place}'
            for place, name in enumerate(table.key, 1)])
        #: Hasher of tables with the same columns make the same hashes.
        self.kind = f'postgresql {table.key} ' + repr([
            (column.name, column.type) for column in columns])
        self._rows = f'''(
            SELECT {{}} hashtextextended(r, 0) AS h0,
                hashtextextended(r, 1) AS h1
            FROM (SELECT {key}, ROW({row})::text COLLATE "C" AS r
                  FROM {source} t OFFSET 0) AS r) AS h'''

    def buckets(self, count: int) -> Iterator[Bucket]:
        for number, rows, one, other in execute(
                self._connection, f'''
                SELECT (h0 & {count - 1})::int, count(*), sum(h0), sum(h1)
                FROM {self._rows.format('')} GROUP BY 1''', *self._values):
            yield Bucket(number, rows, int(one) % _HALF * _HALF
                         + int(other) % _HALF)

    def rows(
            self, count: int, numbers: Collection[int],
    ) -> Iterator[list[Hashed]]:
        keys = ', '.join([
            f'k{place}' for place, _ in enumerate(self._table.key, 1)])
        values = self._values
        with psycopg.RawServerCursor(
                self._connection, 'gset_hashes') as cursor:
            cursor.execute(f'''
                SELECT {keys}, h0, h1 FROM {self._rows.format(keys + ',')}
                WHERE (h0 & {count - 1})::int
                = ANY (${len(values) + 1}::int[])'''.encode(),
                (*values, sorted(numbers)))
            while found := cursor.fetchmany(ROWS):
                yield [_hashed(*row) for row in found]


def _hashed(*row: Any) -> Hashed:
    *key, one, other = row
    return Hashed(tuple(key), b''.join([
        half.to_bytes(8, 'big', signed=True) for half in (one, other)]))
