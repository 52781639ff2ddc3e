"""What a server needs of the database behind it.

A source has trees, each with a name.  A tree is a set of items, and of further
sets.  A path is a tuple of ids that leads to one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

from zc.generationalset.answers import Position

T = TypeVar('T')

Path = tuple[Any, ...]


class Snapshot(AbstractContextManager['Snapshot'], Protocol):
    """A source at one moment, until the end of the ``with`` statement.

    It is used in one thread at a time.  An error of the database within the
    ``with`` statement that passes by itself leaves as Unavailable.
    """

    @property
    def count(self) -> int:
        """How many of the commits that the source counts it has, at least."""

    def position(self, name: Hashable) -> Position:
        """Return where a tree is.  Raises NoTree."""

    def updates(self, name: Hashable, asked: Position) -> Mapping[str, Any]:
        """Return the answer to a client, as ``wire.encode`` takes it.

        Its entries may be read as they are iterated over, before the snapshot
        is closed.  Raises NoTree.
        """

    def item(self, name: Hashable, path: Path) -> Any:
        """Return the item at a path.  Raises NoTree and NoItem."""

    def length(self, name: Hashable, path: Path) -> int:
        """Return how much is in the set at a path.

        Raises NoTree and NoItem.
        """

    def check_writable(self, name: Hashable) -> None:
        """Raise ReadOnly if nobody may write to a tree.  Raises NoTree."""

    def trim(self) -> None:
        """Let go of memory; called while much is read."""


class Editor(Protocol):
    """What may be done to a tree within a transaction."""

    #: For an application's own code: whatever this source keeps a tree in.
    root: Any

    def put(self, path: Path, json: bytes) -> bool:
        """Put an item in its place; return whether it is new.

        What is there already is no change.

        json
            The item as JSON text, as ``wire.encode_value`` returns it.

        Raises NoItem, if the set isn't there, and WrongKind, if the place is
        taken by something else than such an item, or the id can't be one here.
        """

    def make_set(self, path: Path) -> bool:
        """Make a set, if it isn't there; return whether it is new.

        Raises NoItem and WrongKind, as ``put`` does.
        """

    def remove(self, path: Path, is_set: bool | None = None) -> None:
        """Remove an item or a set.

        is_set
            Which of both has to be there; None if it may be either.

        Raises NoItem and WrongKind.
        """


@runtime_checkable
class Source(Protocol):
    """A database with trees, for a server.

    All methods may be called in any thread, and may wait for a database.
    """

    @property
    def count(self) -> int:
        """How many commits were heard of, while somebody listens.

        As long as it is the same, nothing was committed.
        """

    @property
    def may_be_behind(self) -> bool:
        """Whether snapshots may lack what somebody else has read already.

        Another process of the same database may be a little ahead.
        """

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """Exceptions which say that the database failed.

        All others that an item raises when it is encoded are the item's own.
        """

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after commits, of whatever process.

        Return a function that ends it; called again, that does nothing.

        told
            Called in any thread.  It must neither wait nor raise anything.
        """

    def look(self) -> None:
        """Take it that something was committed."""

    def catch_up(self) -> None:
        """Wait until snapshots have all that was committed before, anywhere.

        Raises Unavailable.
        """

    def snapshot(self) -> Snapshot:
        """Begin to read.  Raises Unavailable."""

    def write(self, name: Hashable, change: Callable[[Any], T]) -> T:
        """Change a tree in a transaction; return what ``change`` returns.

        When it returns, snapshots have the change.

        change
            Called with an Editor; again, if that conflicts with another
            transaction.

        Raises what ``change`` raises, with nothing written; NoTree, ReadOnly,
        Contended, Unavailable, and Uncertain.
        """

    def renew(self, name: Hashable, seen: Position) -> str | None:
        """Give a tree a new epoch if it is behind what was seen of it.

        Return the new epoch.  None if it isn't behind, if another process was
        faster, or if it is a copy, which has the epoch of its original.

        Raises NoTree, ReadOnly, Contended, Unavailable, and Uncertain.
        """
