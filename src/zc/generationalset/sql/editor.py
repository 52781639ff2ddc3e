"""Rows that clients write, and remove."""

from __future__ import annotations

from typing import Any

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.parts import Path
from zc.generationalset.sources import NoItem, Refused, WrongKind
from zc.generationalset.sql.database import Writing
from zc.generationalset.sql.items import Item, columns_of, values_of
from zc.generationalset.sql.served import Served
from zc.generationalset.sql.snapshot import item_at, length_at, table_at
from zc.generationalset.sql.tables import Key, Table


class SQLEditor:
    """Changes rows within a transaction; see ``sources.Editor``."""

    def __init__(self, writing: Writing, tree: Served) -> None:
        self._writing = writing
        self._tree = tree
        #: The driver's connection.
        self.root = writing.connection

    @property
    def epoch(self) -> str | None:
        return self._tree.position(self._writing.position).epoch

    def unchanged(self, path: Path, position: Position) -> bool:
        epoch, since = position
        if since and epoch != self.epoch:
            return False
        before = self._writing.position.generation
        return since <= before and (not path or self._is_as(path, since)) and (
            bool(path) or all(self._is_as((id,), since)
                              for id in self._tree.ids))

    def _is_as(self, path: Path, since: int) -> bool:
        """Tell whether a path has what it had at a generation."""
        table = self._tree.table(self._writing, path[0])
        if table is None:
            return True  # there never was anything
        if since < self._writing.floor(table):
            return False
        if len(path) == 1:
            return not list(self._writing.changes(table, since, 1))
        try:
            key = table.key_of(path[1])
        except ValueError:
            return True
        return self._writing.changed(table, key) <= since

    def item(self, path: Path) -> Item:
        return item_at(self._writing, self._tree, path)

    def length(self, path: Path) -> int:
        return length_at(self._writing, self._tree, path)

    def document(self, path: Path) -> bytes:
        return self.item(path).__wire__()

    def has(self, path: Path, json: bytes) -> bool:
        table, key = self._place(path)
        values = values_of(table, key, wire.decode_value(json))
        return not _changes(self.item(path), values)

    def put(self, path: Path, json: bytes) -> bool:
        table, key = self._place(path)
        values = values_of(table, key, wire.decode_value(json))
        for row in self._writing.rows(table, [key]):
            changes = _changes(Item(table, row), values)
            if changes:
                self._writing.update(table, key, changes)
                self._check_seen(table, key)
            return False
        self._writing.insert(table, key, values)
        self._check_seen(table, key)
        return True

    def add(self, path: Path, json: bytes) -> Any:
        if not path:
            raise WrongKind('expected a table, nobody makes more')
        table = table_at(self._writing, self._tree, path[0])
        if len(path) > 1:
            raise NoItem('expected a set, a row is none')
        key = self._writing.add(table, {
            name: value for name, value in columns_of(
                table, wire.decode_value(json)).items()
            if value is not None or name not in table.key})
        self._check_seen(table, key)
        return table.id_of(key)

    def _check_seen(self, table: Table, key: Key) -> None:
        """Raise Refused for a row that nobody sees here."""
        if table.condition is not None and not list(
                self._writing.rows(table, [key])):
            raise Refused(f'table {table}: expected a row of those that are '
                          'seen here')

    def make_set(self, path: Path) -> bool:
        if path and len(path) > 1:
            table_at(self._writing, self._tree, path[0])
            raise WrongKind('a table has rows, and no sets')
        if self._tree.table(self._writing, path[0]) is None:
            raise WrongKind('sets are the tables '
                            f'{", ".join(self._tree.ids)}; nobody makes more')
        return False

    def remove(self, path: Path, is_set: bool | None = None) -> None:
        table, key = self._place(path)
        self.item(path)
        if is_set:
            raise WrongKind('this is an item: the path of a set ends in a '
                            'slash, that of an item does not')
        self._writing.delete(table, key)

    def _place(self, path: Path) -> tuple[Table, Key]:
        """Return the table, and the key, of an item that could be there."""
        if len(path) == 1:
            raise WrongKind('expected a row of a table; nobody makes, '
                            'replaces or removes tables')
        table = table_at(self._writing, self._tree, path[0])
        if len(path) > 2:
            raise NoItem('expected a set, a row is none')
        try:
            return table, table.key_of(path[1])
        except ValueError as error:
            raise WrongKind(str(error)) from error


def _changes(item: Item, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that change if a row becomes such an item.

    A column that is left out becomes NULL, unless it has a default: then it
    keeps its value, as the database may have made that.
    """
    left_out = {
        column.name: None for column in item.table.columns
        if column.is_nullable and not column.is_generated
        and not column.has_default and column.name not in item.table.key}
    old = item.value
    return {name: value for name, value in (left_out | values).items()
            if not _is_same(old[name], value)}


def _is_same(old: Any, new: Any) -> bool:
    """Tell whether values are equal: True isn't 1, in JSON neither."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(
            _is_same(old[name], value) for name, value in new.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_is_same, old, new))
    return old == new and isinstance(old, bool) == isinstance(new, bool)
