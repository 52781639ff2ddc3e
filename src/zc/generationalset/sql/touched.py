"""Which rows of a transaction foreign keys depend on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from zc.generationalset.sql.tables import Key, Table

#: The most rows that are looked up one by one.
FEW = 1000


class Touched:
    """The rows that were written, by tables, and where rows went."""

    def __init__(self) -> None:
        self._written: dict[str, dict[Key, None]] = defaultdict(dict)
        #: Tables that must be read as a whole.
        self._whole: set[str] = set()
        self._changed: set[str] = set()
        self._lost: set[str] = set()

    @property
    def tables(self) -> set[str]:
        return {*self._written, *self._whole, *self._changed, *self._lost}

    def write(
            self, table: Table, names: Sequence[str],
            rows: Sequence[Sequence[Any]]) -> None:
        """Note rows that are new, or changed."""
        written = self._written[str(table)]
        if len(written) + len(rows) > FEW:
            self.read_whole(table)
            return
        places = [names.index(name) for name in table.key]
        for row in rows:
            written[tuple([row[place] for place in places])] = None

    def change(self, table: Table) -> None:
        """Note that columns that aren't the key's got other values."""
        self._changed.add(str(table))

    def lose(self, table: Table) -> None:
        """Note that rows went."""
        self._lost.add(str(table))

    def read_whole(self, table: Table) -> None:
        """Note that nobody knows which rows were written."""
        self._whole.add(str(table))

    def to_check(
            self, child: str, parent: str, is_to_key: bool,
    ) -> list[Key] | None:
        """Return the keys of rows whose foreign key must be checked.

        None if any row may lack the one that it refers to.

        is_to_key
            Whether the columns that are referred to are the primary key.
        """
        keys = list(self._written.get(child, ()))
        if (child in self._whole or parent in self._lost
                or (parent in self._changed and not is_to_key)):
            return None
        return keys
