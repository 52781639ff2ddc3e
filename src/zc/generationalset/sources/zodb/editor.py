"""Items and sets of a tree: finding, storing and removing them."""

from __future__ import annotations

import secrets
from typing import Any

from ZODB.POSException import POSError

from zc.generationalset.answers import Position
from zc.generationalset.documents import Document
from zc.generationalset.interfaces import IdError
from zc.generationalset.parts import Path
from zc.generationalset.sets.changes import remember_more
from zc.generationalset.sets.conditions import unchanged
from zc.generationalset.sets.set import GenerationalSet, SGSet
from zc.generationalset.sources.errors import NoItem, WrongKind
from zc.generationalset.wire import encode_id

_NOTHING = object()


class ZODBEditor:
    """Changes a set within a transaction; see ``sources.Editor``.

    It stores items as documents.
    """

    def __init__(self, root: GenerationalSet) -> None:
        self._root = root
        #: Whether it may have changed anything.
        self.has_written = False

    @property
    def root(self) -> GenerationalSet:
        self.has_written = True  # whoever asks for it may do anything
        return self._root

    @property
    def epoch(self) -> str | None:
        return self._root.epoch

    def unchanged(self, path: Path, position: Position) -> bool:
        epoch, generation = position
        return unchanged(self._root, path, generation, epoch)

    def item(self, path: Path) -> Any:
        return item_at(self._root, path)

    def length(self, path: Path) -> int:
        return len(set_at(self._root, path))

    def document(self, path: Path) -> bytes:
        return _document(self.item(path), path[-1]).json

    def has(self, path: Path, json: bytes) -> bool:
        return self.document(path) == json

    def put(self, path: Path, json: bytes) -> bool:
        gset, id = set_at(self._root, path[:-1]), path[-1]
        old = gset.get(id, _NOTHING)
        if old is _NOTHING:
            self.has_written = True
            _add(gset, Document.of_json(gset.stored_id(id), json), id)
            remember_more(gset)
            return True
        document = _document(old, id)
        # An item that is sent twice, after a lost response, is one change.
        if document.json != json:
            self.has_written = True
            document.json = json
            gset.changed(document, id)
        return False

    def add(self, path: Path, json: bytes) -> str:
        id = secrets.token_urlsafe(9)
        self.put((*path, id), json)
        return id

    def make_set(self, path: Path) -> bool:
        gset, id = set_at(self._root, path[:-1]), path[-1]
        old = gset.get(id, _NOTHING)
        if old is _NOTHING:
            kind = SGSet if isinstance(gset, SGSet) else GenerationalSet
            self.has_written = True
            _add(gset, kind(id), None)
        elif not isinstance(old, GenerationalSet):
            raise WrongKind(
                f'expected {_shown(id)} to be a set, it is an item')
        return old is _NOTHING

    def remove(self, path: Path, is_set: bool | None = None) -> None:
        gset, id = set_at(self._root, path[:-1]), path[-1]
        found = isinstance(_found(gset, id), GenerationalSet)
        if is_set is not None and is_set != found:
            what = 'a set' if found else 'an item'
            raise WrongKind(
                f'{_shown(id)} is {what}: the path of a set ends in a slash, '
                'that of an item does not')
        self.has_written = True
        del gset[id]


def set_at(gset: Any, path: Path) -> Any:
    """Return the set at a path.  Raises NoItem if there is none."""
    for id in path:
        gset = _found(gset, id)
        if not isinstance(gset, GenerationalSet):
            raise NoItem(f'expected a set, {_shown(id)} is an item')
    return gset


def item_at(gset: Any, path: Path) -> Any:
    """Return the item at a path.  Raises NoItem if there is none."""
    ob = _found(set_at(gset, path[:-1]), path[-1])
    if isinstance(ob, GenerationalSet):
        raise NoItem(f'expected an item, {_shown(path[-1])} is a set; its '
                     'path ends in a slash')
    return ob


def _document(item: Any, id: Any) -> Document:
    if not isinstance(item, Document):
        raise WrongKind(f'expected {_shown(id)} to be a document, it is a '
                        f'{type(item).__name__}')
    return item


def _found(gset: Any, id: Any) -> Any:
    try:
        return gset[id]
    except POSError:
        raise  # unreadable doesn't mean missing
    except KeyError:
        raise NoItem(f'there is no {_shown(id)}') from None


def _shown(id: Any) -> str:
    """Return an id as clients know it."""
    return encode_id(id).decode()


def _add(gset: GenerationalSet, ob: Any, id: Any) -> None:
    try:
        gset.add(ob, id)
    except IdError as error:
        raise WrongKind(str(error)) from error
