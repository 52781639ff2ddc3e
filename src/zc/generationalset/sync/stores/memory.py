"""A store in memory, for tests and examples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Gone, Stale
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store


def make(options: Options) -> MemoryStore:
    """Return the store that a file of configuration describes."""
    return MemoryStore(options.name, options.types)


class MemoryStore(Store):
    """A store in memory, with everything that a store can do.

    >>> store = MemoryStore('notes', ['issue'])
    >>> store.accessors['issue'].add(
    ...     Data('issue', None, {'title': 'A bug'}), 'first').id
    1

    name
        The name of the store.
    types
        The names of its types.
    """

    def __init__(
            self, name: str, types: Iterable[str], read_only: bool = False,
    ) -> None:
        self._all = {type: MemoryAccessor(type) for type in types}
        super().__init__(name, self._all, read_only)

    def fingerprint(self) -> str:
        return ' '.join(str(each.changes) for each in self._all.values())


class MemoryAccessor(Accessor):
    """The items of one type, in memory."""

    capabilities = Capabilities(conditional=True, deltas=True, repeatable=True)

    def __init__(self, type: str) -> None:
        self._type = type
        self._fields: dict[int, dict[str, Any]] = {}
        #: For each item, the number of its last change; items that are gone
        #: have one, too.
        self._changed: dict[int, int] = {}
        self._added: dict[str, int] = {}
        self._next: Callable[[], int] = itertools.count(1).__next__
        #: How many there were so far.
        self.changes = 0

    def _data(self, id: int) -> Data:
        return Data(self._type, id, self._fields[id], str(self._changed[id]))

    def find(self, cursor: str | None = None) -> Changes:
        since, now = int(cursor or 0), str(self.changes)
        ids = [id for id, number in self._changed.items() if number > since
               and (cursor is not None or id in self._fields)]
        return Changes(self._listed(ids), cursor is None, lambda: now)

    def _listed(self, ids: Iterable[int]) -> Iterator[Found]:
        for id in ids:
            yield self._data(id) if id in self._fields else Gone(id)

    def count(self) -> int:
        return len(self._fields)

    def get(self, id: Any) -> Data:
        if id not in self._fields:
            raise Gone(id)
        return self._data(id)

    def add(self, data: Data, key: str) -> Data:
        id = self._added.get(key)
        if id is None or id not in self._fields:
            id = self._added[key] = self._next()
            self._fields[id] = dict(data.fields)
            self._note(id)
        return self._data(id)

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        self._check(id, token)
        fields = {**self._fields[id], **patch}
        self._fields[id] = {field: value for field, value in fields.items()
                            if value is not ABSENT}
        self._note(id)
        return self._data(id)

    def remove(self, id: Any, token: str | None) -> None:
        self._check(id, token)
        del self._fields[id]
        self._note(id)

    def _check(self, id: Any, token: str | None) -> None:
        if self.get(id).token != token and token is not None:
            raise Stale(f'expected {token}, got {self._changed[id]}')

    def _note(self, id: int) -> None:
        self.changes += 1
        self._changed[id] = self.changes
