"""How the synchronizer gets at the items of one type in a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Busy,
    Gone,
    Unavailable,
    Unreadable,
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an accessor can do beyond what it must.

    conditional
        ``update`` and ``remove`` compare the token, and raise Stale.  Without
        it, the synchronizer reads each item again before it writes.
    deltas
        ``find`` with a cursor lists only what has changed since.
    repeatable
        ``add`` with a key that was used before does nothing again, and answers
        with the item of that key.  Without it, the synchronizer looks for the
        item after a crash.
    """

    conditional: bool = False
    deltas: bool = False
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a listing that wasn't read.

    The synchronizer reads it with ``get``, unless it knows the token.  This is
    for stores that list tokens at less cost than items.

    id, token
        Those of ``Data``.
    """

    id: Any
    token: str


#: What is found: an item, one that wasn't read, one that is gone, one that
#: can't be read.
Found = Data | Listed | Gone | Unreadable


class Changes:
    """What ``find`` answers: an iterator of Data, Listed, Gone and Unreadable.

    items
        What to iterate.  It raises if the reading fails.
    snapshot
        Whether this is all that there is; else, what has changed since the
        cursor.
    cursor
        A function that returns the next cursor, called after the last item.
    """

    def __init__(
            self, items: Iterable[Found], snapshot: bool = True,
            cursor: Callable[[], str | None] = lambda: None) -> None:
        self.snapshot = snapshot
        self.complete = False
        self.cursor: str | None = None
        self._items = items
        self._next_cursor = cursor

    def __iter__(self) -> Iterator[Found]:
        yield from self._items
        self.cursor = self._next_cursor()
        self.complete = True


class Accessor(ABC):
    """The items of one type in a store.  Six methods make one.

    Each may raise the errors of ``zc.generationalset.sync.errors``: Refused,
    Busy, Unavailable.  Any other exception counts as Unavailable.
    """

    capabilities = Capabilities()

    @abstractmethod
    def find(self, cursor: str | None = None) -> Changes | Iterable[Found]:
        """Return all items, or what has changed since a cursor.

        cursor
            What the last complete Changes had.  An accessor that can't go on
            from there answers with a snapshot.

        Raises Incomplete, also while it is iterated, and Replaced.
        """

    def version(self, known: str | None) -> str | None:
        """Return a text that is another one once any item has changed.

        If it is the one that was known, nothing is listed.  So it should cost
        less than a listing.  None if that can't be told now, or ever.

        known
            The text before the last complete listing; None if there was none.

        It may be again what it was before, if all items are, too.
        """
        return None

    @abstractmethod
    def count(self) -> int:
        """Return the number of items.

        A snapshot with fewer items is incomplete, and nothing counts as
        removed.
        """

    @abstractmethod
    def get(self, id: Any) -> Data:
        """Return an item.  Raises Gone, and Unreadable."""

    @abstractmethod
    def add(self, data: Data, key: str) -> Data:
        """Add an item, and return what is stored, with its id.

        data
            Its id is None.
        key
            Identifies this addition; see ``Capabilities.repeatable``.

        If the store doesn't answer with what it has stored, call ``reread``.
        """

    @abstractmethod
    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data | None:
        """Change fields of an item.

        Returns what is stored; None if that isn't known without ``get``.

        patch
            Fields and their new values; ABSENT removes a field.
        token
            That of the item that the patch is made for.

        Raises Gone, and Stale if it compares tokens.
        """

    @abstractmethod
    def remove(self, id: Any, token: str | None) -> None:
        """Remove an item.

        Raises Gone, and Stale if it compares tokens.
        """

    def reread(self, id: Any) -> Data:
        """Return an item that was just written.

        What differs from what was written may be the store's doing, or
        somebody's.  The synchronizer finds that out.

        Raises what ``get`` does, but for Busy, which would say that nothing
        was written.
        """
        try:
            return replace(self.get(id), is_reread=True)
        except Busy as error:
            raise Unavailable(str(error)) from error

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return fields as they will be read after they were written.

        This is for stores that change what they are given.  With it, an item
        that was added before a crash is recognized.
        """
        return fields
