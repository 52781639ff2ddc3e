"""The triggers that note which rows are touched.

Within a trigger, the conflict clause of the outer statement is in force.  So
notes are inserted where nothing can conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zc.generationalset.sql.sqlite import quoting
from zc.generationalset.sql.sqlite.reflection import (
    ADDED_KEY,
    OURS,
    Reflected,
)
from zc.generationalset.sql.tables import Table

_EVENTS = ('insert', 'replace', 'update', 'displace', 'move', 'delete', 'key')

_UUID = ("lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "
         "substr(hex(randomblob(2)), 2) || '-8' || "
         "substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))")


def keys(table: Table) -> list[str]:
    """Return the columns of the queue that have the keys of a table."""
    return [f'key{number}' for number, _ in enumerate(table.key, 1)]


def old_columns(number: int, noted: Sequence[str]) -> list[str]:
    """Return the columns of the queue that have old values of a table.

    The first says whether there was a row.
    """
    return [f'old{number}', *(f'old{number}_{name}' for name in noted)]


def creating(
        reflected: Reflected, number: int, noted: Sequence[str],
) -> Iterator[str]:
    """Yield the statements that make the triggers of a table.

    number
        That of the table in the queue.
    noted
        The columns whose old values are noted.
    """
    table, uniques, _ = reflected
    here = ', '.join(keys(table))
    olds = quoting.names(old_columns(number, noted)) if noted else ''

    def trigger(event: str, when: str, body: str) -> str:
        return (f'CREATE TRIGGER {_trigger(table.name, event)} {when} BEGIN '
                f'{body}; END')

    def note(row: str) -> str:
        return (f'INSERT INTO gset_queue ("table", {here}) '
                f'VALUES ({number}, {quoting.names(table.key, row)})')

    def note_old(row: str) -> str:
        """Return a statement that notes a row that was there, with values."""
        if not noted:
            return note(row)
        return (f'INSERT INTO gset_queue ("table", {here}, {olds}) '
                f'VALUES ({number}, {quoting.names(table.key, row)}, 1, '
                f'{quoting.names(noted, "OLD.")})')

    def displaced(uniques: tuple[tuple[tuple[str, str], ...], ...]) -> str:
        """Return a statement that notes the rows that REPLACE displaces.

        It fires no trigger for them.
        """
        where = ' OR '.join('(' + ' AND '.join(
            f'{quoting.name(name)} = {value}' for name, value in columns)
            + ')' for columns in uniques)
        values = f', 1, {quoting.names(noted)}' if noted else ''
        return (f'INSERT INTO gset_queue ("table", {here}'
                f'{olds and ", " + olds}) SELECT {number}, '
                f'{quoting.names(table.key)}{values} FROM '
                f'{quoting.name(table.name)} WHERE ({where})')

    on = quoting.name(table.name)
    is_other = ' OR '.join(
        f'{quoting.name(name)} IS NOT OLD.{quoting.name(name)}'
        for name in table.key)
    yield trigger('replace', f'BEFORE INSERT ON {on}', displaced(uniques))
    yield trigger('insert', f'AFTER INSERT ON {on}', note('NEW.'))
    yield trigger(
        'displace', f'BEFORE UPDATE ON {on} WHEN {_differ(uniques)}',
        f'{displaced(uniques)} AND ({is_other})')
    is_moved = ' OR '.join(
        f'NEW.{quoting.name(name)} IS NOT OLD.{quoting.name(name)} '
        'COLLATE BINARY' for name in table.key)
    yield trigger('update', f'AFTER UPDATE ON {on} WHEN NOT ({is_moved})',
                  note_old('NEW.'))
    yield trigger('move', f'AFTER UPDATE ON {on} WHEN {is_moved}',
                  f'{note_old("OLD.")}; {note("NEW.")}')
    yield trigger('delete', f'AFTER DELETE ON {on}', note_old('OLD.'))
    if table.key == (ADDED_KEY,):
        yield trigger(
            'key', f'AFTER INSERT ON {on} WHEN NEW.{ADDED_KEY} IS NULL',
            f'UPDATE {on} SET {ADDED_KEY} = {_UUID} '
            'WHERE rowid = NEW.rowid')


def _differ(uniques: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """Return a condition: an update moves a row in a unique index.

    ``UPDATE OF`` wouldn't do: it doesn't see that ``rowid`` is a column.
    """
    changed = {name: value for columns in uniques for name, value in columns}
    return ' OR '.join(f'{value} IS NOT OLD.{quoting.name(name)}'
                       for name, value in changed.items())


def dropping(name: str) -> list[str]:
    """Return the statements that drop the triggers of a table, if any."""
    return [f'DROP TRIGGER IF EXISTS {_trigger(name, event)}'
            for event in _EVENTS]


def adding_key(table: Table) -> list[str]:
    """Return the statements that give a table a column of UUIDs."""
    on = quoting.name(table.name)
    return [f'ALTER TABLE {on} ADD COLUMN {ADDED_KEY} TEXT',
            f'UPDATE {on} SET {ADDED_KEY} = {_UUID}',
            f'CREATE UNIQUE INDEX {_key_index(table.name)} '
            f'ON {on} ({ADDED_KEY})']


def removing_key(name: str) -> list[str]:
    """Return the statements that remove the column of UUIDs."""
    return [f'DROP INDEX IF EXISTS {_key_index(name)}',
            f'ALTER TABLE {quoting.name(name)} DROP COLUMN {ADDED_KEY}']


def _trigger(name: str, event: str) -> str:
    return quoting.name(f'{OURS}{name}_{event}')


def _key_index(name: str) -> str:
    return quoting.name(f'{OURS}{name}_key_index')
