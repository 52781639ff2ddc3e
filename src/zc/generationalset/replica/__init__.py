"""Replicas: a client's copy of a set, kept current by answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zc.generationalset.answers import Change, Misfit, Subset
from zc.generationalset.replica.interface import (
    PagedReplica,
    PartialReplica,
    ReplicaLike,
)
from zc.generationalset.replica.memory import Replica

if TYPE_CHECKING:
    from zc.generationalset.replica.sqlite import SQLiteReplica
else:
    def __getattr__(name):
        """Import SQLiteReplica only when asked, because it needs SQLite."""
        if name == 'SQLiteReplica':
            from zc.generationalset.replica.sqlite import SQLiteReplica
            return SQLiteReplica
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

__all__ = [
    'Change', 'Misfit', 'PagedReplica', 'PartialReplica', 'Replica',
    'ReplicaLike', 'SQLiteReplica', 'Subset']
