"""What is added to a database so that the changes of a table are noticed.

A trigger appends the key of each row that is written to the table's queue.
Any user's writes fire it, so its function has the rights of its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from zc.generationalset.sql.postgresql.names import (
    full_name,
    literal,
    quoted,
)
from zc.generationalset.sql.tables import Table

#: What a table's trigger functions note: that all rows are gone, and keys.
NOTES = 'all', 'new', 'old'

#: How many triggers for rows a table has.
ROW_TRIGGERS = 3

#: The schema, and what it has once.
SCHEMA = (
    'CREATE SCHEMA gset',
    '''CREATE TABLE gset.state (
    generation bigint NOT NULL,
    epoch text NOT NULL,
    snapshot pg_snapshot NOT NULL,
    identity text NOT NULL
)''',
    # The first who reads gives an epoch to it.
    "INSERT INTO gset.state VALUES (0, '', '1:1:', '')",
    '''CREATE TABLE gset.tables (
    number integer PRIMARY KEY,
    relation regclass NOT NULL UNIQUE,
    floor bigint NOT NULL,
    fingerprint text NOT NULL,
    noted text[] NOT NULL,
    waiting bigint
)''',
)


def keys(table: Table) -> list[str]:
    """Return the names of the key's columns in tables of the schema gset."""
    return [f'k{place}' for place, _ in enumerate(table.key, 1)]


def olds(noted: Collection[str]) -> list[str]:
    """Return the names of columns with old values, in the schema gset."""
    return [f'o{place}' for place, _ in enumerate(noted, 1)]


def statements(
        number: int, table: Table, types: list[str], noted: Mapping[str, str],
) -> Iterator[str]:
    """Yield what tracks a table.

    number
        The number of the table in the schema gset.
    types
        Those of the columns of the key.
    noted
        The columns whose old values are noted, and their types.
    """
    names = keys(table)
    key = [f'{name} {type}' for name, type in zip(names, types, strict=True)]
    old = [f'{name} {type}' for name, type
           in zip(olds(noted), noted.values(), strict=True)]
    yield f'''CREATE TABLE gset.queue_{number} (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    gone boolean NOT NULL,
{_lines(key + old)}
)'''
    yield f'CREATE INDEX ON gset.queue_{number} (xid)'
    yield f'''CREATE TABLE gset.rows_{number} (
{_lines(key)},
    generation bigint NOT NULL,
    gone boolean NOT NULL,
    PRIMARY KEY ({", ".join(names)})
)'''
    yield f'CREATE INDEX ON gset.rows_{number} (generation)'
    yield f'CREATE INDEX ON gset.rows_{number} (generation) WHERE gone'
    if noted:
        yield f'''CREATE TABLE gset.olds_{number} (
{_lines(key + old)},
    generation bigint NOT NULL
)'''
        yield f'CREATE INDEX ON gset.olds_{number} (generation)'
    for note, body in bodies(number, table, noted).items():
        yield (f'CREATE FUNCTION {note}() RETURNS trigger '
               'LANGUAGE plpgsql SECURITY DEFINER '
               f'SET search_path = pg_catalog AS {literal(body)}')
    yield from _triggers(number, table, noted)
    yield (f'INSERT INTO gset.tables VALUES ({number}, '
           f"{literal(full_name(table))}, 0, '', "
           f'ARRAY[{", ".join(map(literal, noted))}]::text[])')


def _lines(columns: list[str]) -> str:
    return ',\n'.join([f'    {column}' for column in columns])


def bodies(
        number: int, table: Table, noted: Collection[str]) -> dict[str, str]:
    """Return the bodies of the trigger functions, by their names.

    They note the new key of a row, the old one, with old values, and that all
    rows are gone.
    """
    rows = {
        'new': ('false', [f'NEW.{quoted(name)}' for name in table.key]),
        'old': ('true', [f'OLD.{quoted(name)}'
                         for name in (*table.key, *noted)]),
        'all': ('true', [])}
    names = [*keys(table), *olds(noted)]
    return {
        f'gset.note_{what}_{number}':
        f'BEGIN INSERT INTO gset.queue_{number} '
        f'({", ".join(["gone", *names[:len(values)]])}) '
        f'VALUES ({", ".join([gone, *values])}); RETURN NULL; END'
        for what, (gone, values) in rows.items()}


def _triggers(
        number: int, table: Table, noted: Collection[str]) -> Iterator[str]:
    """Yield the triggers of a table; those for rows are its partitions', too.

    The condition for the old key also keeps others from changing the types of
    its columns, and of those that are noted.
    """
    name = full_name(table)
    for what, event, note in [
            ('write', 'AFTER INSERT OR UPDATE ON {} FOR EACH ROW', 'new'),
            ('move', 'AFTER UPDATE ON {} FOR EACH ROW '
             f'WHEN ({_is_moved(table, noted)})', 'old'),
            ('delete', 'AFTER DELETE ON {} FOR EACH ROW', 'old')]:
        yield (f'CREATE TRIGGER gset_{number}_{what} {event.format(name)} '
               f'EXECUTE FUNCTION gset.note_{note}_{number}()')
        yield (f'ALTER TABLE {name} '
               f'ENABLE ALWAYS TRIGGER gset_{number}_{what}')


def _is_moved(table: Table, noted: Collection[str]) -> str:
    """Return the condition that a row gets another key, or noted value.

    Noted values are compared as they are stored: a condition may see more than
    whether they are equal, and some types have no equality.
    """
    old, new = (', '.join([f'{row}.{quoted(name)}' for name in table.key])
                for row in ('OLD', 'NEW'))
    moved = f'({old}) IS DISTINCT FROM ({new})'
    if noted:
        old, new = (', '.join([f'{row}.{quoted(name)}' for name in noted])
                    for row in ('OLD', 'NEW'))
        moved += (f' OR ROW({old})::record OPERATOR(pg_catalog.*<>) '
                  f'ROW({new})::record')
    return moved


def truncation(number: int, name: str) -> Iterator[str]:
    """Yield the trigger for TRUNCATE of a table, or of one of its partitions.

    A partition that is made later has none.  Then it is noticed that its file
    is another one.
    """
    yield (f'CREATE TRIGGER gset_{number}_truncate AFTER TRUNCATE ON {name} '
           f'FOR EACH STATEMENT EXECUTE FUNCTION gset.note_all_{number}()')
    yield (f'ALTER TABLE {name} '
           f'ENABLE ALWAYS TRIGGER gset_{number}_truncate')


