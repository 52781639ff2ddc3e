"""Values that a column of PostgreSQL is sure to store as they are.

Of all other values, only PostgreSQL can say that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID


class Sure(NamedTuple):
    """What a column stores as it is.

    kind
        The type of the values.
    check
        Tells whether it stores some values of this type; None if any.
    """

    kind: type
    check: Callable[[Collection[Any]], bool] | None = None


def are_sure(type: str, values: Sequence[Any]) -> bool:
    """Tell whether a column of a type is sure to store values as they are.

    >>> are_sure('smallint', [1, None]), are_sure('smallint', [1, 40_000])
    (True, False)
    """
    kinds = set(map(_type, values)) - {NoneType}
    if not kinds:
        return True
    sure = _sure(type)
    if sure is None or kinds != {sure.kind}:
        return False
    return sure.check is None or sure.check(
        [value for value in values if value is not None])


_type = type


def _integers(bits: int) -> Sure:
    limit = 1 << bits - 1
    return Sure(int, lambda values: (
        -limit <= min(values) and max(values) < limit))


def are_storable(texts: Iterable[str]) -> bool:
    """Tell whether PostgreSQL has some texts: without NUL, and in Unicode."""
    joined = ''.join(texts)
    if '\0' in joined:
        return False
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return True


def _limited(length: int) -> Sure:
    return Sure(str, lambda texts: (
        max(map(len, texts)) <= length and are_storable(texts)))


def _decimals(precision: int, scale: int) -> Sure:
    """Return what is stored with so many digits, of them behind the point."""
    def is_stored(number: Decimal) -> bool:
        sign, digits, exponent = number.as_tuple()
        return exponent == -scale and len(digits) <= precision and not (
            sign and not any(digits))  # PostgreSQL has no -0

    return Sure(Decimal, lambda values: all(map(is_stored, values)))


_SURE = {
    'smallint': _integers(16), 'integer': _integers(32),
    'bigint': _integers(64), 'boolean': Sure(bool), 'bytea': Sure(bytes),
    'date': Sure(date), 'double precision': Sure(float),
    'text': Sure(str, are_storable),
    'character varying': Sure(str, are_storable), 'uuid': Sure(UUID),
    'timestamp with time zone': Sure(datetime, lambda values: all(
        value.tzinfo is timezone.utc for value in values)),
    'timestamp without time zone': Sure(datetime, lambda values: all(
        value.tzinfo is None for value in values)),
}

_limits = re.compile(
    r'(character varying|numeric)\(([0-9]+)(?:,([0-9]+))?\)').fullmatch


@cache
def _sure(type: str) -> Sure | None:
    """Return what a column of a type is sure to store."""
    found = _limits(type)
    if found is None:
        return _SURE.get(type)
    if found[1] == 'numeric':
        return _decimals(int(found[2]), int(found[3] or 0))
    return _limited(int(found[2]))
