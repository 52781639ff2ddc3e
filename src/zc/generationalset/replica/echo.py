"""Whether an item that arrives is the one that the replica has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

#: For types whose equal values may differ to a user: 1.50 and 1.5, 9 o'clock
#: in Paris and 8 o'clock in London.
_WRITTEN: dict[type, Callable[[Any], str]] = {
    Decimal: str, datetime: datetime.isoformat, time: time.isoformat,
    float: repr}

#: Types of values that can't be changed in place.
_FIXED = (str, int, float, bool, type(None), bytes, Decimal, date, time,
          timedelta, UUID)


def is_echo(old: Any, new: Any) -> bool:
    """Tell whether an item that arrives is the one that the replica has.

    For the same object the answer is no, unless it can't change, because a set
    in the same process may have changed the object in place.

    >>> is_echo((), ()), is_echo(new := [], new)
    (True, False)
    """
    if old is new:
        return _is_fixed(new)
    try:
        return _same(old, new)
    except Exception:  # objects that can't be compared may differ
        return False


def _is_fixed(value: Any) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_is_fixed, value))
    return isinstance(value, _FIXED)


def _same(old: Any, new: Any) -> bool:
    """Tell whether values are equal, and of the same types: 1 isn't True."""
    if type(old) is not type(new):
        return False
    if isinstance(new, dict):
        return len(old) == len(new) and all(
            key in old and _same(old[key], value)
            for key, value in new.items())
    if isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    written = _WRITTEN.get(type(new))
    if written is not None:
        return written(old) == written(new)
    return bool(old == new)
