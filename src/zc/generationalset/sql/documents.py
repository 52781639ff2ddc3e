"""JSON in columns, as Python values and as text.

Nothing is lost: a number that no float has is a Decimal.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from zc.generationalset.sql.texts import as_text

#: The null of JSON.  Python's None is that of SQL, and JSON has no tuples.
JSON_NULL = ()


class Unreadable:
    """JSON that Python doesn't read; nobody can read its row."""


def load(text: str) -> Any:
    """Return the value of JSON; Unreadable if it is nested too deep, or so.

    >>> load('{"price": 1.50, "size": 1.5}')
    {'price': Decimal('1.50'), 'size': 1.5}

    Raises ValueError for what isn't JSON.
    """
    try:
        value = json.loads(
            text, parse_float=_number, parse_constant=_refuse)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError, ArithmeticError):  # long numbers
        return Unreadable()
    return JSON_NULL if value is None else value


def _number(text: str) -> float | Decimal:
    """Return a float if that is written as it was read."""
    number, exact = float(text), Decimal(text)
    same = Decimal(repr(number)).as_tuple() == exact.as_tuple()
    return number if same else exact


def _refuse(constant: str) -> None:
    raise json.JSONDecodeError('expected a finite number', constant, 0)


def dump(value: Any) -> str:
    """Return JSON without spaces.

    Raises TypeError and ValueError for a value that JSON doesn't have.
    """
    if value == JSON_NULL and type(value) is tuple:
        return 'null'
    return _part(value)


def _part(value: Any) -> str:
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError
        members = [f'{_part(name)}:{_part(member)}'
                   for name, member in value.items()]
        return f'{{{",".join(members)}}}'
    if isinstance(value, list):
        return f'[{",".join(map(_part, value))}]'
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, tuple):
        raise TypeError
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def in_json(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has no type for is text.

    >>> in_json([date(2026, 11, 29), math.nan, Decimal('1.50')])
    ['2026-11-29', 'NaN', Decimal('1.50')]

    Raises TypeError and ValueError for what no text stands for.
    """
    return load(dump(_with_texts(value)))


def _with_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_with_texts, value))
    if isinstance(value, Decimal) and value.is_finite():
        return value
    text = as_text(value)
    return value if text is None else text


def canonical(value: Any) -> str:
    """Return the same JSON for equal values: names are in jsonb's order.

    >>> canonical({'ab': 1, 'b': None, 'a': [1.5]})
    '{"a":[1.5],"b":null,"ab":1}'

    value
        From ``load``, or ``in_json``.

    Raises what ``dump`` does.
    """
    return dump(_in_order(value))


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(value[name])
                for name in sorted(value, key=_place)}
    if isinstance(value, list):
        return list(map(_in_order, value))
    return value


def _place(name: str) -> tuple[int, bytes]:
    encoded = name.encode(errors='surrogatepass')
    return len(encoded), encoded
