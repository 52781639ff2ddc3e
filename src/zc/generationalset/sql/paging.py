"""Pages: the tables one after the other, each in the order of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.pages import Place, Span
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.items import Item
from zc.generationalset.sql.news import entry, listed
from zc.generationalset.sql.tables import Key, Table


class Pager:
    """Reads a page for a client's generation.

    A place is the epoch, the number of the table, whether all of the table is
    listed, and a place in it, which is the last key that was read, or a place
    among the changes.  Without that, it is the table's beginning.

    span
        Where the page begins, and how long it may be.
    """

    def __init__(
            self, reading: Reading, epoch: str | None, since: int,
            span: Span) -> None:
        self._reading = reading
        self._epoch = epoch or ''
        self._since = since
        self._place = span.places.get(self._epoch, ())
        self._room = span.limit
        self._cursor_of = span.cursor_of
        #: The cursor of the next page; None if this is the last one.
        self.next: str | None = None

    def entries(self, tables: dict[str, Table]) -> list[SubsetUpdates]:
        """Return the entries of the page."""
        first, whole, inner = self._beginning(list(tables.values()))
        entries = []
        for number, (id, table) in enumerate(tables.items()):
            if number < first or self.next is not None:
                continue
            after = inner if number == first else ()
            updates = self._updates(table, number, after, whole)
            if updates:
                entries.append(SubsetUpdates(id=id, **updates))
            if self._room <= 0 and self.next is None \
                    and number + 1 < len(tables):
                self.next = self._cursor(number + 1, False)
        return entries

    def _beginning(
            self, tables: Sequence[Table]) -> tuple[int, bool, Key]:
        place = self._place
        if not place:
            return 0, False, ()
        if not _is_place(place, tables):
            raise StaleCursor(
                'the page is of another tree; ask with an empty cursor')
        _, first, whole, *inner = place
        return first, bool(whole), inner[0] if inner else ()

    def _updates(
            self, table: Table, number: int, after: tuple[Any, ...],
            was_whole: bool) -> dict[str, Any]:
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
            if self._room <= 0 and after:
                self.next = self._cursor(number, True, after)
                if self.next is not None:
                    return {'adds': found}
            found.append(entry(table, Item(table, row)))
            self._room -= 1
            after = row.key
        return {'contents': found}

    def _walk(self, table: Table, after: Key) -> Iterator[Any]:
        limit = self._room + 1
        while True:
            with _place_of_a_page():
                rows = list(self._reading.scan(table, after or None, limit))
            yield from rows
            if len(rows) < limit:
                return
            after = rows[-1].key

    def _changes(
            self, table: Table, number: int, after: tuple[Any, ...],
    ) -> dict[str, Any]:
        """Return a part of the changes of a table."""
        keys: list[Key] = []
        while True:
            with _place_of_a_page():
                found = self._reading.some_changes(
                    table, self._since, after, max(self._room, 1))
            keys += found.keys
            self._room -= len(found.keys)
            after = found.place
            if after:
                self.next = self._cursor(number, False, after)
            if not after or self.next is not None:
                return listed(self._reading, table, keys)

    def _cursor(
            self, number: int, whole: bool, inner: tuple[Any, ...] = (),
    ) -> str | None:
        place = self._epoch, number, int(whole)
        return self._cursor_of((*place, inner) if inner else place)


def _is_place(place: Place, tables: Sequence[Table]) -> bool:
    if len(place) < 3:
        return False
    _, first, whole, *inner = place
    return (type(first) is int and 0 <= first < len(tables)
            and whole in (0, 1) and len(inner) < 2
            and all(type(each) is tuple and each
                    and (not whole or len(each) == len(tables[first].key))
                    for each in inner))


@contextmanager
def _place_of_a_page() -> Iterator[None]:
    """Raise StaleCursor for a place that there can't be."""
    try:
        yield
    except ValueError as error:
        raise StaleCursor('the page has a place of another kind; ask with an '
                          'empty cursor') from error
