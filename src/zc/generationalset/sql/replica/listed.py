"""Which rows of a set its pages have listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import uuid4

from zc.generationalset.sql.database import Notes

#: How many names are noted, or forgotten, at a time.
CHUNK = 1000


class Listed:
    """The ids that pages have listed, as notes, if rows were there before.

    A page is one note.  So a page costs little, as long as nobody asks for the
    ids.  When it turns out that pages list all of a set, each id becomes a
    note.

    Ids are JSON.

    group
        The name of a group of notes.
    """

    def __init__(self, notes: Notes, group: str) -> None:
        self._notes = notes
        self._pages = group
        self._ids = f'{group}, each'

    def __bool__(self) -> bool:
        return bool(self._notes.names(self._pages, 1))

    def add(self, ids: Iterable[str]) -> None:
        """Note the ids of a page."""
        self._notes.put(self._pages, [
            (uuid4().hex, '\n'.join(ids))])

    def spread(self) -> None:
        """Make a note of each id, for ``missing``."""
        while pages := self._notes.names(self._pages, 1):
            for page in pages:
                ids = (self._notes.get(self._pages, page) or '').split('\n')
                self._notes.put(self._ids, [(id, '') for id in ids])
            self._notes.drop(self._pages, pages)

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Return those of some ids that aren't listed, after ``spread``."""
        there = self._notes.among(self._ids, ids)
        return [id for id in ids if id not in there]

    def forget(self) -> None:
        for group in self._pages, self._ids:
            forget(self._notes, group)


def forget(notes: Notes, group: str) -> None:
    """Forget a group of notes."""
    while names := notes.names(group, CHUNK):
        notes.drop(group, names)
