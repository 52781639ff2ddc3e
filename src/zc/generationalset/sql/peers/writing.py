"""Writing the versions that rows get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from zc.generationalset.sql.applying import apply, batch
from zc.generationalset.sql.database import Applying
from zc.generationalset.sql.errors import Collision, Refused, WrongValue
from zc.generationalset.sql.peers.errors import SyncError
from zc.generationalset.sql.peers.versions import GONE, Pair
from zc.generationalset.sql.tables import Table

#: Texts of keys, and the versions that these rows get.
Versions: TypeAlias = 'Mapping[str, str]'


class Writer:
    """Writes rows within a transaction.

    Rows whose unique values are still those of other rows wait for the end.
    """

    def __init__(self, applying: Applying) -> None:
        self._applying = applying
        self._pairs: dict[str, Pair] = {}
        self._tables: dict[str, Table] = {}
        self._waiting: dict[str, dict[str, str]] = {}

    def put(self, pair: Pair, versions: Versions) -> None:
        """Write some rows.

        Raises SyncError for what the database refuses.
        """
        if versions:
            self._pairs[pair.name] = pair
            try:
                self._put(pair, versions)
            except Collision:
                self._waiting.setdefault(pair.name, {}).update(versions)

    def finish(self) -> None:
        """Write what waits.  Raises SyncError, as ``put`` does."""
        for name, versions in self._waiting.items():
            try:
                self._put(self._pairs[name], versions)
            except Collision as error:
                keys = ' '.join(sorted(versions)[:3])
                raise SyncError(f'{error}; it is about rows of these, '
                                f'{len(versions)} in all: {keys}') from error
        try:
            self._applying.check_references()
        except Refused as error:
            raise SyncError(str(error)) from error

    def _put(self, pair: Pair, versions: Versions) -> None:
        """Write some rows.  Raises Collision, and SyncError."""
        try:
            self._write(pair, versions)
        except Collision:
            raise
        except (Refused, WrongValue) as error:
            raise self._about_row(pair, versions, error) from error

    def _write(self, pair: Pair, versions: Versions) -> None:
        removals, rows = [], list[dict[str, Any]]()
        for key, version in versions.items():
            row = pair.key_of(key)
            if version == GONE:
                removals.append(row)
            else:
                rows.append({**dict(zip(pair.table.key, row, strict=True)),
                             **pair.values_of(version)})
        apply(self._applying, batch(
            self._applying, self._whole(pair), removals, rows))

    def _whole(self, pair: Pair) -> Table:
        """Return a table with columns that the other side may not have."""
        name = str(pair.table)
        if name not in self._tables:
            self._tables[name] = self._applying.table(name)
        return self._tables[name]

    def _about_row(
            self, pair: Pair, versions: Versions, error: Exception,
    ) -> SyncError:
        """Return the error that says which row is refused."""
        for key, version in versions.items():
            try:
                self._write(pair, {key: version})
            except (Refused, WrongValue) as its:
                return SyncError(f'table {pair.name}, key {key}: {its}')
        return SyncError(f'table {pair.name}: {error}')
