"""A file with many items: JSON, JSON lines, or CSV."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync.accessor import Accessor, Capabilities
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Gone, Stale
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.rows import FORMS, Row, Rows
from zc.generationalset.sync.type import Type


def make(options: Options) -> FileStore:
    """Return the store that a file of configuration describes."""
    return FileStore(
        options.name, options.folder / options.take('path', str),
        options.type(options.take('type', str)),
        options.take('id', str, 'id'), options.take('read_only', bool, False))


class FileStore(Store):
    """A file with items of one type; its suffix says of which form it is.

    A JSON file has a list of objects, a file of JSON lines an object in each
    line, a CSV file a line with names and one line for each item.  The file is
    written as a whole, once for many changes in a batch.

    name
        The name of the store.
    path
        The file, which must be there.  It may be empty, but for ``[]`` in a
        JSON file.
    type
        The type of the items.
    id
        The column, or member, that has the id.  Each item must have one.
    """

    batch_size = 500

    def __init__(
            self, name: str, path: str | Path, type: Type, id: str = 'id',
            read_only: bool = False) -> None:
        self.path = Path(path)
        if self.path.suffix not in FORMS:
            raise ValueError(f'expected a file with one of the suffixes '
                             f'{", ".join(FORMS)}, got {self.path.name}')
        if id in type.fields:
            raise ValueError(f'expected {id!r} to be no field of the type')
        self._accessor = FileAccessor(type, self.path, id)
        super().__init__(name, {type.name: self._accessor}, read_only)

    def batch(self) -> AbstractContextManager[None]:
        return self._accessor.batch()

    def fingerprint(self) -> str:
        return files.stamp(self.path.stat())


class FileAccessor(Accessor):
    """The items of a file.  Rows are read and written as a whole."""

    capabilities = Capabilities(conditional=True, repeatable=True)

    def __init__(self, type: Type, path: Path, id: str) -> None:
        self._type = type
        self._path = path
        self._id = id
        self._is_csv = path.suffix == '.csv'
        #: What the changes of a batch are made in.
        self._batch: Rows | None = None
        self._in_batch = False

    # Rows

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write the changes that are made meanwhile at the end, at once.

        If this ends with an exception, nothing is written.
        """
        self._in_batch = True
        try:
            yield
            if self._batch is not None:
                self._batch.save()
        finally:
            self._batch, self._in_batch = None, False

    def _rows(self) -> Rows:
        if self._batch is not None:
            return self._batch
        rows = Rows(self._path, self._id)
        if self._in_batch:
            self._batch = rows
        return rows

    def _save(self, rows: Rows) -> None:
        if not self._in_batch:
            rows.save()

    # Items

    def _data(self, row: Row) -> Data:
        fields = {}
        for field, kind in self._type.fields.items():
            if field in row and not (self._is_csv and row[field] == ''):
                fields[field] = kind.from_text(row[field]) if self._is_csv \
                    else kind.from_plain(row[field])
        # A cell is empty in a row that was read, and absent in a new one.
        known = {name: value for name, value in row.items()
                 if not (self._is_csv and value == '')}
        return Data(self._type.name, row[self._id], fields,
                    files.digest(canonical(known).encode()))

    def _patched(self, row: Row, patch: Mapping[str, Any]) -> Row:
        row = dict(row)
        for field, value in patch.items():
            kind = self._type.fields[field]
            if value is ABSENT or (self._is_csv and value is None):
                row.pop(field, None)
            else:
                row[field] = kind.text(value) if self._is_csv \
                    else kind.plain(value)
        return row

    def version(self, known: str | None) -> str | None:
        now = time.time_ns()
        try:
            status = self._path.stat()
        except OSError:
            return None  # the listing tells why
        return f'{self._id} {files.stamp(status)}' if files.is_at_rest(
            status, now) else None

    def find(self, cursor: str | None = None) -> Iterator[Data]:
        return map(self._data, self._rows().all())

    def count(self) -> int:
        return len(self._rows())

    def get(self, id: Any) -> Data:
        return self._data(self._rows().get(id))

    def add(self, data: Data, key: str) -> Data:
        rows = self._rows()
        try:
            return self._data(rows.get(key))
        except Gone:
            row = self._patched({self._id: key}, data.fields)
            rows.put(row)
            self._save(rows)
            return self._data(row)

    def _expected(self, rows: Rows, id: Any, token: str | None) -> Row:
        row = rows.get(id)
        if token is not None and self._data(row).token != token:
            raise Stale(f'{id} has changed')
        return row

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        rows = self._rows()
        row = self._patched(self._expected(rows, id, token), patch)
        rows.put(row)
        self._save(rows)
        return self._data(row)

    def remove(self, id: Any, token: str | None) -> None:
        rows = self._rows()
        self._expected(rows, id, token)
        rows.drop(id)
        self._save(rows)

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._data(self._patched({self._id: '0'}, fields)).fields
