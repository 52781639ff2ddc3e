"""Pages: the tables one after the other, each in the order of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import write_cursor
from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.items import Item
from zc.generationalset.sql.news import entry, listed
from zc.generationalset.sql.tables import Key, Table


class Pager:
    """Reads a page for a client's generation.

    A place is the epoch, the number of the table, whether all of the table is
    listed, and the last key that was read; without a key, it is the table's
    beginning.

    limit
        The most entries.
    """

    def __init__(
            self, reading: Reading, epoch: str | None, since: int,
            limit: int) -> None:
        self._reading = reading
        self._epoch = epoch
        self._since = since
        self._room = limit
        #: The cursor of the next page; None if this is the last one.
        self.next: str | None = None

    def entries(
            self, tables: dict[str, Table], place: tuple[Any, ...],
    ) -> list[SubsetUpdates]:
        """Return the entries of the page that begins at a place, or ()."""
        first, whole, key = self._beginning(place, list(tables.values()))
        entries = []
        for number, (id, table) in enumerate(tables.items()):
            if number < first or self.next is not None:
                continue
            after = key if number == first else ()
            updates = self._updates(table, number, after, whole)
            if updates:
                entries.append(SubsetUpdates(id=id, **updates))
            if self._room <= 0 and self.next is None \
                    and number + 1 < len(tables):
                self.next = self._cursor(number + 1, False)
        return entries

    def _beginning(
            self, place: tuple[Any, ...], tables: Sequence[Table],
    ) -> tuple[int, bool, Key]:
        if not place:
            return 0, False, ()
        if place[0] != self._epoch or not _is_place(place, tables):
            raise StaleCursor(
                'the page is of another tree; ask with an empty cursor')
        _, first, whole, *key = place
        return first, bool(whole), tuple(key)

    def _updates(
            self, table: Table, number: int, after: Key, was_whole: bool,
    ) -> dict[str, Any]:
        is_whole = self._since < self._reading.floor(table)
        if after and is_whole and not was_whole:
            raise StaleCursor('the table has forgotten removals meanwhile; '
                              'ask with an empty cursor')
        if is_whole or (after and was_whole):
            return self._rows(table, number, after)
        return self._changes(table, number, after)

    def _rows(self, table: Table, number: int, after: Key) -> dict[str, Any]:
        """Return a part of all rows of a table."""
        found: list[Any] = []
        for row in self._walk(table, after):
            if self._is_full(number, True, after):
                return {'adds': found}
            found.append(entry(table, Item(table, row)))
            self._room -= 1
            after = row.key
        return {'contents': found}

    def _walk(self, table: Table, after: Key) -> Iterator[Any]:
        limit = self._room + 1
        while True:
            with _key_of_a_page():
                rows = list(self._reading.scan(table, after or None, limit))
            yield from rows
            if len(rows) < limit:
                return
            after = rows[-1].key

    def _changes(
            self, table: Table, number: int, after: Key) -> dict[str, Any]:
        """Return a part of the changes of a table."""
        with _key_of_a_page():
            keys = self._reading.changes_after(
                table, self._since, after or None, self._room + 1)
        listing: list[Key] = []
        for key in keys:
            if self._is_full(number, False, after):
                break
            listing.append(key)
            self._room -= 1
            after = key
        return listed(self._reading, table, listing)

    def _is_full(self, number: int, whole: bool, after: Key) -> bool:
        """Tell whether the page ends after a key."""
        if self._room <= 0 and after:
            self.next = self._cursor(number, whole, *after)
        return self.next is not None

    def _cursor(self, number: int, whole: bool, *key: Any) -> str | None:
        return write_cursor((self._epoch, number, int(whole), *key))


def _is_place(place: tuple[Any, ...], tables: Sequence[Table]) -> bool:
    if len(place) < 3:
        return False
    _, first, whole, *key = place
    return (type(first) is int and 0 <= first < len(tables)
            and whole in (0, 1)
            and len(key) in (0, len(tables[first].key)))


@contextmanager
def _key_of_a_page() -> Iterator[None]:
    """Raise StaleCursor for a key that no row can have."""
    try:
        yield
    except ValueError as error:
        raise StaleCursor('the page has a key of another kind; ask with an '
                          'empty cursor') from error
