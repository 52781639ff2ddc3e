"""Sets that a server of our protocol has, as a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from zc.generationalset import wire
from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Position,
    SubsetUpdates,
    is_page,
)
from zc.generationalset.client import Changed, ClientError, errors
from zc.generationalset.client.remote import NEW, Remote, unchanged
from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Busy,
    Gone,
    Incomplete,
    Refused,
    Replaced,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores.cursors import asked, position_of
from zc.generationalset.sync.stores.renaming import with_names
from zc.generationalset.sync.type import Type, as_id, is_id

#: The most pages that are read; each has some hundred items or more.
PAGES = 100_000
#: The path of a set, and the names of fields that have other names there.
Place = tuple[str, Mapping[str, str]]


def make(options: Options) -> HTTPStore:
    """Return the store that a file of configuration describes."""
    remote = Remote(
        options.take('url', str), options.take('token', str, '') or None,
        timeout=options.take('timeout', int, 30))
    read_only = options.take('read_only', bool, False)
    return HTTPStore(options.name, remote, {
        type: (table.take('path', str), table.take('map', dict, {}))
        for type, table in options.tables()}, read_only)


class HTTPStore(Store):
    """Sets of a server, whose items are objects.

    New items get texts as ids, so the sets should have such.

    name
        The name of the store.
    remote
        The server; ``close`` closes it.
    types
        For each type, the path of its set, such as ``rooms/a/messages``, ''
        for the top of the tree; and the names of fields that have other names
        in the store.

    Raises ValueError for a path that isn't one.
    """

    def __init__(
            self, name: str, remote: Remote, types: Mapping[Type, Place],
            read_only: bool = False) -> None:
        self._remote = remote
        self._paths = {type.name: path for type, (path, _) in types.items()}
        super().__init__(name, {
            type.name: with_names(
                partial(HTTPAccessor, remote, _ids(type, path)), type, names)
            for type, (path, names) in types.items()}, read_only)

    def identity(self) -> str:
        """Return the epoch, and where in the tree the sets are."""
        with _told():
            _, position = self._remote.length()
        if not position.generation:
            raise Unavailable('expected a position as ETag, got none')
        return f'{position.epoch} {canonical(self._paths)}'

    def fingerprint(self) -> str:
        """Return the position of the tree, for a small request."""
        with _told():
            _, position = self._remote.length()
        return str(position)

    def close(self) -> None:
        self._remote.close()


def _ids(type: Type, path: str) -> tuple[Any, ...]:
    try:
        return wire.decode_path(path.strip('/').encode())
    except wire.WireError as error:
        raise ValueError(f'{type.name}.path: {error}') from error


@contextmanager
def _told(id: Any = None) -> Iterator[None]:
    """Raise the errors of stores for those of clients.

    id
        That of the item that is asked for; None for other questions.
    """
    try:
        yield
    except Changed as error:
        raise Stale(str(error)) from error
    except errors.Refused as error:
        if error.status == 404 and id is not None:
            raise Gone(id) from error
        if error.status in (400, 409, 413, 422):
            raise Refused(str(error)) from error
        raise Unavailable(str(error)) from error
    except errors.Unavailable as error:
        if error.status in (429, 503):
            after = error.retry_after
            raise Busy(1.0 if after is None else after) from error
        raise Unavailable(str(error)) from error
    except ClientError as error:
        raise Unavailable(str(error)) from error


class HTTPAccessor(Accessor):
    """The items of a set that a server has.

    The token of an item is a position of the tree at which the item was so.
    """

    capabilities = Capabilities(conditional=True, deltas=True, repeatable=True)

    def __init__(
            self, remote: Remote, path: tuple[Any, ...], type: Type) -> None:
        self._remote = remote
        self._path = path
        self._type = type

    # Reading

    def find(self, cursor: str | None = None) -> Changes:
        if cursor is None:
            return self._copy()
        answer = self._answer(position_of(cursor))
        position = _position(answer)
        if 'reset' in answer:
            raise Replaced(f'it says {answer["reset"]!r}')
        asked(cursor, position)
        updates = self._of_set(answer)
        if 'contents' in updates:
            return self._copy()  # it has forgotten what was removed
        return Changes(self._listed(updates, position), False,
                       lambda: str(position))

    def _answer(self, since: Position) -> Answer:
        with _told():
            return self._remote.updates(
                since, parts=(self._path,) if self._path else ())

    def _copy(self) -> Changes:
        reached: list[Position] = []
        return Changes(self._pages(reached), True, lambda: str(reached[-1]))

    def _pages(self, reached: list[Position]) -> Iterator[Found]:
        """Yield all items, page by page, and then what has changed meanwhile.

        Parts have no pages, so the whole tree is read.

        reached
            Gets the position that all this leads to.
        """
        cursor: str | None = ''
        positions = []
        while cursor is not None:
            with _told():
                answer = self._remote.updates(NOTHING, cursor)
            positions.append(_position(answer))
            yield from self._listed(self._of_set(answer), positions[-1])
            cursor = answer.get('next')
            if len(positions) >= PAGES:
                raise Incomplete(f'it has more than {PAGES} pages')
        if is_page(answer):
            answer = self._answer(min(
                positions, key=lambda each: each.generation))
            updates = self._of_set(answer)
            if 'reset' in answer or 'contents' in updates:
                raise Incomplete('what was removed meanwhile is not known')
            yield from self._listed(updates, _position(answer))
        reached.append(_position(answer))

    def _of_set(self, answer: Answer) -> Mapping[str, Any]:
        """Return what an answer says of the set."""
        if 'parts' in answer:
            return next(iter(answer['parts']), {})
        found: Mapping[str, Any] = answer
        for id in self._path:
            found = next((each for each in _entries(found)
                          if isinstance(each, SubsetUpdates)
                          and each['id'] == id), {})
        return found

    def _listed(
            self, updates: Mapping[str, Any], position: Position,
    ) -> Iterator[Found]:
        for entry in _entries(updates):
            if isinstance(entry, SubsetUpdates):
                yield Unreadable(as_id(entry['id']), 'a set, and no item')
                continue
            id, item = entry
            try:
                yield self._data(id, item, position)
            except Unreadable as error:
                yield error
        for id in updates.get('removals', ()):
            yield Gone(as_id(id))

    def _data(self, id: Any, item: Any, position: Position) -> Data:
        """Return an item.  Raises Unreadable."""
        if not isinstance(item, dict) or not is_id(id):
            raise Unreadable(as_id(id), 'expected an item that is an object')
        return Data(self._type.name, id, self._type.from_plain(item),
                    str(position))

    def count(self) -> int:
        with _told():
            return self._remote.length(self._path)[0]

    def get(self, id: Any) -> Data:
        return self._data(id, *self._item(id))

    def _item(self, id: Any) -> tuple[Any, Position]:
        with self._found(id):
            return self._remote.item((*self._path, id))

    @contextmanager
    def _found(self, id: Any) -> Iterator[None]:
        """Raise Gone only if the set is there."""
        try:
            with _told(id):
                yield
        except Gone:
            self.count()
            raise

    # Writing

    def add(self, data: Data, key: str) -> Data:
        try:
            with _told():
                self._remote.put((*self._path, key), dict(data.fields), NEW)
        except Stale:
            pass  # it was added before, with this key
        return self.reread(key)

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        item, position = self._item(id)
        self._data(id, item, position)
        fields = {**item, **patch}
        with self._found(id):
            self._remote.put(
                (*self._path, id),
                {field: value for field, value in fields.items()
                 if value is not ABSENT},
                unchanged(position if token is None else position_of(token)))
        return self.reread(id)

    def remove(self, id: Any, token: str | None) -> None:
        with self._found(id):
            self._remote.remove(
                (*self._path, id), unchanged(position_of(token)))


def _position(answer: Answer) -> Position:
    return Position(answer['epoch'], answer['generation'])


def _entries(updates: Mapping[str, Any]) -> Any:
    return updates.get('contents', updates.get('adds', ()))
