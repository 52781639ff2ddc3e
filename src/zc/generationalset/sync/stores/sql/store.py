"""The store, and how a file of configuration describes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from zc.generationalset.merging import canonical
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.opening import sqlite_path, sqlite_url
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores.renaming import with_names
from zc.generationalset.sync.stores.sql.accessor import SQLAccessor
from zc.generationalset.sync.stores.sql.opened import Opened
from zc.generationalset.sync.type import Type

#: The name of a table, and the columns of fields that have other names there.
Place = tuple[str, Mapping[str, str]]


def make(options: Options) -> SQLStore:
    """Return the store that a file of configuration describes."""
    url = options.take('url', str)
    try:
        path = sqlite_path(url)
    except DatabaseError as error:
        raise ValueError(f'url: {error}') from error
    if path is not None:
        url = sqlite_url(str(options.folder.absolute() / path))
    elif url.partition(':')[0].partition('+')[0] not in (
            'postgresql', 'postgres'):
        raise ValueError('url: expected sqlite:///FILE or postgresql://...')
    read_only = options.take('read_only', bool, False)
    return SQLStore(options.name, url, {
        type: (table.take('table', str), table.take('map', dict, {}))
        for type, table in options.tables()}, read_only)


class SQLStore(Store):
    """Tables of a SQL database.

    If a table is tracked, as ``gset track`` does it, its changes are listed;
    else, it is read as a whole in each run.

    The id of a row is its primary key, of one column.  New rows get a text or
    a UUID there; other keys are made by the database.

    name
        The name of the store.
    named
        The database, as ``sql.open_database`` takes it.
    types
        For each type, the name of its table, with its schema or without; and
        the columns of fields that have other names in the table.
    """

    def __init__(
            self, name: str, named: Any, types: Mapping[Type, Place],
            read_only: bool = False) -> None:
        self._opened = Opened(named)
        self._address = _address(named) if isinstance(named, str) else ''
        self._tables = {type.name: table for type, (table, _) in types.items()}
        super().__init__(name, {
            type.name: with_names(
                partial(SQLAccessor, self._opened, table), type, names)
            for type, (table, names) in types.items()}, read_only)

    def identity(self) -> str:
        """Return the epoch of the tracking, and which tables these are.

        Without tracking, this is where the database is.
        """
        place = self._address
        if any(map(self._opened.is_tracked, self._tables.values())):
            with self._opened.tracked_reading() as reading:
                place = str(reading.position.epoch)
        else:
            self._opened.database()
        return f'{place} {canonical(self._tables)}'

    def fingerprint(self) -> str | None:
        """Return what the tracking says of commits; None without it."""
        if any(each.capabilities.deltas for each in self.accessors.values()):
            return self._opened.version()
        return None

    def close(self) -> None:
        self._opened.close()


def _address(url: str) -> str:
    """Return a URL without its user and passwords."""
    path = sqlite_path(url)
    if path is not None:
        return f'{sqlite_url(path)} []'
    parts = urlsplit(url)
    place = parts.netloc.rpartition('@')[2]
    query = sorted((name, value) for name, value in parse_qsl(parts.query)
                   if name in ('host', 'hostaddr', 'port', 'dbname'))
    return f'{parts.scheme}://{place}{parts.path} {query}'
