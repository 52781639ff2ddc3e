"""What PostgreSQL sends, as Python objects that ``wire`` encodes.

Nothing is lost.  What has no Python object stays the text that PostgreSQL
writes: an infinite date, a year before 1, an array that doesn't begin at 1.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from math import nan
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types.array import ArrayLoader

from zc.generationalset.sql import documents

#: The types whose values are other objects than texts, as PostgreSQL spells
#: them, by the names that psycopg gives them.
NATIVE = {
    'bool': 'boolean', 'bytea': 'bytea', 'date': 'date',
    'float4': 'real', 'float8': 'double precision',
    'int2': 'smallint', 'int4': 'integer', 'int8': 'bigint',
    'json': 'json', 'jsonb': 'jsonb', 'numeric': 'numeric', 'text': 'text',
    'time': 'time without time zone',
    'timestamp': 'timestamp without time zone',
    'timestamptz': 'timestamp with time zone', 'uuid': 'uuid',
    'varchar': 'character varying', 'bpchar': 'character',
}

_SPELLINGS = frozenset(NATIVE.values())


@cache
def base_of(type: str) -> str:
    """Return a type without its limits, and without the brackets of an array.

    >>> base_of('timestamp(3) with time zone'), base_of('numeric(9,2)[]')
    ('timestamp with time zone', 'numeric')
    """
    return re.sub(r'\([0-9, -]*\)', '', type).removesuffix('[]')


def selected(expression: str, type: str) -> str:
    """Return an expression whose result is read as here.

    >>> selected('"size"', 'integer'), selected('"mood"', 'public.mood[]')
    ('"size"', '"mood"::text[]')
    """
    if base_of(type) in _SPELLINGS:
        return expression
    return f'{expression}::text{"[]" * type.endswith("[]")}'


class _Lenient(Loader):
    """Loads as psycopg does, and what it refuses, as text."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        found = psycopg.adapters.get_loader(oid, Format.TEXT)
        assert found is not None  # noqa: S101
        self._load = found(oid, context).load

    def load(self, data: Buffer) -> Any:
        try:
            return self._load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Number(Loader):
    """Loads numerics; those that aren't finite are floats."""

    def load(self, data: Buffer) -> Any:
        number = Decimal(bytes(data).decode())
        if number.is_finite():
            return number
        return nan if number.is_nan() else float(number)


class _Json(Loader):

    def load(self, data: Buffer) -> Any:
        return documents.load(bytes(data).decode())


class _Array(ArrayLoader):

    def load(self, data: Buffer) -> Any:
        if bytes(data[:1]) == b'[':  # its first index isn't 1
            return bytes(data).decode()
        return super().load(data)


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    for name in 'date', 'time', 'timestamp', 'timestamptz':
        adapters.register_loader(name, _Lenient)
    adapters.register_loader('numeric', _Number)
    for name in 'json', 'jsonb':
        adapters.register_loader(name, _Json)
    for name in NATIVE:
        info = adapters.types[name]
        adapters.register_loader(
            info.array_oid, type('_Array', (_Array,), {'base_oid': info.oid}))
    return adapters


#: A context of psycopg's connections.
ADAPTERS = _adapters()
