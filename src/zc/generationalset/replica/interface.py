"""What a client needs of its replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from zc.generationalset.answers import Change
from zc.generationalset.parts import Path


class ReplicaLike(Protocol):
    """A Replica, a SQLiteReplica, a mirror, or an application's own."""

    @property
    def generation(self) -> int:
        """The generation that a client presents; 0 if it has nothing."""

    @property
    def epoch(self) -> str | None:
        """The epoch that the generation belongs to."""

    def apply(self, updates: Mapping[str, Any]) -> Sequence[Change]:
        """Apply an answer that fits; return the changes.

        Raises Misfit, with nothing changed, for an answer that doesn't fit.
        """


@runtime_checkable
class PartialReplica(ReplicaLike, Protocol):
    """A Replica, a SQLiteReplica, or an application's own, that takes parts.
    """

    @property
    def parts(self) -> dict[Path, int] | None:
        """The generation of each part that this has.

        None if it has the whole tree, or nothing.
        """

    def drop(self, path: Path) -> Sequence[Change]:
        """Forget a part; return the changes.  Raises KeyError."""


@runtime_checkable
class PagedReplica(ReplicaLike, Protocol):
    """A replica that takes large answers in pages.

    Its ``apply`` takes pages, too.
    """

    @property
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
