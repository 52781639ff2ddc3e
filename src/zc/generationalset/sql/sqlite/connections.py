"""Connections to a file, which are used again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from zc.generationalset.sql.errors import DatabaseError

#: Seconds to wait for another connection's lock.
PATIENCE = 5.0
#: The most connections that rest.
IDLE = 8
#: The first release with ``PRAGMA table_list``.
OLDEST = 3, 37


class Identity(NamedTuple):
    """What tells a file from another one at the same path."""

    device: int
    inode: int


class Connection(sqlite3.Connection):
    """A connection that knows which file it has open."""

    identity: Identity


class Pool:
    """Connections to the file at a path, whichever file is there now."""

    def __init__(self, path: str) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise DatabaseError(
                f'expected SQLite {OLDEST[0]}.{OLDEST[1]} or newer, got '
                f'{sqlite3.sqlite_version}')
        self.path = os.path.abspath(path)
        #: What clients may be told.
        self.name = os.path.basename(path)
        self._idle: list[Connection] = []
        self.open().close()

    def identity(self) -> Identity:
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise DatabaseError(
                f'can not open {self.name}: {error.strerror}') from error
        return Identity(found.st_dev, found.st_ino)

    def open(self) -> Connection:
        """Return a connection of the caller's own."""
        identity = self.identity()
        try:
            connection = _connect(f'{Path(self.path).as_uri()}?mode=rw')
        except sqlite3.Error as error:
            raise DatabaseError(
                f'can not open {self.name}: {error}') from error
        connection.identity = identity
        return connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection to the file that is there now."""
        connection = self._take()
        try:
            yield connection
        finally:
            if len(self._idle) < IDLE and not connection.in_transaction:
                self._idle.append(connection)
            else:
                connection.close()

    def _take(self) -> Connection:
        identity = self.identity()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self.open()
            if connection.identity == identity:
                return connection
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _connect(uri: str) -> Connection:
    connection = sqlite3.connect(
        uri, timeout=PATIENCE, isolation_level=None, check_same_thread=False,
        factory=Connection, uri=True)
    # Text that isn't UTF-8 makes one row unreadable, and no more.
    connection.text_factory = partial(
        str, encoding='utf-8', errors='surrogateescape')
    try:
        connection.execute('PRAGMA foreign_keys = ON')
        connection.execute('SELECT 1 FROM sqlite_schema').fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Execute ``begin``, and commit at the end unless an error is raised."""
    connection.execute(begin)
    try:
        yield
        connection.execute('COMMIT')
    except BaseException:
        if connection.in_transaction:  # SQLite may have ended it itself
            connection.execute('ROLLBACK')
        raise


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Enforce no foreign keys; that can't be changed in a transaction."""
    connection.execute('PRAGMA foreign_keys = OFF')
    try:
        yield
    finally:
        connection.execute('PRAGMA foreign_keys = ON')


def column(connection: Connection, statement: str, *values: Any) -> list[Any]:
    """Return the first column of a query's rows."""
    return [first for first, *_ in connection.execute(statement, values)]
