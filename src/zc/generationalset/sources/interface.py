"""What a server needs of the database behind it.

A source has trees, each with a name.  A tree is a set of items and of further
sets.  A path is a tuple of ids that leads to an item or a set.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from zc.generationalset.answers import Answer, Position
from zc.generationalset.parts import Parts, Path

T = TypeVar('T')


class Write(NamedTuple):
    """A change that somebody wants; see ``Source.write``."""

    name: Hashable
    change: Callable[[Any], Any]


class Outcome(NamedTuple):
    """What came of a write: what ``Source.write`` returns, or raises."""

    result: Any = None
    error: BaseException | None = None

    @classmethod
    def of(cls, job: Callable[..., Any], *arguments: Any) -> Outcome:
        """Call a function, and return what comes of it."""
        try:
            return cls(job(*arguments))
        except BaseException as error:
            return cls(error=error)

    def get(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result


class Snapshot(AbstractContextManager['Snapshot'], Protocol):
    """A source at one moment, until the end of the ``with`` statement.

    Use a snapshot in one thread at a time.  If the database has a passing
    error within the ``with`` statement, the statement raises Unavailable.
    """

    @property
    def count(self) -> int:
        """How many of the source's counted commits this has, at least."""

    def position(self, name: Hashable) -> Position:
        """Return the position of a tree.  Raises NoTree."""

    def updates(
            self, name: Hashable, asked: Position, parts: Parts = (),
    ) -> Answer:
        """Return the answer to a client, as ``wire.encode`` takes it.

        If there are parts, this answers for these subsets alone; any number.
        A part in which nothing changed has only its ``path``.

        Iterating over its entries may read the source, so do it before the
        snapshot is closed.  If it is known before that there are many, the
        answer is a LargeAnswer.  Raises NoTree.
        """

    def page(
            self, name: Hashable, asked: Position, cursor: str, limit: int,
    ) -> Answer:
        """Return a page of the answer to a client.

        It has ``next``, the cursor of the next page, unless it is the last
        one.  A source without pages returns the whole answer.

        cursor
            Where the page begins; empty for the first page.
        limit
            The most entries of the page.

        Raises NoTree, and StaleCursor.
        """

    def item(self, name: Hashable, path: Path) -> Any:
        """Return the item at a path.  Raises NoTree and NoItem."""

    def length(self, name: Hashable, path: Path) -> int:
        """Return the length of the set at a path.

        Raises NoTree and NoItem.
        """

    def check_writable(self, name: Hashable) -> None:
        """Raise ReadOnly if nobody may write to a tree.  Raises NoTree."""

    def trim(self) -> None:
        """Free memory; called now and then while much is read."""


class Editor(Protocol):
    """The changes that can be made to a tree within a transaction."""

    @property
    def root(self) -> Any:
        """The object in which the source keeps the tree, for applications."""

    @property
    def epoch(self) -> str | None:
        """The epoch of the tree."""

    def unchanged(self, path: Path, position: Position) -> bool:
        """Tell whether a path has what it had at a position of the tree.

        What nobody can know counts as a change, and so does each change of
        this transaction.  A set has changed if anything in it has.  If another
        transaction changes the path meanwhile, and this one does, too, they
        conflict.
        """

    def item(self, path: Path) -> Any:
        """Return the item at a path.  Raises NoItem."""

    def length(self, path: Path) -> int:
        """Return the length of the set at a path.  Raises NoItem."""

    def document(self, path: Path) -> bytes:
        """Return the JSON text of an item that ``put`` could replace.

        Raises NoItem and WrongKind.
        """

    def has(self, path: Path, json: bytes) -> bool:
        """Tell whether ``put`` of this text would change nothing.

        Raises NoItem, WrongKind and WrongValue.
        """

    def put(self, path: Path, json: bytes) -> bool:
        """Store an item; return whether it is new.

        To store an item that is already there is no change.

        json
            The item as JSON text, as ``wire.encode_value`` returns it.

        Raises NoItem if the set isn't there.  Raises WrongKind if the path has
        something other than such an item, or if the id can't be one here.
        """

    def add(self, path: Path, json: bytes) -> Any:
        """Store an item under a new id, and return the id.

        path
            That of the set.

        Raises NoItem and WrongKind, as ``put`` does.
        """

    def make_set(self, path: Path) -> bool:
        """Make a set if it isn't there; return whether it is new.

        Raises NoItem and WrongKind, as ``put`` does.
        """

    def remove(self, path: Path, is_set: bool | None = None) -> None:
        """Remove an item or a set.

        is_set
            Whether a set must be there, or an item; None for either.

        Raises NoItem and WrongKind.
        """


@runtime_checkable
class Source(Protocol):
    """A database with trees, for a server.

    All methods may be called in any thread, and may wait for a database.
    """

    @property
    def count(self) -> int:
        """The number of commits so far, counted while somebody listens.

        As long as this is the same, nothing was committed.
        """

    @property
    def may_be_behind(self) -> bool:
        """Whether snapshots may lack what another process has already read.

        Another process with the same database may be a little ahead.
        """

    @property
    def shares_transactions(self) -> bool:
        """Whether ``write_all`` makes several changes in one transaction."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The exceptions that say that the database failed.

        All other exceptions while an item is encoded are the item's own.
        """

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call a function after commits, whichever process makes them.

        Return a function that ends it; called again, that does nothing.

        told
            Called in any thread.  It must neither wait nor raise anything.
        """

    def look(self) -> None:
        """Assume that something was committed."""

    def catch_up(self) -> None:
        """Wait until snapshots have everything that any process has committed.

        Raises Unavailable.
        """

    def snapshot(self) -> Snapshot:
        """Begin to read.  Raises Unavailable."""

    def write(self, name: Hashable, change: Callable[[Any], T]) -> T:
        """Change a tree in a transaction; return what ``change`` returns.

        When this returns, snapshots have the change.

        change
            Called with an Editor; called again if the transaction conflicts.

        Raises what ``change`` raises; then nothing is written.  Also raises
        NoTree, ReadOnly, Contended, Unavailable, and Uncertain.
        """

    def write_all(self, writes: Sequence[Write]) -> list[Outcome]:
        """Make changes one after the other; return the outcome of each.

        Each has the outcome that it would have with ``write``, and sees those
        before it, though they may share a transaction.  One that fails changes
        nothing, and affects no other.  A change may be called again, even
        without a conflict.

        If the database is lost while several are committed, all of these are
        Uncertain.
        """

    def renew(self, name: Hashable, seen: Position) -> str | None:
        """Give a tree a new epoch if it is behind a position that was seen.

        Return the new epoch.  Return None if the tree isn't behind, if another
        process was faster, or if the tree is a copy, which has the epoch of
        its original.

        Raises NoTree, ReadOnly, Contended, Unavailable, and Uncertain.
        """
