"""Beginning to track tables, mending that, and ending it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from zc.generationalset.sql.errors import Untrackable
from zc.generationalset.sql.postgresql import (
    catalog,
    fingerprint,
    layout,
    triggers,
)
from zc.generationalset.sql.postgresql.catalog import Relation
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.keys import KEY_TYPES
from zc.generationalset.sql.postgresql.loaders import base_of
from zc.generationalset.sql.tables import Column, Table

#: Begins to execute a plan, when others have ended that.  This lock needs no
#: table: there may be none yet.
BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('gset', 0))"

#: The key of tables that had none.
ADDED_KEY = 'gset_key'

_KINDS = {'v': 'a view', 'm': 'a materialized view', 'f': 'a foreign table'}

# What PostgreSQL knows of the relations that are a table: itself, and its
# partitions.  Children that aren't partitions are rows of nobody.
_PARTS = '''
    WITH RECURSIVE tree AS (
        SELECT $1::oid AS oid
        UNION ALL
        SELECT i.inhrelid FROM tree
        JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
    )
    SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        c.relkind::text, c.relpersistence::text, c.relispartition
    FROM tree JOIN pg_catalog.pg_class c USING (oid)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 2'''

_KEY = '''
    SELECT a.attname, y.typtype = 'e', coalesce(l.collisdeterministic, true)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    WHERE a.attrelid = $1 AND a.attname = ANY ($2::text[])'''

# Its triggers that are enabled, and whose functions are as they should be.
_RIGHT = '''
    SELECT count(*) FROM pg_catalog.pg_trigger g
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid = $1 AND g.tgenabled = 'A'
    AND p.pronamespace = 'gset'::regnamespace AND p.prosrc = ANY ($2::text[])
    '''

# Whether those of all partitions are enabled, too.
_ENABLED = f'''
    SELECT f.enabled FROM gset.tables t
    CROSS JOIN LATERAL ({fingerprint.QUERY}) AS f (fingerprint, enabled)
    WHERE t.number = $1'''


def basis(connection: Connection) -> object:
    """Return what is tracked, which a plan depends on."""
    # While this waited, others may have made it: to_regclass might not know,
    # as it looks into a cache.
    [[is_there]] = execute(connection, '''
        SELECT count(*) > 0 FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'gset' AND c.relname = 'tables'
        ''')
    if not is_there:
        return False
    return execute(connection, '''
        SELECT number, relation::oid, noted FROM gset.tables ORDER BY number
        ''').fetchall()


def beginning(
        connection: Connection, tables: Sequence[Table], add_key: bool,
        noted: Collection[str]) -> Iterator[str]:
    """Yield the statements that track tables.  Raises Untrackable."""
    found = {str(relation.table): relation
             for relation in catalog.users_relations(connection)}
    is_there = layout.is_there(connection)
    number = 1
    if is_there:
        [[number]] = execute(
            connection, 'SELECT coalesce(max(number), 0) + 1 FROM gset.tables')
    statements: list[str] = []
    if is_there and not _is_current(connection):
        statements.append('ALTER TABLE gset.tables ADD COLUMN waiting bigint')
    for table in dict.fromkeys(tables):
        if str(table) not in found:
            raise Untrackable(f'table {table}: there is none of this name')
        relation = found[str(table)]
        names = [column.name for column in relation.table.columns
                 if column.name in noted
                 and column.name not in relation.table.key]
        old = _known(connection, relation) if is_there else None
        if old is not None:
            if set(names) <= set(old[1]) <= {
                    column.name for column in relation.table.columns
            } and _is_right(connection, relation, *old):
                continue
            statements += _removing(old[0])
            names = list(dict.fromkeys([*old[1], *names]))
        statements += _one(connection, relation, number, add_key, names)
        number += 1
    if not statements:
        return
    if is_there:
        yield 'LOCK TABLE gset.state IN EXCLUSIVE MODE'
    else:
        yield from triggers.SCHEMA
    yield from statements


def _is_current(connection: Connection) -> bool:
    """Tell whether the schema is that of this release, not an older one."""
    [[is_there]] = execute(connection, """
        SELECT count(*) > 0 FROM pg_catalog.pg_attribute
        WHERE attrelid = 'gset.tables'::regclass AND attname = 'waiting'""")
    return bool(is_there)


def _known(
        connection: Connection, relation: Relation,
) -> tuple[int, list[str]] | None:
    """Return the number of a table that is tracked, and what is noted."""
    found = execute(connection, 'SELECT number, noted FROM gset.tables '
                    'WHERE relation = $1', relation.oid).fetchone()
    return (found[0], found[1]) if found else None


def _is_right(
        connection: Connection, relation: Relation, number: int,
        noted: list[str]) -> bool:
    bodies = triggers.bodies(number, relation.table, noted).values()
    [[count]] = execute(connection, _RIGHT, relation.oid, list(bodies))
    [[enabled]] = execute(connection, _ENABLED, number)
    return bool(enabled and count == triggers.ROW_TRIGGERS + 1)


def _removing(number: int) -> Iterator[str]:
    """Yield the statements that end the tracking of one table."""
    for what in triggers.NOTES:
        yield f'DROP FUNCTION IF EXISTS gset.note_{what}_{number}() CASCADE'
    yield f'DROP TABLE gset.queue_{number}, gset.rows_{number}'
    yield f'DROP TABLE IF EXISTS gset.olds_{number}'
    yield f'DELETE FROM gset.tables WHERE number = {number}'


def _one(
        connection: Connection, relation: Relation, number: int,
        add_key: bool, noted: list[str]) -> Iterator[str]:
    table = relation.table
    _check_kind(relation)
    parts = execute(connection, _PARTS, relation.oid).fetchall()
    for oid, name, kind, persistence, is_partition in parts:
        if kind == 'f':
            raise Untrackable(f'table {table}: its partition {name} is a '
                              'foreign table, which others may write to')
        if persistence != 'p':
            raise Untrackable(f'table {table}: {name} is unlogged, so a crash '
                              'empties it, and no trigger sees that')
        if oid != relation.oid and not is_partition:
            raise Untrackable(f'table {table}: the table {name} inherits from '
                              'it without being a partition')
    if not table.key and add_key:
        yield (f'ALTER TABLE {relation.name} ADD COLUMN {ADDED_KEY} uuid '
               'DEFAULT gen_random_uuid() PRIMARY KEY')
        key = Column(ADDED_KEY, 'uuid')
        table = table._replace(
            key=(ADDED_KEY,), columns=(*table.columns, key))
    types = list(_types(connection, relation.oid, table))
    yield from triggers.statements(
        number, table, types, _noted(connection, relation, noted))
    for _, name, *_ in parts:
        yield from triggers.truncation(number, name)


_COLLATION = '''
    SELECT a.attname, concat(
        'COLLATE ', quote_ident(n.nspname), '.', quote_ident(l.collname))
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
    WHERE a.attrelid = $1 AND a.attname = ANY ($2::text[])'''


def _noted(
        connection: Connection, relation: Relation, names: list[str],
) -> dict[str, str]:
    """Return the types of columns whose old values are noted."""
    columns = {column.name: column for column in relation.table.columns}
    collations: dict[str, str] = dict(execute(
        connection, _COLLATION, relation.oid, names).fetchall())
    for name in names:
        if name not in columns or columns[name].is_generated:
            what = 'the database computes it' if name in columns \
                else 'there is none; untrack forgets that'
            raise Untrackable(
                f'table {relation.table}: expected a column {name} whose old '
                f'values are noted, {what}')
    return {name: f'{columns[name].type} {collations.get(name, "")}'.strip()
            for name in names}


def _check_kind(relation: Relation) -> None:
    if relation.kind in _KINDS:
        raise Untrackable(
            f'table {relation.table}: expected a table, got '
            f'{_KINDS[relation.kind]}, whose changes fire no triggers')


def _types(
        connection: Connection, oid: int, table: Table) -> Iterator[str]:
    """Yield the types of the columns of the key."""
    if not table.key:
        raise Untrackable(
            f'table {table}: expected a primary key, got none; --add-key adds '
            'a column of UUIDs')
    facts = {name: (is_enum, is_exact) for name, is_enum, is_exact
             in execute(connection, _KEY, oid, list(table.key))}
    types = {column.name: column.type for column in table.columns}
    for name in table.key:
        is_enum, is_exact = facts.get(name, (False, True))
        if types[name].endswith('[]') or not (
                is_enum or base_of(types[name]) in KEY_TYPES):
            raise Untrackable(
                f'table {table}: column {name} of the key is of the type '
                f'{types[name]}, of which equal values may have several '
                'forms, or which can\'t be an id')
        if not is_exact:
            raise Untrackable(
                f'table {table}: column {name} of the key has a collation in '
                'which different texts are equal')
        yield base_of(types[name])


_WITH_KEY = '''
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM gset.tables t JOIN pg_catalog.pg_attribute a
    ON a.attrelid = t.relation AND a.attname = $1 AND NOT a.attisdropped
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1'''


def ending(connection: Connection) -> Iterator[str]:
    """Yield the statements that leave nothing of the tracking."""
    if not layout.is_there(connection):
        return
    names = execute(connection, _WITH_KEY, ADDED_KEY).fetchall()
    yield 'DROP SCHEMA gset CASCADE'
    for [name] in names:
        yield f'ALTER TABLE {name} DROP COLUMN {ADDED_KEY}'
