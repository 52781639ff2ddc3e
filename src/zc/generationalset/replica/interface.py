"""What a client needs of its replica."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from zc.generationalset.answers import Change


class ReplicaLike(Protocol):
    """A Replica, a SQLiteReplica, a mirror, or an application's own."""

    @property
    def generation(self) -> int:
        """The generation that a client presents; 0 if it has nothing."""

    @property
    def epoch(self) -> str | None:
        """The epoch that the generation belongs to."""

    def apply(self, updates: Mapping[str, Any]) -> list[Change]:
        """Apply an answer that fits; return the changes.

        Raises Misfit, with nothing changed, for an answer that doesn't fit.
        """
