"""Stores in which fields have other names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.type import Type


class Renaming(Accessor):
    """The items of another accessor, with the names of a type's fields.

    .. code-block:: python

        Renaming(accessor, issues, {'state': 'status'})

    accessor
        Knows the fields by the names that the store has.  Fields that aren't
        declared are left out.
    type
        The type.
    names
        For each field that has another name in the store, that name.
    """

    def __init__(
            self, accessor: Accessor, type: Type, names: Mapping[str, str],
    ) -> None:
        self._accessor = accessor
        self._names = {field: names.get(field, field)
                       for field in type.fields}

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        return self._accessor.capabilities

    def _inward(self, data: Data) -> Data:
        return replace(data, fields=self._ours(data.fields))

    def _ours(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {field: fields[name] for field, name in self._names.items()
                if name in fields}

    def _outward(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {self._names[field]: value for field, value in fields.items()}

    def find(self, cursor: str | None = None) -> Changes:
        found = self._accessor.find(cursor)
        changes = found if isinstance(found, Changes) else Changes(found)
        return Changes(
            self._found(changes), changes.snapshot, lambda: changes.cursor)

    def _found(self, changes: Changes) -> Iterator[Found]:
        for each in changes:
            yield self._inward(each) if isinstance(each, Data) else each

    def count(self) -> int:
        return self._accessor.count()

    def get(self, id: Any) -> Data:
        return self._inward(self._accessor.get(id))

    def add(self, data: Data, key: str) -> Data:
        return self._inward(self._accessor.add(
            Data(data.type, data.id, self._outward(data.fields), data.token),
            key))

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data | None:
        found = self._accessor.update(id, self._outward(patch), token)
        return None if found is None else self._inward(found)

    def remove(self, id: Any, token: str | None) -> None:
        self._accessor.remove(id, token)

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ours(self._accessor.normal(self._outward(fields)))


def with_names(
        make: Callable[[Type], Accessor], type: Type, names: Mapping[str, str],
) -> Accessor:
    """Return an accessor of a store in which fields have other names.

    make
        Makes the accessor, for the type with the names that the store has.
    names
        As for ``Renaming``.

    Raises ValueError for names that can't be.
    """
    if not names:
        return make(type)
    return Renaming(make(renamed(type, names)), type, names)


def renamed(type: Type, names: Mapping[str, str]) -> Type:
    """Return a type with the names that its fields have in a store.

    Raises ValueError for a field that isn't declared, and if two fields would
    have the same name.
    """
    for field, name in names.items():
        if field not in type.fields or not isinstance(name, str):
            raise ValueError(
                f'{type.name}.map: expected fields of the type, each with its '
                f'name in this store; got {field!r}')
    fields = {names.get(field, field): kind.declared
              for field, kind in type.fields.items()}
    if len(fields) < len(type.fields):
        raise ValueError(f'{type.name}.map: expected another name for each '
                         'field, got one for two')
    return Type(type.name, fields, [
        names.get(field, field) for field in type.key])
