"""Three-way merges, field by field, without clocks.

Several sides start from a version that they agreed on, and each changes some
fields.  A field that one side has changed, or that all have changed to the
same value, is taken.  If sides disagree, a policy decides.

>>> merged = merge({'title': 'Bug', 'state': 'open'}, {
...     'files': {'title': Change('Bug', 'A bug')},
...     'tracker': {'state': Change('open', 'done')}}, {})
>>> merged.fields
{'title': 'A bug', 'state': 'done'}
>>> merged.conflicts
[]
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring
from typing import Any, Final


class _Mark(Enum):
    ABSENT = 'absent'
    UNDECIDED = 'undecided'

    def __repr__(self) -> str:
        return self.name


#: The value of a field that isn't there; None is a value.
ABSENT: Final = _Mark.ABSENT
#: The outcome of a conflict that somebody has to resolve.
UNDECIDED: Final = _Mark.UNDECIDED


@dataclass(frozen=True, slots=True)
class Change:
    """What one side has made of a field: the value it started from, and the
    new one; ABSENT where there is none."""

    base: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that sides have changed to different values.

    field
        The name of the field.
    agreed
        Its value before.
    sides
        The name of each side, and its new value.
    outcome
        What the policy has decided: a value, or ABSENT; UNDECIDED if the field
        stays as it is everywhere.
    """

    field: str
    agreed: Any
    sides: Mapping[str, Any]
    outcome: Any


#: A policy gets the agreed value and the changes of the sides, and returns the
#: value to take, or UNDECIDED.
Policy = Callable[[Any, Mapping[str, Change]], Any]


def conflict(agreed: Any, changes: Mapping[str, Change]) -> Any:
    """The default policy: somebody has to resolve it."""
    return UNDECIDED


@dataclass(frozen=True)
class Priority:
    """A policy: the first of these sides that has changed the field wins."""

    sides: tuple[str, ...]

    def __call__(self, agreed: Any, changes: Mapping[str, Change]) -> Any:
        return next((changes[side].value for side in self.sides
                     if side in changes), UNDECIDED)


@dataclass(frozen=True)
class Owner:
    """A policy: the field is one side's own.

    Changes of others are undone, even if the owner hasn't changed it.
    """

    side: str

    def __call__(self, agreed: Any, changes: Mapping[str, Change]) -> Any:
        own = changes.get(self.side)
        return agreed if own is None else own.value


def union(agreed: Any, changes: Mapping[str, Change]) -> Any:
    """A policy for sets: what each side has added and removed.

    What one side has added, and another one has removed, stays.
    """
    sets = [*(each.value for each in changes.values()), agreed,
            *(each.base for each in changes.values())]
    if not all(each is ABSENT or isinstance(each, frozenset) for each in sets):
        return UNDECIDED
    added: set[Any] = set()
    removed: set[Any] = set()
    for each in changes.values():
        before, after = _members(each.base), _members(each.value)
        added |= after - before
        removed |= before - after
    return frozenset((_members(agreed) - removed) | added)


def _members(value: Any) -> frozenset[Any]:
    return frozenset() if value is ABSENT else value


def maximum(agreed: Any, changes: Mapping[str, Change]) -> Any:
    """A policy for what only grows: the greatest value."""
    values = [each.value for each in changes.values()]
    if agreed is not ABSENT:
        values.append(agreed)
    try:
        return max(values)
    except TypeError:  # such as ABSENT, or None
        return UNDECIDED


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    fields
        The fields that sides agree on now.
    conflicts
        The fields on which sides differed, with the outcome.
    """

    fields: Mapping[str, Any]
    conflicts: list[Conflict]


def merge(
        agreed: Mapping[str, Any],
        sides: Mapping[str, Mapping[str, Change]],
        policies: Mapping[str, Policy]) -> Merged:
    """Merge the changes of several sides.

    The result doesn't depend on the order of the sides.  It takes time in
    proportion to the number of changes.

    agreed
        The fields on which the sides agreed last.
    sides
        The name of each side, and its changes by field.
    policies
        The policy of each field; ``conflict`` for others.

    Raises what a policy raises.
    """
    fields, conflicts = dict(agreed), []
    for field in sorted({field for each in sides.values() for field in each}):
        changes = {side: sides[side][field] for side in sorted(sides)
                   if field in sides[side]}
        before = agreed.get(field, ABSENT)
        policy = policies.get(field, conflict)
        value = _outcome(before, changes, policy)
        if value is UNDECIDED or any(
                not same(each.value, value) for each in changes.values()):
            conflicts.append(Conflict(
                field, before,
                {side: each.value for side, each in changes.items()}, value))
        if value is ABSENT:
            fields.pop(field, None)
        elif value is not UNDECIDED:
            fields[field] = value
    return Merged(fields, conflicts)


def _outcome(
        agreed: Any, changes: Mapping[str, Change], policy: Policy) -> Any:
    """Return the new value of a field."""
    first = next(iter(changes.values())).value
    if not isinstance(policy, Owner) and all(
            same(each.value, first) for each in changes.values()):
        return first
    return policy(agreed, changes)


def changes(
        base: Mapping[str, Any], now: Mapping[str, Any],
        fields: Iterable[str]) -> dict[str, Change]:
    """Return which of the fields differ between two versions."""
    found = {field: Change(base.get(field, ABSENT), now.get(field, ABSENT))
             for field in fields}
    return {field: change for field, change in found.items()
            if not same(change.base, change.value)}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, and of the same type.

    Python says that True equals 1; here it doesn't.  Decimals are equal if
    their numbers are, instants in any time zone.
    """
    if one is other:
        return True
    if type(one) is type(other) is str:
        return bool(one == other)
    return canonical(one) == canonical(other)


def canonical(value: Any) -> str:
    """Return a text that is the same for equal values, and only for them.

    Raises TypeError for values that are no plain data.
    """
    if isinstance(value, str):
        return encode_basestring(value)  # as json.dumps, ten times as fast
    if value is ABSENT:
        return '-'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Decimal):
        return f'decimal {value.normalize() if value else Decimal()}'
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc)
        return f'datetime {value.isoformat()}'
    if isinstance(value, datetime.date):
        return f'date {value.isoformat()}'
    if isinstance(value, bytes):
        return f'bytes {value.hex()}'
    return _canonical_of_many(value)


def _canonical_of_many(value: Any) -> str:
    if isinstance(value, Mapping):
        members = ','.join(sorted(
            f'{canonical(name)}:{canonical(each)}'
            for name, each in value.items()))
        return '{' + members + '}'
    if isinstance(value, (set, frozenset)):
        return f"set({','.join(sorted(map(canonical, value)))})"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    raise TypeError(f'expected plain data, got {type(value).__name__}')
