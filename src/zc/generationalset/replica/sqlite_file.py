"""The SQLite file of a replica: opening, making and checking it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, NamedTuple

#: "GSet", the application id in the header of the file.
_APPLICATION = 0x47536574
_VERSION = 1

_SCHEMA = (
    'CREATE TABLE replica ('
    ' generation INTEGER NOT NULL, epoch TEXT, last INTEGER NOT NULL,'
    ' parts TEXT)',
    'INSERT INTO replica VALUES (0, NULL, 0, NULL)',
    'CREATE TABLE copy ('
    ' cursor TEXT NOT NULL, epoch TEXT, generation INTEGER NOT NULL,'
    ' start INTEGER NOT NULL)',
    'CREATE TABLE kept (position INTEGER PRIMARY KEY)',
    'CREATE TABLE entry ('
    ' position INTEGER PRIMARY KEY, parent INTEGER NOT NULL,'
    ' id TEXT NOT NULL, item TEXT, subset INTEGER, UNIQUE (parent, id))',
    'CREATE INDEX entry_order ON entry (parent)',
    f'PRAGMA application_id = {_APPLICATION}',
    f'PRAGMA user_version = {_VERSION}')


class Connection(sqlite3.Connection):
    """A connection for the process that opened it, not for its children.

    Two processes that share an SQLite connection would ruin the file.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._process = os.getpid()

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self._process != os.getpid():
            raise sqlite3.ProgrammingError(
                'expected a replica of this process, got one that was opened '
                'before a fork; open the file anew')
        return super().execute(*arguments)

    def close(self) -> None:
        if self._process == os.getpid():
            super().close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do all or nothing, while no other process writes."""
        try:
            self.execute('BEGIN IMMEDIATE')
            yield
            self.execute('COMMIT')
        except BaseException:
            if self.in_transaction:
                self.execute('ROLLBACK')
            raise


def open_file(path: str | os.PathLike[str], patience: float) -> Connection:
    """Return a connection to a replica's file; makes the file if necessary.

    patience
        Seconds to wait for other processes.

    Raises ValueError for a file of something else, or of a newer release, and
    sqlite3.OperationalError if the file can't be opened.
    """
    name = os.fspath(path)
    try:
        _make(path)
        database = sqlite3.connect(
            path, timeout=patience, isolation_level=None,
            check_same_thread=False, factory=Connection)
        try:
            _check(database, name)
            database.execute('PRAGMA journal_mode = WAL')
            database.execute('PRAGMA synchronous = NORMAL')
            # A large answer must not leave a large file behind.
            database.execute('PRAGMA journal_size_limit = 16777216')
        except BaseException:
            database.close()
            raise
    except sqlite3.OperationalError as error:
        raise sqlite3.OperationalError(f'{name}: {error}') from error
    return database


def _make(path: str | os.PathLike[str]) -> None:
    """Make a file that only its owner may read, if there is none."""
    if os.fspath(path) not in ('', ':memory:'):
        with suppress(OSError):  # SQLite will say what is wrong.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _check(database: Connection, name: str) -> None:
    """Raise ValueError for a file of something else; fill an empty one."""
    try:
        found = _what_it_is(database)
        if found == _EMPTY:
            with database.transaction():
                found = _what_it_is(database)
                if found == _EMPTY:  # no other process was faster
                    for statement in _SCHEMA:
                        database.execute(statement)
                    found = _what_it_is(database)
        tables = _tables(database)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise ValueError(f'{name}: expected a replica in an SQLite database, '
                         f'got: {error}') from error
    if found.application != _APPLICATION:
        raise ValueError(f'{name}: expected a replica, got the SQLite '
                         'database of another application')
    if found.version != _VERSION:
        raise ValueError(f'{name}: expected version {_VERSION}, got '
                         f'{found.version}, of a newer release')
    if tables != _expected_tables():
        # Other tables, views and triggers could do anything.
        raise ValueError(f'{name}: expected the tables of a replica, got '
                         'others')


class _File(NamedTuple):
    """What the header of a file says, and the number of its tables."""

    application: int
    version: int
    tables: int


_EMPTY = _File(0, 0, 0)


def _what_it_is(database: sqlite3.Connection) -> _File:
    return _File(*database.execute(
        'SELECT application_id, user_version, count(type) '
        'FROM pragma_application_id, pragma_user_version '
        'LEFT JOIN sqlite_master').fetchone())


def _tables(database: sqlite3.Connection) -> list[Any]:
    """Return the definitions of all tables and so on, but SQLite's own."""
    return database.execute(
        'SELECT type, name, sql FROM sqlite_master '
        "WHERE name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name, type, sql"
        ).fetchall()


@cache
def _expected_tables() -> list[Any]:
    with closing(sqlite3.connect(':memory:')) as database:
        for statement in _SCHEMA:
            database.execute(statement)
        return _tables(database)
