"""Python objects as the text that PostgreSQL reads."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

from zc.generationalset.sql import documents
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.postgresql.loaders import base_of
from zc.generationalset.sql.postgresql.sure import are_storable
from zc.generationalset.sql.tables import Column


def text_of(column: Column, value: Any) -> str | None:
    """Return the text of a value; None for NULL.  Raises WrongValue."""
    if value is None:
        return None
    is_json = base_of(column.type) in ('json', 'jsonb')
    try:
        text = _array(value, is_json) if (
            column.type.endswith('[]') and isinstance(value, list)
        ) else documents.dump(value) if is_json else plain_text(value)
        text.encode()
    except (TypeError, ValueError) as error:
        raise wrong(column, value) from error
    if '\0' in text:
        raise wrong(column, value)
    return text


def texts_of(column: Column, values: Sequence[Any]) -> list[str | None]:
    """Return the texts of values of a column, as ``text_of`` does.

    O(values); faster if they are of the same type.
    """
    kinds = set(map(type, values)) - {NoneType}
    if len(kinds) == 1 and base_of(column.type) not in ('json', 'jsonb'):
        kind = kinds.pop()
        if kind is str and are_storable(filter(None, values)):
            return list(values)
        if kind in _QUICKLY:
            write = _QUICKLY[kind]
            return [None if value is None else write(value)
                    for value in values]
    return [text_of(column, value) for value in values]


#: Those of which each value has a text that PostgreSQL can read.
_QUICKLY: dict[type, Callable[[Any], str]] = {
    int: str, float: repr, Decimal: str, UUID: str, date: date.isoformat}


def array_of(texts: Sequence[str | None]) -> str:
    """Return an array of texts as PostgreSQL reads it.

    >>> array_of(['a', 'b"', None])
    '{"a","b\\\\"",NULL}'
    """
    given = [text for text in texts if text is not None]
    joined = '","'.join(given)
    if given and len(given) == len(texts) and '\\' not in joined \
            and joined.count('"') == 2 * len(given) - 2:
        return f'{{"{joined}"}}'
    elements = ['NULL' if text is None else _element(text) for text in texts]
    return f'{{{",".join(elements)}}}'


def lines_of(columns: Iterable[Sequence[str | None]]) -> str:
    """Return columns of texts as the lines that COPY reads.

    >>> lines_of([['1', '2'], ['a\\tb', None]])
    '1\\ta\\\\tb\\n2\\t\\\\N\\n'
    """
    return ''.join([f'{line}\n' for line in map(
        '\t'.join, zip(*map(_cells, columns), strict=True))])


def _cells(texts: Sequence[str | None]) -> Sequence[str]:
    """Return texts as they are in lines."""
    are_special = _is_special(''.join(filter(None, texts)))
    return ['\\N' if text is None else text.translate(_ESCAPES)
            if are_special else text for text in texts]


_ESCAPES = str.maketrans(
    {'\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r'})
_is_special = re.compile(r'[\\\t\n\r]').search


def wrong(
        column: Column, value: Any, stored: Any = None,
) -> WrongValue:
    """Return the error that says that a column can't have a value."""
    text = (f'column {column.name}: expected a value of the type '
            f'{column.type}, got {_shown(value)}')
    if stored is not None:
        text += f', which would be stored as {_shown(stored)}'
    return WrongValue(text)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f'{text[:75]} ...'


def plain_text(value: Any) -> str:
    """Return the text of a value that is neither an array nor JSON.

    Raises TypeError.
    """
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    raise TypeError


_TEXTS: list[tuple[type | tuple[type, ...], Callable[[Any], str]]] = [
    (str, str),
    (bool, lambda value: 'true' if value else 'false'),
    ((int, Decimal, UUID), str),
    (float, repr),
    (bytes, lambda value: '\\x' + value.hex()),
    (datetime, lambda value: value.isoformat(' ')),
    ((date, time), lambda value: value.isoformat()),
]


def _array(value: list[Any], is_json: bool) -> str:
    elements = ','.join([
        'NULL' if element is None
        else _array(element, is_json)
        if isinstance(element, list) and not is_json
        else _element(
            documents.dump(element) if is_json else plain_text(element))
        for element in value])
    return f'{{{elements}}}'


def _element(text: str) -> str:
    if '\\' in text or '"' in text:
        text = text.replace('\\', '\\\\').replace('"', '\\"')
    return f'"{text}"'


def is_same(value: Any, stored: Any) -> bool:
    """Return whether what is stored is the value that was given.

    A number may be stored as one of another type, if that is exact; a float
    stands for the shortest decimal number that it is read from.
    """
    if isinstance(value, bool) != isinstance(stored, bool):
        return False
    if isinstance(value, float):
        if isinstance(stored, Decimal):
            return Decimal(repr(value)) == stored
        if math.isnan(value):
            return isinstance(stored, float) and math.isnan(stored)
    if isinstance(value, list) and isinstance(stored, list):
        return len(value) == len(stored) and all(map(is_same, value, stored))
    return bool(value == stored)
