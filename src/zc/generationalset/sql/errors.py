"""The errors of SQL databases; each says which table and column."""

from __future__ import annotations

from zc.generationalset.sources import Refused, WrongValue

__all__ = [
    'Collision',
    'Conflict',
    'DatabaseError',
    'Refused',
    'Untrackable',
    'WrongValue',
]


class DatabaseError(Exception):
    """A database can't do something; the text says why, for a developer."""


class Untrackable(DatabaseError):
    """The changes of a table can't be tracked."""


class Conflict(DatabaseError):
    """A transaction conflicts with others; do it again."""


class Collision(Refused):
    """A row has a unique value that another row has."""
