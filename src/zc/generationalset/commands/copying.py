"""``gset copy``: what it does."""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from zc.generationalset.commands import Failure
from zc.generationalset.commands.databases import public
from zc.generationalset.commands.tables import opened
from zc.generationalset.commands.talking import connect, warnings
from zc.generationalset.commands.terminal import progress
from zc.generationalset.files import written
from zc.generationalset.replica import Change
from zc.generationalset.sources import SourceError
from zc.generationalset.sql import DatabaseError, SQLReplica
from zc.generationalset.sql.opening import sqlite_path


def copy(options: argparse.Namespace) -> int:
    """Copy until nothing is missing, or until stopped.  Raises Failure."""
    _make(options.database)
    name = public(options.database)
    with opened(options.database) as database:
        try:
            with progress() as tell:
                replica = _Counting(
                    SQLReplica(database, options.url, options.table), tell)
                _copy(options, replica)
        except SourceError as error:
            raise Failure(f'{name}: {error}') from error
        print(f'{name}: {replica.count:,} rows changed, as at '
              f'{replica.generation} of {options.url}')
    return 0


def _copy(options: argparse.Namespace, replica: _Counting) -> None:
    with connect(options.url, options.token_file, replica) as client, \
            warnings():
        if options.follow:
            for _ in client.watch():
                pass
        else:
            client.sync()


def _make(url: str) -> None:
    """Make the file of an SQLite database, for its owner only.

    It gets its name when it is ready: others may open it at once.
    """
    try:
        path = sqlite_path(url)
    except DatabaseError as error:
        raise Failure(str(error)) from error
    if not path or os.path.exists(path):
        return
    try:
        with written(os.path.dirname(path) or '.', 'gset-', []) as new:
            with closing(sqlite3.connect(new)) as connection:
                connection.execute('PRAGMA journal_mode = WAL')
            # Another process may have been faster.
            with suppress(FileExistsError):
                os.link(new, path)
    except OSError as error:
        raise Failure(f'can not make {path}: {error.strerror}') from error


class _Counting:
    """A replica that shows how many rows have changed.

    It keeps no changes: nobody would read them, and they take memory.
    """

    def __init__(
            self, replica: SQLReplica, tell: Callable[[str], None]) -> None:
        self._replica = replica
        self._tell = tell
        self.count = 0

    @property
    def generation(self) -> int:
        return self._replica.generation

    @property
    def epoch(self) -> str | None:
        return self._replica.epoch

    @property
    def cursor(self) -> str:
        return self._replica.cursor

    def apply(self, updates: Mapping[str, Any]) -> Sequence[Change]:
        self.count += len(self._replica.apply(updates))
        self._tell(f'{self.count:,} rows'
                   + (', there are more' if self.cursor else ''))
        return []
