"""A type of items: its fields, its key, and its policies."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from typing import Any

from zc.generationalset import wire
from zc.generationalset.merging import ABSENT, Policy, canonical
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.kinds import Kind, Unfit


class Type:
    """What is synchronized of the items of a type.

    >>> issues = Type('issue', {'title': 'str', 'state': 'enum:open,done'},
    ...               key=['title'])

    name
        The name of the type, the same in all stores.
    fields
        The kind of each field.  Others are left alone.
    key
        The fields that tell which items of two stores are the same, when they
        are seen for the first time; in each store, no two items have the same.
    policies
        What to do if a field was changed to different values; see
        ``zc.generationalset.merging``.
    delete_wins
        Whether an item is removed that one store has removed, and another one
        has changed.  Otherwise it stays.

    Raises ValueError if a kind, or a field of the key, is unknown.
    """

    def __init__(
            self, name: str, fields: Mapping[str, str], key: Sequence[str],
            policies: Mapping[str, Policy] | None = None,
            delete_wins: bool = False) -> None:
        self.name = name
        self.fields = {field: Kind(kind) for field, kind in fields.items()}
        self.key = tuple(key)
        self.policies = dict(policies or {})
        self.delete_wins = delete_wins
        self.references = {field: kind.target
                           for field, kind in self.fields.items()
                           if kind.target is not None}
        if not self.key:
            raise ValueError(f'expected a key of type {name}, got none')
        for field in (*self.key, *self.policies):
            if field not in self.fields:
                raise ValueError(f'expected a field of type {name}, '
                                 f'got {field!r}')

    def normal(self, data: Data) -> dict[str, Any]:
        """Return the declared fields of an item, in the form that is kept.

        Raises Unfit if a value doesn't fit, or the id or the key can't be one.
        """
        if not is_id(data.id):
            raise Unfit(f'expected an id, a string or an integer, '
                        f'got {data.id!r:.100}')
        found = {}
        for field, kind in self.fields.items():
            if field in data.fields:
                try:
                    found[field] = kind.normal(data.fields[field])
                except Unfit as error:
                    raise Unfit(f'{field}: {error}') from None
        for field in self.key:
            if found.get(field) is None:
                raise Unfit(f'{field}: expected a value, as it is in the key')
        try:
            wire.encode_value(found)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unfit(str(error)) from None
        return found

    def from_plain(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the declared fields of an item that came as JSON.

        What has no value stays as it is; it doesn't fit.
        """
        return {field: kind.from_plain(fields[field])
                for field, kind in self.fields.items() if field in fields}

    def key_of(self, fields: Mapping[str, Any]) -> str:
        """Return the natural key of an item, as text."""
        return canonical([fields.get(field, ABSENT) for field in self.key])


def in_order(types: Sequence[Type]) -> list[list[Type]]:
    """Return types in an order in which references point back; if there is
    none, all of them together."""
    by_name = {type.name: type for type in types}
    graph = {type.name: {
        target for target in type.references.values()
        if target in by_name and target != type.name} for type in types}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:
        return [[by_name[name] for name in sorted(by_name)]]
    return [[by_name[name]] for name in order]


def is_id(id: Any) -> bool:
    """Tell whether something can be an id: an integer, or a string without
    lone surrogates."""
    if type(id) is str:
        return not any('\ud800' <= letter <= '\udfff' for letter in id)
    return type(id) is int


def as_id(id: Any) -> str | int:
    """Return an id as reports have it, also one that can't be an id here."""
    return id if is_id(id) else repr(id)


def digest(fields: Mapping[str, Any]) -> bytes:
    """Return 16 bytes that are the same for equal fields."""
    return blake2b(canonical(fields).encode(), digest_size=16).digest()


def folded(key: str) -> str:
    """Return a key without what some stores change: case and composition."""
    return unicodedata.normalize(
        'NFC', unicodedata.normalize('NFC', key).casefold())
