"""What a database remembers of the others, in tables beside its own.

``{gset}`` stands before the names of these tables in statements; what that is
depends on the kind of database.  Parameters are $1, $2, and so on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from zc.generationalset.sql.database import Database, Reading

_TABLES = (
    'CREATE TABLE IF NOT EXISTS {gset}identity (id text NOT NULL)',
    # What a client remembers of a server, and of each table.
    '''CREATE TABLE IF NOT EXISTS {gset}servers (
        id text PRIMARY KEY, push text NOT NULL)''',
    '''CREATE TABLE IF NOT EXISTS {gset}positions (
        server text NOT NULL, name text NOT NULL, columns text NOT NULL,
        epoch text NOT NULL, theirs bigint NOT NULL,
        own_epoch text NOT NULL, ours bigint NOT NULL,
        PRIMARY KEY (server, name))''',
    '''CREATE TABLE IF NOT EXISTS {gset}agreed (
        server text NOT NULL, name text NOT NULL, key text NOT NULL,
        version text NOT NULL, pushed text, PRIMARY KEY (server, name, key))
    ''',
    '''CREATE INDEX IF NOT EXISTS {index}pushed
        ON {gset}agreed (server, name, key) WHERE pushed IS NOT NULL''',
    # What a server remembers of its clients.
    '''CREATE TABLE IF NOT EXISTS {gset}clients (
        id text PRIMARY KEY, push text NOT NULL)''',
    '''CREATE TABLE IF NOT EXISTS {gset}conflicts (
        client text NOT NULL, push text NOT NULL, name text NOT NULL,
        key text NOT NULL, base text, of_server text, of_client text,
        outcome text, generation bigint NOT NULL,
        PRIMARY KEY (client, push, name, key))''',
)


def begin(database: Database) -> None:
    """Make the tables if they aren't there yet; others must be tracked.

    Other processes may do so at the same time; only one gives an identity.
    """
    with database.reading():
        pass  # unless nothing is tracked
    database.execute(database.plan_own([*_TABLES, f'''
        INSERT INTO {{gset}}identity SELECT '{uuid.uuid4()}'
        WHERE NOT EXISTS (SELECT 1 FROM {{gset}}identity)''']))


def identity(reading: Reading) -> str:
    """Return what clients call the database."""
    [[found]] = reading.own('SELECT id FROM {gset}identity')
    return str(found)


def places(first: int, count: int) -> str:
    """Return so many parameters.

    >>> places(3, 2)
    '$3, $4'
    """
    return ', '.join(f'${place}' for place in range(first, first + count))


def lines(first: int, known: int, rows: Sequence[Sequence[str | None]]) -> str:
    """Return lines of values that begin with the first parameters.

    >>> lines(2, 1, [('a', 'b'), ('c', 'd')])
    '($1, $2, $3), ($1, $4, $5)'
    """
    width = len(rows[0])
    head = places(1, known)
    return ', '.join(
        f'({head}, {places(first + width * number, width)})'
        for number in range(len(rows)))
