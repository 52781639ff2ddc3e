"""The errors of two databases that are kept equal."""

from __future__ import annotations

from zc.generationalset.sql.errors import DatabaseError


class SyncError(DatabaseError):
    """Two databases can't be made equal; the text says why."""


class Unfit(SyncError):
    """The tables of two databases don't fit each other."""


class BadMessage(SyncError):
    """The other side doesn't keep to the protocol."""


class Cut(SyncError):
    """The connection ended too early; the next sync goes on."""


class Rejected(SyncError):
    """The other side refuses what it was sent; it has written nothing."""
