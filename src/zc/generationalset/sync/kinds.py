"""The kinds of values that a field can be declared to have."""

from __future__ import annotations

import datetime
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

SIMPLE: Mapping[str, tuple[type, ...]] = {
    'str': (str,), 'int': (int,), 'decimal': (Decimal, int),
    'bool': (bool,), 'date': (datetime.date,),
    'datetime': (datetime.datetime,), 'set': (frozenset, set, list, tuple),
    'bytes': (bytes,), 'json': (object,)}

#: Texts of dates, and of date-times: some forms of ISO 8601.
_is_date = re.compile('[0-9]{4}-[0-9]{2}-[0-9]{2}').fullmatch
_is_datetime = re.compile(
    '([0-9]{4}-[0-9]{2}-[0-9]{2})'
    '(?:[T ]((?:[01][0-9]|2[0-3]):[0-5][0-9])'
    '(?:(:[0-5][0-9])(?:[.]([0-9]{1,6}))?)?'
    '(Z|[+-][0-9]{2}:[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{6})?)?)?)?',
).fullmatch


def _date(text: str) -> datetime.date:
    if not _is_date(text):
        raise ValueError(f'expected a date, got {text!r:.100}')
    return datetime.date.fromisoformat(text)


def _datetime(text: str) -> datetime.datetime:
    found = _is_datetime(text)
    if not found:
        raise ValueError(f'expected a date-time, got {text!r:.100}')
    date, clock, seconds, fraction, offset = found.groups('')
    return datetime.datetime.fromisoformat(
        f'{date}T{clock or "00:00"}{seconds or ":00"}.{fraction:0<6}'
        f'{offset.replace("Z", "+00:00")}')


#: How texts of these kinds are read: the same by all releases of Python, of
#: which newer ones know more forms of dates.
PARSERS: Mapping[str, Callable[[str], Any]] = {
    'date': _date,
    'datetime': _datetime,
    'bytes': lambda text: b64decode(text, validate=True)}


class Unfit(ValueError):
    """A value isn't of its declared kind."""


class Kind:
    """A kind of values.

    text
        ``str``, ``int``, ``decimal``, ``bool``, ``date``, ``datetime``,
        ``set``, ``bytes``, ``json``, ``enum:open,done``, or ``ref:TYPE``, the
        id of an item of another type in the same store.

    Raises ValueError for another text.
    """

    def __init__(self, text: str) -> None:
        self.declared = text
        self.name, _, more = text.partition(':')
        self.choices = more.split(',') if self.name == 'enum' and more else []
        #: The type that a reference refers to.
        self.target = more if self.name == 'ref' else None
        if self.name not in SIMPLE and not self.choices and not self.target:
            raise ValueError(f'expected a kind: {", ".join(SIMPLE)}, '
                             f'enum:A,B or ref:TYPE; got {text!r}')

    def normal(self, value: Any) -> Any:
        """Return a value in the form in which it is compared and kept.

        Raises Unfit.
        """
        if value is None:
            return None
        if not self._fits(value):
            raise Unfit(f'expected {self.declared}, got {value!r:.100}')
        if self.name == 'set':
            return frozenset(value)
        return Decimal(value) if self.name == 'decimal' else value

    def plain(self, value: Any) -> Any:
        """Return a value as JSON has it.

        Dates and decimals become texts, and bytes become Base64.
        """
        if isinstance(value, bytes):
            return b64encode(value).decode()
        if isinstance(value, frozenset):
            return sorted(value, key=lambda each: (str(type(each)), each))
        if isinstance(value, datetime.date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    def from_plain(self, value: Any) -> Any:
        """Return the value of what ``plain`` makes.

        What has no value is returned as it is; it doesn't fit.
        """
        try:
            if self.name == 'decimal' and isinstance(value, (str, float)):
                return Decimal(str(value))
            if self.name in PARSERS and isinstance(value, str):
                return PARSERS[self.name](value)
        except (ValueError, ArithmeticError):
            pass
        return value

    def text(self, value: Any) -> str:
        """Return a value as a text."""
        value = self.plain(value)
        return value if isinstance(value, str) else json.dumps(
            value, ensure_ascii=False)

    def from_text(self, text: str) -> Any:
        """Return the value of what ``text`` makes.

        What has no value is returned as it is; it doesn't fit.
        """
        if self.name in ('str', 'enum', 'ref'):
            return text
        value = self.from_plain(text)
        if value is not text:
            return value
        try:
            return self.from_plain(json.loads(text))
        except ValueError:
            return text

    def _fits(self, value: Any) -> bool:
        if self.name == 'enum':
            return value in self.choices
        if self.name == 'ref':
            return type(value) in (str, int)
        if isinstance(value, bool) and self.name in ('int', 'decimal'):
            return False
        if isinstance(value, datetime.datetime) and self.name == 'date':
            return False
        if isinstance(value, float) and value != value:
            return False
        if self.name == 'set':
            return isinstance(value, (frozenset, set, list, tuple)) and all(
                type(each) in (str, int) for each in value)
        return isinstance(value, SIMPLE[self.name])
