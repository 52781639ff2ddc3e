"""Conditions: which rows of a table somebody may see."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.tables import Condition

#: Stands for a parameter; no statement has this character.
PLACE = '\0'

#: How many conditions a process remembers to have tried.
REMEMBERED = 1000

#: Text, quoted names, casts, and parameters of a condition.
_PARTS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|::|:(\w+)|\b(select)\b""", re.I)


def condition(where: str, parameters: Mapping[str, Any]) -> Condition:
    r"""Return the condition for a text with named parameters.

    >>> condition("owner = :user AND name <> ':x'", {'user': 'ann'})
    Condition(text="owner = \x00 AND name <> ':x'", values=('ann',))

    Raises DatabaseError for a parameter without a value, and for a subquery:
    nobody would notice when its tables change.
    """
    values = []

    def replace(found: re.Match[str]) -> str:
        name, select = found.groups()
        if select:
            raise DatabaseError(
                f'expected a condition without subqueries, got {where}')
        if name is None:
            return found[0]
        if name not in parameters:
            raise DatabaseError(
                f'expected a value for the parameter {name} of {where}')
        values.append(parameters[name])
        return PLACE

    return Condition(_PARTS.sub(replace, where), tuple(values))


def filled(text: str, replacements: Sequence[str]) -> str:
    r"""Return a condition with other texts for its parameters.

    >>> filled('a = \0 OR b = \0', ['$1', '$2'])
    'a = $1 OR b = $2'
    """
    first, *rest = text.split(PLACE)
    return first + ''.join(
        [new + part for new, part in zip(replacements, rest, strict=True)])


def names(text: str) -> list[str]:
    r"""Return names for the parameters of a condition, as if of columns.

    >>> names('a = \0 OR b = \0')
    ['gset_1', 'gset_2']
    """
    return [f'gset_{place}' for place in range(1, 1 + text.count(PLACE))]
