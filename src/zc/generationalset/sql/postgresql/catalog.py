"""Tables, as the catalogs of PostgreSQL describe them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.names import full_name, listed
from zc.generationalset.sql.tables import Column, Table


class Relation(NamedTuple):
    """A table, and what PostgreSQL knows of it.

    kind
        A character: ``r`` for a table, ``p`` for one with partitions.
    version
        A text that is another one when columns have got other types, or when
        the table was made anew.
    leaves
        The names of the partitions that have rows, for SQL.
    """

    oid: int
    table: Table
    kind: str
    version: str
    leaves: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return full_name(self.table)

    @property
    def target(self) -> str:
        """The table in statements, without tables that inherit from it."""
        return self.name if self.kind == 'p' else f'ONLY {self.name}'

    @property
    def source(self) -> str:
        """The table in a FROM clause of a transaction that reads.

        Partitions come at once, also where an earlier snapshot is read.  So
        those are read that were there.
        """
        if not self.leaves:
            return f'ONLY {self.name} {self.mark}'
        columns = listed([column.name for column in self.table.columns])
        return '({}) {}'.format(' UNION ALL '.join([
            f'SELECT {columns} FROM ONLY {leaf}' for leaf in self.leaves]),
            self.mark)

    @property
    def mark(self) -> str:
        """A comment for statements that depend on types of columns.

        A connection keeps a plan for each text that it executes often, and
        PostgreSQL refuses one whose types would be others now.
        """
        return f'/* {self.version} */'

    @property
    def locked(self) -> list[str]:
        """What must be locked while it is read."""
        return [f'ONLY {name}' for name in (self.name, *self.leaves)]


_RELATIONS = '''
    SELECT c.oid, n.nspname, c.relname, c.relkind::text, concat(c.oid, ' ', (
        SELECT md5(string_agg(concat_ws(
            ',', a.attnum, a.atttypid, a.atttypmod, a.attcollation), ';'
            ORDER BY a.attnum))
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0)), ARRAY(
        SELECT a.attname::text FROM pg_catalog.pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::int2[])
            WITH ORDINALITY AS k (attnum, place)
        JOIN pg_catalog.pg_attribute a
        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary
        AND k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE {} ORDER BY 2, 3'''

_OF_USERS = '''c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't' AND NOT c.relispartition
    AND n.nspname NOT IN (
        'pg_catalog', 'information_schema', 'gset', 'gset_copies')
    AND n.nspname NOT LIKE 'pg\\_toast%' '''

# The type of a domain is the one that it limits.  A type of a user is spelled
# with its schema.
_COLUMNS = '''
    SELECT a.attrelid, a.attname, CASE
        WHEN n.nspname = 'pg_catalog'
        THEN format_type(b.oid, coalesce(d.typtypmod, a.atttypmod))
        ELSE concat(quote_ident(n.nspname), '.', quote_ident(e.typname),
                    CASE WHEN e.oid <> b.oid THEN '[]' END) END,
        NOT a.attnotnull, a.attgenerated <> '',
        a.atthasdef OR a.attidentity <> ''
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_type d ON d.oid = a.atttypid AND d.typtype = 'd'
    JOIN pg_catalog.pg_type b ON b.oid = coalesce(d.typbasetype, a.atttypid)
    JOIN pg_catalog.pg_type e ON e.oid = CASE
        WHEN b.typcategory = 'A' AND b.typelem <> 0 THEN b.typelem
        ELSE b.oid END
    JOIN pg_catalog.pg_namespace n ON n.oid = e.typnamespace
    WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum'''


# Those whose detaching has begun have no rows of the table any more.
_LEAVES = '''
    WITH RECURSIVE tree AS (
        SELECT oid AS root, oid FROM pg_catalog.pg_class
        WHERE oid = ANY ($1::oid[]) AND relkind = 'p'
        UNION ALL
        SELECT tree.root, i.inhrelid FROM tree
        JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
        WHERE NOT i.inhdetachpending
    )
    SELECT tree.root, array_agg(
        concat(quote_ident(n.nspname), '.', quote_ident(c.relname))
        ORDER BY c.oid)
    FROM tree JOIN pg_catalog.pg_class c
    ON c.oid = tree.oid AND c.relkind <> 'p'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    GROUP BY tree.root'''


def users_relations(connection: Connection) -> list[Relation]:
    """Return the tables, views and foreign tables of users."""
    return _relations(connection, _OF_USERS)


def relations(connection: Connection, oids: list[int]) -> list[Relation]:
    """Return the tables with some oids, with their partitions."""
    return with_leaves(connection, _relations(
        connection, 'c.oid = ANY ($1::oid[])', oids))


def with_leaves(
        connection: Connection, found: list[Relation]) -> list[Relation]:
    """Return tables with their partitions."""
    leaves: dict[int, list[str]] = dict(execute(
        connection, _LEAVES, [relation.oid for relation in found]).fetchall())
    return [relation._replace(leaves=tuple(leaves.get(relation.oid, ())))
            for relation in found]


def _relations(
        connection: Connection, condition: str, *parameters: list[int],
) -> list[Relation]:
    found = execute(
        connection, _RELATIONS.format(condition), *parameters).fetchall()
    columns = _columns(connection, [oid for oid, *_ in found])
    return [
        Relation(oid, Table(schema, name, tuple(key), tuple(columns[oid])),
                 kind, version)
        for oid, schema, name, kind, version, key in found]


def _columns(
        connection: Connection, oids: Iterable[int],
) -> dict[int, list[Column]]:
    columns = defaultdict(list)
    for oid, *column in execute(connection, _COLUMNS, oids):
        columns[oid].append(Column(*column))
    return columns
