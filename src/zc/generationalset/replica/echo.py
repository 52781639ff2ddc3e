"""Whether an item that arrives is one that is here already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Any

#: Equal values of these may be written in different ways, which are not the
#: same to a user: 1.50 and 1.5, 9 o'clock in Paris and 8 o'clock in London.
_WRITTEN: dict[type, Callable[[Any], str]] = {
    Decimal: str, datetime: datetime.isoformat, time: time.isoformat,
    float: repr}

#: Those that can't be changed in place.
_FIXED = (str, int, float, bool, type(None), bytes, Decimal, datetime, time)


def is_echo(old: Any, new: Any) -> bool:
    """Tell whether an item that arrives is what the replica has already.

    The same object isn't, unless it is of a type that can't change: a set in
    the same process may have changed it in place.
    """
    if old is new:
        return isinstance(new, _FIXED)
    try:
        return _same(old, new)
    except Exception:  # objects that can't be compared may differ
        return False


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
