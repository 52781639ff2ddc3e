"""Beginning to track tables, going on after changes of schema, and ending."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from zc.generationalset.sql.errors import Untrackable
from zc.generationalset.sql.sqlite import (
    fingerprint,
    notes,
    queue,
    quoting,
    reflection,
    triggers,
)
from zc.generationalset.sql.sqlite.connections import Connection, column
from zc.generationalset.sql.sqlite.reflection import ADDED_KEY, Reflected
from zc.generationalset.sql.tables import Table

_NEWEST = 'SELECT max(seq) FROM gset_queue'


def renew(connection: Connection) -> str:
    """Begin a new epoch, and return it.

    Nobody knows anything of it yet, so the floors are here.
    """
    epoch = secrets.token_urlsafe(9)
    connection.execute('UPDATE gset_state SET epoch = ?', (epoch,))
    connection.execute(f'UPDATE gset_tables SET floor = ({_NEWEST})')
    return epoch


def is_tracked(connection: Connection) -> bool:
    """Tell whether the database has what tracking needs."""
    return bool(column(connection, 'SELECT 1 FROM sqlite_schema '
                       "WHERE name = 'gset_state'"))


def tracked(connection: Connection) -> dict[str, str | None]:
    """Return the name of each tracked table, and why it isn't, if so."""
    if not is_tracked(connection):
        return {}
    return dict(connection.execute(
        'SELECT name, problem FROM gset_tables ORDER BY id').fetchall())


def beginning(
        connection: Connection, tables: Sequence[Table], add_key: bool,
        noted: Sequence[str]) -> Iterator[str]:
    """Yield the statements that begin to track tables.

    Raises Untrackable.
    """
    known, there = _numbers(connection), queue.columns(connection)
    begun = [] if is_tracked(connection) else list(_making())
    names = []
    for table in tables:
        columns = [name for name in noted
                   if any(each.name == name for each in table.columns)]
        number = known.get(table.name)
        if number is not None and set(columns) <= set(
                queue.noted(connection, number)):
            continue
        if add_key and not table.key:
            yield from triggers.adding_key(table)
            reflected = reflection.reflect_keyless(connection, table.name)
        else:
            reflected = reflection.reflect(connection, table.name)
            reflection.check_keys(connection, table)
        if number is None:
            number = known[table.name] = len(known) + 1
            begun.append(
                f'INSERT INTO gset_tables VALUES ({number}, '
                f'{quoting.text(table.name)}, 0, NULL, NULL)')
        else:
            begun += triggers.dropping(table.name)
        begun += _starting(connection, reflected, number, there, columns)
        names.append(table.name)
    if names:
        yield from begun
        yield from fingerprint.sealing(names)


def _numbers(connection: Connection) -> dict[str, int]:
    """Return the numbers of tracked tables, by name."""
    if not is_tracked(connection):
        return {}
    return dict(connection.execute(
        'SELECT name, id FROM gset_tables').fetchall())


def _making() -> Iterator[str]:
    yield 'CREATE TABLE gset_state (epoch TEXT NOT NULL)'
    epoch = quoting.text(secrets.token_urlsafe(9))
    yield f"INSERT INTO gset_state VALUES ({epoch})"
    yield ('CREATE TABLE gset_tables (id INTEGER PRIMARY KEY, '
           'name TEXT NOT NULL UNIQUE, floor INTEGER NOT NULL, '
           'fingerprint TEXT, problem TEXT)')
    yield ('CREATE TABLE gset_queue (seq INTEGER PRIMARY KEY, '
           '"table" INTEGER NOT NULL, mark INTEGER NOT NULL DEFAULT '
           '(random()))')


def _widening(
        reflected: Reflected, number: int, there: set[str],
        noted: Sequence[str]) -> Iterator[str]:
    """Yield the statements that give the queue columns for a table.

    Old values are compared as those of the table, so they have its types.
    """
    wanted = dict.fromkeys(triggers.keys(reflected.table), '')
    if noted:
        kinds = {
            each.name: f'{each.type} COLLATE {reflected.collations[each.name]}'
            for each in reflected.table.columns}
        marker, *olds = triggers.old_columns(number, noted)
        wanted[marker] = ''
        wanted |= dict(zip(olds, map(kinds.__getitem__, noted), strict=True))
    for name, kind in wanted.items():
        if name not in there:
            there.add(name)
            yield (f'ALTER TABLE gset_queue ADD COLUMN {quoting.name(name)} '
                   f'{kind}')


def _starting(
        connection: Connection, reflected: Reflected, number: int,
        there: set[str], noted: Sequence[str] = ()) -> Iterator[str]:
    """Yield the statements after which all changes of a table are noted.

    What was before is unknown, so the floor is here.

    there
        The columns of the queue, to which this adds.

    Raises Untrackable.
    """
    types = {each.name: each.type for each in reflected.table.columns}
    already = queue.noted(connection, number)
    for name, type in already.items():
        if types.get(name) != type:
            raise Untrackable(
                f'table {reflected.table}: expected a column {name} of type '
                f'{type}, whose old values are noted')
    noted = list(dict.fromkeys([*already, *noted]))
    yield from _widening(reflected, number, there, noted)
    yield from triggers.creating(reflected, number, noted)
    yield f'INSERT INTO gset_queue ("table") VALUES ({number})'
    yield (f'UPDATE gset_tables SET floor = ({_NEWEST}), problem = NULL '
           f'WHERE id = {number}')


def going_on(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Yield the statements that track tables again whose schema changed."""
    numbers, there = _numbers(connection), queue.columns(connection)
    for name in names:
        yield from triggers.dropping(name)
        try:
            yield from list(_starting(
                connection, reflection.reflect(connection, name),
                numbers[name], there))
        except Untrackable as error:
            yield (f'UPDATE gset_tables SET problem = '
                   f'{quoting.text(str(error))} WHERE name = '
                   f'{quoting.text(name)}')
    yield from fingerprint.sealing(names)


def ending(connection: Connection) -> Iterator[str]:
    """Yield the statements that leave nothing of the tracking.

    What copies note isn't part of it.
    """
    if not is_tracked(connection):
        return
    # All, because tables may have been renamed.
    for name in column(
            connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            ' AND substr(name, 1, 5) = ?', reflection.OURS):
        yield f'DROP TRIGGER {quoting.name(name)}'
    for table in reflection.tables(connection):
        if table.key == (ADDED_KEY,):
            yield from triggers.removing_key(table.name)
    yield f'DROP VIEW IF EXISTS {fingerprint.LAST}'
    for name in column(
            connection, "SELECT name FROM sqlite_schema WHERE type = 'table'"
            ' AND substr(name, 1, 5) = ? AND name <> ?', reflection.OURS,
            notes.TABLE):
        yield f'DROP TABLE {quoting.name(name)}'
