"""Databases, from whatever names them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import unquote

from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.sqlite import SQLiteDatabase

_SQLITE = 'sqlite:///'
_NOT_HERE = 'mysql', 'mariadb'
#: What says how a connection of PostgreSQL is made; the rest are defaults.
_PARAMETERS = (
    'host', 'hostaddr', 'port', 'user', 'dbname', 'options', 'sslmode',
    'sslrootcert', 'sslcert', 'sslkey', 'target_session_attrs')


def open_database(named: Any) -> Database:
    """Return the database that something names.

    .. code-block:: python

        open_database('sqlite:///shop.db')
        open_database('postgresql:///shop')
        open_database(lambda: sqlite3.connect('shop.db'))
        open_database(sqlalchemy.create_engine('sqlite:///shop.db'))

    It gets connections of its own.

    named
        A URL as SQLAlchemy 2.1 has them: ``sqlite:///`` and the path of a
        file, as ``sqlite_path`` reads it, or ``postgresql://``, with the extra
        ``sql``.  Or a connection of DB-API, a function that makes one, or an
        engine of SQLAlchemy.

    Raises DatabaseError for what names no database, or one that can't be
    opened.
    """
    if isinstance(named, str):
        return _of_url(named)
    if isinstance(named, sqlite3.Connection):
        return SQLiteDatabase(_path(named))
    if hasattr(getattr(named, 'info', None), 'dbname'):
        return _postgresql(_parameters(named.info))
    if hasattr(named, 'raw_connection'):  # an engine
        return _of_engine(named.url)
    if callable(named):
        return _of_factory(named)
    raise DatabaseError(
        'expected a URL, a connection, a function that makes one, or an '
        f'engine of SQLAlchemy, got {type(named).__name__}')


def _of_url(url: str) -> Database:
    scheme, _, rest = url.partition(':')
    scheme = scheme.partition('+')[0]  # SQLAlchemy has the driver there
    url = f'{scheme}:{rest}'
    if scheme in ('postgresql', 'postgres'):
        return _postgresql(url)
    if scheme in _NOT_HERE:
        raise DatabaseError(
            'expected a URL of PostgreSQL or SQLite, such as '
            f'postgresql:///shop or {_SQLITE}shop.db; MySQL and MariaDB are '
            'not supported (docs/databases.txt says why)')
    path = sqlite_path(url)
    if not path:
        raise DatabaseError(
            f'expected a URL such as {_SQLITE}shop.db or postgresql:///shop, '
            f'got one of {scheme}')
    return SQLiteDatabase(path)


def sqlite_path(url: str) -> str | None:
    """Return the path in a URL of SQLite; None for any other URL.

    >>> sqlite_path('sqlite:///my shop.db'), sqlite_path('sqlite:////a%3Fb.db')
    ('my shop.db', '/a?b.db')

    Each character stands for itself, but ``%`` with two hexadecimal digits for
    a byte of UTF-8.  So ``%25`` is a percent sign and ``%3F`` a question mark,
    behind which SQLAlchemy has options.

    Raises DatabaseError for options, and for bytes that are no path.
    """
    scheme, _, rest = url.partition(':')
    if scheme.partition('+')[0] != 'sqlite' or not rest.startswith('///'):
        return None
    quoted, mark, _ = rest[3:].partition('?')
    if mark:
        raise DatabaseError(
            f'expected {_SQLITE} and a path, without options, got '
            f'{scheme}:{rest}; in a path, ? is written %3F')
    try:
        path = unquote(quoted, errors='strict')
    except UnicodeDecodeError:
        path = '\0'
    if '\0' in path:
        raise DatabaseError(
            f'expected {_SQLITE} and a path in UTF-8, got {scheme}:{rest}')
    return path


def sqlite_url(path: str) -> str:
    """Return the URL of an SQLite file.

    >>> sqlite_url('/50 %/a?.db')
    'sqlite:////50 %25/a%3F.db'
    """
    return _SQLITE + path.replace('%', '%25').replace('?', '%3F')


def _of_engine(url: Any) -> Database:
    """Return the database of an engine's URL.

    Releases of SQLAlchemy differ in what they quote in the text of a URL.
    """
    if url.get_backend_name() != 'sqlite':
        return _of_url(url.render_as_string(hide_password=False))
    if url.query or url.database in (None, '', ':memory:'):
        raise DatabaseError('expected an engine for a file, without options, '
                            f'got {url}')
    return SQLiteDatabase(url.database)


def _of_factory(make: Callable[[], Any]) -> Database:
    with closing(make()) as connection:
        return open_database(connection)


def _postgresql(url: str) -> Database:
    from zc.generationalset.sql.postgresql import PostgreSQLDatabase
    return PostgreSQLDatabase(url)


def _parameters(info: Any) -> str:
    """Return what connects as a connection of psycopg, 2 or 3, does."""
    from psycopg.conninfo import make_conninfo
    given = info.get_parameters() if hasattr(info, 'get_parameters') \
        else info.dsn_parameters
    return make_conninfo(
        password=info.password or None,
        **{name: given[name] for name in _PARAMETERS if name in given})


def _path(connection: sqlite3.Connection) -> str:
    path = next((path for _, name, path in connection.execute(
        'PRAGMA database_list') if name == 'main'), '')
    if not path:
        raise DatabaseError('expected a database in a file, got one in '
                            'memory, which no other connection could read')
    return str(path)
