"""Connections to PostgreSQL: the pool, and what each begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg.errors import (
    DeadlockDetected,
    GeneratedAlways,
    RaiseException,
    SerializationFailure,
)
from psycopg_pool import ConnectionPool

from zc.generationalset.sources import Uncertain
from zc.generationalset.sql.errors import Conflict, DatabaseError, Refused
from zc.generationalset.sql.postgresql.loaders import ADAPTERS
from zc.generationalset.sql.postgresql.names import literal

Connection: TypeAlias = 'psycopg.Connection[tuple[Any, ...]]'
Cursor: TypeAlias = 'psycopg.Cursor[tuple[Any, ...]]'

#: How many connections a process has.  A server reads in three threads, and
#: writes in eight.
CONNECTIONS = 12

#: The oldest release that is tried; older ones differ in what triggers of
#: partitions do.
OLDEST = 15_00_00

#: How long a lock of a table is waited for, in seconds; DDL holds such locks.
PATIENCE = 10

#: The texts of values depend on these.
_SETTINGS = {
    'TimeZone': 'UTC', 'DateStyle': 'ISO', 'IntervalStyle': 'postgres',
    'extra_float_digits': '1', 'bytea_output': 'hex', 'lc_monetary': 'C',
    'lock_timeout': f'{PATIENCE}s', 'client_encoding': 'UTF8',
    'application_name': 'gset', 'jit': 'off',
    # What a policy hides comes and goes unnoticed; this makes it an error.
    'row_security': 'off',
}

# Operators and types of users never come before those of PostgreSQL, which are
# first unless the path says otherwise.
_PATH = '''SELECT set_config('search_path', (
    SELECT coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '')
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, place)
    WHERE name <> 'pg_catalog'), false)
    WHERE 'pg_catalog' = ANY (current_schemas(false))'''

_OPTIONS = {'autocommit': True, 'context': ADAPTERS,
            'cursor_factory': psycopg.RawCursor}


def check(url: str) -> None:
    """Raise DatabaseError if a database isn't one that can be used here."""
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
            version = connection.info.server_version
            [encoding, is_standby] = connection.execute(
                "SELECT current_setting('server_encoding'), "
                'pg_is_in_recovery()').fetchone() or ('', False)
    except psycopg.OperationalError as error:
        raise DatabaseError(f'no connection to PostgreSQL: {error}') from error
    if version < OLDEST:
        raise DatabaseError('expected PostgreSQL 15 or newer, got '
                            f'{version // 10000}')
    if encoding == 'SQL_ASCII':
        raise DatabaseError('expected a database whose encoding is known, got '
                            'SQL_ASCII')
    if is_standby:
        raise DatabaseError('expected a database that can be written to, in '
                            'which the numbers of changes are stored, got a '
                            'standby')


def pool(url: str, size: int) -> ConnectionPool[Connection]:
    """Return a pool of connections."""
    return ConnectionPool(
        url, min_size=1, max_size=size, kwargs=_OPTIONS, open=True,
        configure=_configure, check=ConnectionPool.check_connection)


def _configure(connection: Connection) -> None:
    execute(connection, '; '.join([
        f'SET "{name}" = {literal(value)}'
        for name, value in _SETTINGS.items()] + [_PATH]))


def execute(
        connection: Connection, statement: str, *parameters: Any) -> Cursor:
    """Execute a statement; its parameters are $1, $2, and so on.

    Without parameters, there may be several statements; the cursor has the
    result of the last one.
    """
    cursor = connection.execute(statement.encode(), parameters or None)
    while cursor.nextset():
        pass
    return cursor


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Begin a transaction with some statements; end it in any case.

    It commits, unless an error is raised.
    """
    try:
        execute(connection, begin)
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def commit(connection: Connection) -> None:
    """Commit a transaction.  Raises Uncertain if the server doesn't answer."""
    try:
        connection.commit()
    except psycopg.OperationalError as error:
        if connection.closed:
            raise Uncertain('the connection ended while a transaction was '
                            'committed') from error
        raise


@contextmanager
def told() -> Iterator[None]:
    """Raise the errors of ``sql.errors`` for those of the database."""
    try:
        yield
    except (SerializationFailure, DeadlockDetected) as error:
        raise Conflict(_text(error)) from error
    except (psycopg.IntegrityError, GeneratedAlways, RaiseException) as error:
        raise Refused(_text(error), error.diag.constraint_name
                      or error.diag.column_name) from error
    except psycopg.DataError as error:
        # What it says may have a value of a row that nobody here sees.
        raise Refused('expected values that the database can store, it '
                      f'refuses one: {type(error).__name__}') from error
    except psycopg.OperationalError:
        raise
    except psycopg.DatabaseError as error:
        raise DatabaseError(_text(error)) from error


def _text(error: psycopg.Error) -> str:
    """Return what an error says, without its details.

    They may have values of columns, and of rows, that nobody here sees.
    """
    text = error.diag.message_primary or type(error).__name__
    table = error.diag.table_name
    return f'table {table}: {text}' if table else text
