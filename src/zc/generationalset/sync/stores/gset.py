"""Generational sets in a ZODB, as a store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias, TypeVar

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.answers import Answer, Position, SubsetUpdates
from zc.generationalset.documents import Document
from zc.generationalset.interfaces import IdError
from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Gone,
    Incomplete,
    Refused,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores.cursors import asked
from zc.generationalset.sync.stores.files import digest
from zc.generationalset.sync.stores.renaming import with_names
from zc.generationalset.sync.stores.transactions import Transactions
from zc.generationalset.sync.type import Type, as_id, is_id

Result = TypeVar('Result')

#: Takes the root of a database and the name of a type, and returns the set.
Find = Callable[[Any, str], Any]

#: How many items are read before others leave the memory.
FEW = 100

#: Ids and items.
_Entries: TypeAlias = Iterator[tuple[Any, Any]]


def make(options: Options) -> SetStore:
    """Return the store that a file of configuration describes."""
    url = options.take('url', str)
    if '://' not in url:
        url = str(options.folder / url)
    read_only = options.take('read_only', bool, False)
    paths, names = {}, {}
    for type, table in options.tables():
        paths[type.name] = table.take('path', str).strip('/').split('/')
        names[type] = table.take('map', dict, {})

    def find(root: Any, type: str) -> Any:
        found = root
        for step in paths[type]:
            try:
                found = found[step]
            except (LookupError, TypeError):
                found = getattr(found, step, None)
        if not isinstance(found, GSet):
            raise Unavailable(f'expected a set at {"/".join(paths[type])} in '
                              f'the database, got {found!r:.100}')
        return found

    return SetStore(options.name, Opened(url), find, names, read_only)


class Opened:
    """A database that is opened when it is first used, and has a URI."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._db: Any = None

    def transaction(self) -> AbstractContextManager[Any]:
        """Begin a transaction, with a connection.  Raises Unavailable."""
        if self._db is None:
            try:
                self._db = ZODB.DB(_storage(self._uri))
            except Unavailable:
                raise
            except Exception as error:  # storages have errors of their own
                # Its text may have the password of the URI.
                raise Unavailable('can not open the database: '
                                  f'{type(error).__name__}') from error
        transaction: AbstractContextManager[Any] = self._db.transaction()
        return transaction

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _storage(uri: str) -> Any:
    if '://' in uri:
        from zodburi import resolve_uri

        factory, _ = resolve_uri(uri)
        return factory()
    if not os.path.exists(uri):
        raise Unavailable(f'{uri} is missing')
    return FileStorage(uri)


class SetStore(Store):
    """Sets of documents in a database; each batch is a transaction.

    New items get texts as ids, so the sets should have such.

    name
        The name of the store.
    db
        The ``ZODB.DB``, which stays open; or an ``Opened``.
    find
        Takes the root of the database and the name of a type, and returns the
        set.
    types
        The types; for each, the names of fields that have other names in the
        store.
    """

    def __init__(
            self, name: str, db: Any, find: Find,
            types: Mapping[Type, Mapping[str, str]], read_only: bool = False,
    ) -> None:
        self._db = db
        self._find = find
        self._transactions = Transactions(db)
        super().__init__(name, {
            type.name: with_names(
                partial(SetAccessor, self._transactions, find), type, names)
            for type, names in types.items()}, read_only)

    def batch(self) -> AbstractContextManager[None]:
        return self._transactions.batch()

    def identity(self) -> str:
        """Return the epochs of the sets; a restored backup has others."""
        with self._db.transaction() as connection:
            return ' '.join(
                str(self._find(connection.root(), type).epoch)
                for type in self.accessors)

    def fingerprint(self) -> str:
        with self._db.transaction() as connection:
            sets = [self._find(connection.root(), type)
                    for type in self.accessors]
            return ' '.join(f'{each.epoch} {each.generation}'
                            for each in sets)

    def close(self) -> None:
        if isinstance(self._db, Opened):
            self._db.close()


class SetAccessor(Accessor):
    """The documents of a set.  Members that nobody declared stay."""

    capabilities = Capabilities(conditional=True, deltas=True, repeatable=True)

    def __init__(
            self, transactions: Transactions, find: Find, type: Type) -> None:
        self._type = type
        self._transactions = transactions
        self._find = find

    def _with_set(self, action: Callable[[Any], Result]) -> Result:
        """Do something with the set, in a transaction."""
        with self._transactions.begin() as connection:
            return action(self._find(connection.root(), self._type.name))

    def _data(self, item: Any, id: Any) -> Data:
        """Return an item.  Raises Unreadable."""
        value = item.value if isinstance(item, Document) else None
        if not isinstance(value, dict) or not is_id(id):
            raise Unreadable(
                as_id(id), 'expected a document that is an object')
        return Data(self._type.name, id, self._type.from_plain(value),
                    digest(item.json))

    def _found(self, item: Any, id: Any) -> Found:
        try:
            return self._data(item, id)
        except Unreadable as error:
            return error

    def find(self, cursor: str | None = None) -> Changes:
        def begin(items: Any) -> tuple[Position, bool]:
            return (Position(items.epoch, items.generation),
                    _updates_since(cursor, items) is None)

        position, is_all = self._with_set(begin)
        # What is read later may be newer, and is listed again the next time.
        listed = self._listed(_all if is_all else partial(_changed, cursor))
        return Changes(listed, is_all, lambda: str(position))

    def _listed(self, entries: Callable[[Any], _Entries]) -> Iterator[Found]:
        """Yield items, of which few are in memory."""
        with self._transactions.reading() as connection:
            items = self._find(connection.root(), self._type.name)
            for number, (id, item) in enumerate(entries(items), 1):
                yield Gone(as_id(id)) if item is None \
                    else self._found(item, id)
                if number % FEW == 0:
                    connection.cacheGC()

    def count(self) -> int:
        return self._with_set(len)

    def get(self, id: Any) -> Data:
        return self._with_set(lambda items: self._item(items, id))

    def _item(self, items: Any, id: Any) -> Data:
        item = items.get(id)
        if item is None:
            raise Gone(id)
        return self._data(item, id)

    # What a call answers is known before anything is changed: a batch goes on
    # after a Problem.

    def add(self, data: Data, key: str) -> Data:
        def add(items: Any) -> Data:
            if items.get(key) is not None:
                return self._item(items, key)
            document = Document(key, dict(data.fields))
            stored = self._data(document, key)
            try:
                items.add(document)
            except IdError as error:
                raise Refused(str(error)) from error
            return stored

        return self._with_set(add)

    def _expected(self, items: Any, id: Any, token: str | None) -> Any:
        """Return the document of an item.  Raises Gone and Stale."""
        data = self._item(items, id)
        if token is not None and data.token != token:
            raise Stale(f'{id!r} has changed')
        return items.get(id)

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        def update(items: Any) -> Data:
            fields = {**self._expected(items, id, token).value, **patch}
            document = Document(id, {
                field: value for field, value in fields.items()
                if value is not ABSENT})
            stored = self._data(document, id)
            items.changed(document)
            return stored

        return self._with_set(update)

    def remove(self, id: Any, token: str | None) -> None:
        def remove(items: Any) -> None:
            self._expected(items, id, token)
            del items[id]

        self._with_set(remove)


def _updates_since(cursor: str | None, items: Any) -> Answer | None:
    """Return what has changed since a cursor; None if all must be listed.

    Raises Replaced.
    """
    since = asked(cursor, Position(items.epoch, items.generation))
    if not since:
        return None
    updates: Answer = items.client_updates(since, items.epoch)
    return None if 'contents' in updates else updates


def _all(items: Any) -> _Entries:
    for item in items:
        yield items.get_id(item), item


def _changed(cursor: str | None, items: Any) -> _Entries:
    """Yield what has changed since a cursor; None for what is gone.

    Raises Incomplete.
    """
    updates = _updates_since(cursor, items)
    if updates is None:
        raise Incomplete('the set has forgotten what was removed')
    for each in updates.get('adds', ()):
        yield (each['id'], each) if isinstance(each, SubsetUpdates) else each
    for id in updates.get('removals', ()):
        yield id, None
