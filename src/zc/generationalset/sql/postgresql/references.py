"""Foreign keys, which nobody enforces while rows are applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zc.generationalset.sql.errors import Refused
from zc.generationalset.sql.postgresql.catalog import Relation
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.keys import Keys
from zc.generationalset.sql.postgresql.names import listed, quoted
from zc.generationalset.sql.tables import Key
from zc.generationalset.sql.touched import Touched

# Those of some tables, and those that refer to them.
_KEYS = '''
    SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,
        ARRAY(SELECT a.attname::text
              FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place)
              JOIN pg_catalog.pg_attribute a
              ON a.attrelid = c.conrelid AND a.attnum = k.number
              ORDER BY k.place),
        ARRAY(SELECT a.attname::text
              FROM unnest(c.confkey) WITH ORDINALITY AS k (number, place)
              JOIN pg_catalog.pg_attribute a
              ON a.attrelid = c.confrelid AND a.attnum = k.number
              ORDER BY k.place),
        c.conrelid, c.confrelid
    FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.convalidated
    AND (c.conrelid = ANY ($1::oid[]) OR c.confrelid = ANY ($1::oid[]))
    ORDER BY 1'''


def check(
        connection: Connection, relations: Mapping[str, Relation],
        touched: Touched) -> None:
    """Raise Refused if a foreign key doesn't hold.

    O(rows that were written), unless rows went that others may refer to.

    relations
        Tables by their names.
    """
    by_oid = {relation.oid: relation.table for relation in relations.values()}
    oids = [relations[name].oid for name in touched.tables]
    for name, child, parent, columns, referred, *ends in execute(
            connection, _KEYS, oids).fetchall():
        table, other = map(by_oid.get, ends)  # partitions aren't there
        joined = ''
        arrays: list[str] = []
        if table is not None and other is not None:
            found = touched.to_check(
                str(table), str(other), set(referred) <= set(other.key))
            if found is not None:
                if not found:
                    continue
                joined, arrays = _joined(Keys(table), found)
        are_given = ' AND '.join([f't.{quoted(column)} IS NOT NULL'
                                  for column in columns])
        are_same = ' AND '.join([
            f'p.{quoted(column)} = t.{quoted(own)}'
            for own, column in zip(columns, referred, strict=True)])
        if execute(connection, f'''
                SELECT FROM {child} t {joined} WHERE {are_given} AND NOT
                EXISTS (SELECT FROM {parent} p WHERE {are_same}) LIMIT 1
                ''', *arrays).fetchone() is not None:
            raise Refused(
                f'table {child}, {listed(columns)}: expected rows of {parent} '
                'for its foreign key, got values of no row', name)


def _joined(
        keys: Keys, wanted: Sequence[Key]) -> tuple[str, list[str]]:
    """Return what limits a query to some keys, and its parameters."""
    return (f'JOIN unnest({keys.arrays}) AS w ({keys.names}) '
            f'ON {keys.is_wanted}', keys.arrays_of(wanted))
