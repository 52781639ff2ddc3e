"""Changes that clients ask for: documents put into sets and removed."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from ZODB.POSException import POSError

from zc.generationalset import GenerationalSet, SGSet, wire
from zc.generationalset.documents import Document
from zc.generationalset.interfaces import IdError
from zc.generationalset.server.problems import Problem

Path = tuple[Any, ...]
_NOTHING = object()


class Change(NamedTuple):
    """One change of a tree.

    op
        'put', 'add', 'set' or 'remove', as in docs/protocol.txt.
    path
        Ids, the last one that of the item; for 'add' those of sets only.
    json
        The text of the item, for 'put' and 'add'.
    subset
        For 'remove': what has to be there, or None if it may be either.
    """

    op: str
    path: Path
    json: bytes = b''
    subset: bool | None = None


def make(gset: GenerationalSet, change: Change) -> tuple[Any, bool]:
    """Make a change in a transaction; return its id, and whether it is new.

    Raises a Problem if it can't be made.
    """
    if change.op != 'remove':
        _check_depth(change)
    if change.op == 'add':
        id = secrets.token_urlsafe(9)
        _put(set_at(gset, change.path), id, change.json)
        return id, True
    if not change.path:
        raise Problem(400, 'expected the id of an item, got the top of the '
                      'tree')
    *path, id = change.path
    member = set_at(gset, path)
    if change.op == 'put':
        return id, _put(member, id, change.json)
    if change.op == 'set':
        return id, _make_set(member, id)
    _remove(member, id, change.subset)
    return id, False


def _check_depth(change: Change) -> None:
    """Refuse to make what no answer could say."""
    depth = len(change.path) - (change.op == 'put')
    if depth > wire.SUBSETS:
        raise Problem(400, f'expected at most {wire.SUBSETS} sets within each '
                      f'other, got a path of {depth}')


def set_at(gset: GenerationalSet, path: Any) -> GenerationalSet:
    """Return the set at a path.  Raises a Problem if there is none."""
    for id in path:
        gset = _found(gset, id)
        if not isinstance(gset, GenerationalSet):
            raise Problem(404, f'expected a set, {id!r} is an item')
    return gset


def item_at(gset: GenerationalSet, path: Path) -> Any:
    """Return the item at a path.  Raises a Problem if there is none."""
    *sets, id = path
    ob = _found(set_at(gset, sets), id)
    if isinstance(ob, GenerationalSet):
        raise Problem(404, f'expected an item, {id!r} is a set; its path ends '
                      'in a slash')
    return ob


def _found(gset: GenerationalSet, id: Any) -> Any:
    try:
        return gset[id]
    except POSError:
        raise  # it can't be read, which doesn't say that it isn't there
    except KeyError:
        raise Problem(404, f'there is no {id!r}') from None


def _put(gset: GenerationalSet, id: Any, json: bytes) -> bool:
    old = gset.get(id, _NOTHING)
    if old is _NOTHING:
        _add(gset, Document.of_json(gset._normal(id), json), id)
        return True
    if not isinstance(old, Document):
        raise Problem(409, f'expected {id!r} to be a document, it is a '
                      f'{type(old).__name__}')
    # What is sent twice, after a response was lost, is one change.
    if old.json != json:
        old.json = json
        gset.changed(old, id)
    return False


def _make_set(gset: GenerationalSet, id: Any) -> bool:
    old = gset.get(id, _NOTHING)
    if old is _NOTHING:
        kind = SGSet if isinstance(gset, SGSet) else GenerationalSet
        _add(gset, kind(id), None)
    elif not isinstance(old, GenerationalSet):
        raise Problem(409, f'expected {id!r} to be a set, it is an item')
    return old is _NOTHING


def _add(gset: GenerationalSet, ob: Any, id: Any) -> None:
    try:
        gset.add(ob, id)
    except IdError as error:
        raise Problem(409, str(error)) from error


def _remove(gset: GenerationalSet, id: Any, subset: bool | None) -> None:
    is_subset = isinstance(_found(gset, id), GenerationalSet)
    if subset is not None and subset != is_subset:
        what = 'a set' if is_subset else 'an item'
        raise Problem(409, f'{id!r} is {what}: the path of a set ends in a '
                      'slash, that of an item does not')
    del gset[id]
