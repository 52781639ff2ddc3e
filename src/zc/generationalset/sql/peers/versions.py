"""Rows as two sides compare them: JSON texts of a key and of the rest.

Equal rows have equal texts, whatever kind of database they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from zc.generationalset import wire
from zc.generationalset.sql.database import Reading, Row
from zc.generationalset.sql.errors import WrongValue
from zc.generationalset.sql.peers.conversion import Conversion
from zc.generationalset.sql.peers.errors import BadMessage, SyncError
from zc.generationalset.sql.tables import Key, Table

#: The version of a row that isn't there.
GONE = ''


class Pair(NamedTuple):
    """A table that both sides have, as this side reads and writes it.

    name
        The name that both sides use.
    key
        How the values of the key are converted.
    columns
        The same for the other columns, in the order of their names.
    """

    name: str
    table: Table
    key: tuple[Conversion, ...]
    columns: dict[str, Conversion]

    @property
    def layout(self) -> str:
        """The text of the names of all columns, in the order of versions."""
        return text([*self.table.key, *self.columns])

    def entry(self, row: Row) -> tuple[str, str]:
        """Return the texts of a row: key and version."""
        values = dict(zip([column.name for column in self.table.columns],
                          row.values, strict=True))
        try:
            return (
                self.text_of(row.key),
                text([_converted(name, convert.sent, values[name])
                      for name, convert in self.columns.items()]))
        except (WrongValue, ValueError) as error:
            raise SyncError(f'table {self.name}, key {shown(row.key)}: '
                            f'{error}') from error

    def text_of(self, key: Key) -> str:
        """Return the text of a key."""
        return text([
            _converted(name, convert.sent, value) for name, convert, value
            in zip(self.table.key, self.key, key, strict=True)])

    def key_of(self, key: str) -> Key:
        """Return the key for a text.  Raises BadMessage for what is none."""
        values = read(key)
        if len(values) != len(self.key) or None in values:
            raise BadMessage(f'table {self.name}: expected a key, got {key}')
        return tuple([
            _converted(name, convert.received, value)
            for name, convert, value
            in zip(self.table.key, self.key, values, strict=True)])

    def values_of(self, version: str) -> dict[str, Any]:
        """Return the values of the columns.  Raises BadMessage."""
        values = read(version)
        if len(values) != len(self.columns):
            raise BadMessage(
                f'table {self.name}: expected values of the columns '
                f'{", ".join(self.columns)}, got {version:.100}')
        return {name: _converted(name, convert.received, value)
                for (name, convert), value
                in zip(self.columns.items(), values, strict=True)}


def _converted(
        name: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except WrongValue as error:
        raise WrongValue(f'column {name}: {error}') from error


def text(values: Sequence[Any]) -> str:
    """Return the JSON text of some values.

    >>> text([1, b'a'])
    '[1,{"$bytes":"YQ=="}]'
    """
    return wire.encode_value(list(values)).decode()


def read(version: str) -> list[Any]:
    """Return the values of a JSON text."""
    values = wire.decode_value(version)
    assert isinstance(values, list)  # noqa: S101
    return values


def shown(key: Key) -> str:
    return ', '.join(f'{value!r:.60}' for value in key)


def versions(
        reading: Reading, pair: Pair, keys: Iterable[Key],
) -> dict[str, str]:
    """Return the versions of the rows that are there, by their keys."""
    return dict(map(pair.entry, reading.rows(pair.table, list(keys))))
