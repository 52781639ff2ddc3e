"""Ids of objects: what can be an id, and how it is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ZODB.broken import Broken

from zc.generationalset.interfaces import IdError

#: Types of ids that need no closer look.
PLAIN = frozenset([str, int])


def check_id(ob: Any, id: Any) -> Any:
    """Return an id as it is stored; raise IdError if no set can have it."""
    try:
        # Replicas need hashable ids, and B-trees need ordered ones.  B-trees
        # would accept None and NaN.
        good = _is_ordered(id)
        hash(id)
    except TypeError:
        good = False
    if not good:
        raise IdError(f'expected an id for {ob!r}, hashable and ordered, '
                      f'got {id!r}')
    return plain_id(id)


def _is_ordered(id: Any) -> bool:
    if isinstance(id, tuple):
        return all(map(_is_ordered, id))
    if isinstance(id, datetime) and _is_ambiguous(id):
        return False
    return bool(id is not None and id == id and not id < id)


def _is_ambiguous(moment: datetime) -> bool:
    """Tell whether clocks that are put back show a date-time twice.

    Python says that such a date-time equals none of another time zone.  So a
    set could have it twice, and clients couldn't tell one from the other.
    """
    return (moment.replace(fold=0).utcoffset()
            != moment.replace(fold=1).utcoffset())


def plain_id(id: Any) -> Any:
    """Return the string, number, bytes or tuple that an id equals, if any.

    An instance of an application's own subclass, such as of str, is pickled
    with the name of its class.  If the class moved, nobody could read the set
    any more.
    """
    for kind, make in _MADE:
        if isinstance(id, kind):
            return make(id) if _compares_as(type(id), kind) else id
    return id


def is_plain(id: Any) -> bool:
    """Tell whether an id is stored without the name of a class."""
    if isinstance(id, tuple):
        return type(id) is tuple and all(map(is_plain, id))
    return not isinstance(id, Broken) and type(plain_id(id)) is type(id)


def repaired_id(id: Any) -> Any:
    """Return the plain form of an id, even if its class is gone."""
    if isinstance(id, Broken):
        arguments: tuple[Any, ...] = id.__Broken_newargs__ or ()
        id = arguments[0] if len(arguments) == 1 else arguments
    if isinstance(id, tuple):
        return tuple([repaired_id(part) for part in id])
    return plain_id(id)


def _compares_as(kind: type, base: type) -> bool:
    return all(getattr(kind, name) is getattr(base, name)
               for name in ('__eq__', '__lt__', '__hash__'))


def _plain_int(id: int) -> int:
    return id if type(id) is bool else int.__int__(id)


def _plain_bytes(id: bytes) -> bytes:
    return bytes.__getitem__(id, slice(None))


def _plain_tuple(id: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([plain_id(part) for part in tuple.__iter__(id)])


_MADE: list[tuple[type, Any]] = [
    (str, str.__str__), (int, _plain_int), (float, float.__float__),
    (bytes, _plain_bytes), (tuple, _plain_tuple)]
