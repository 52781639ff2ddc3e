"""The errors of sources."""

from __future__ import annotations


class SourceError(Exception):
    """A source can't do something; the text says why, for a developer."""


class NoTree(SourceError):
    """There is no tree of this name."""


class NoItem(SourceError):
    """There is nothing at this path."""


class WrongKind(SourceError):
    """The object at this path, or the id, is of the wrong kind."""


class WrongValue(SourceError):
    """An item can't be stored here: it, or a part of it, is no such value."""


class Refused(SourceError):
    """The database refuses a change.

    constraint
        The name of the constraint that it violates, if any.
    """

    def __init__(self, text: str, constraint: str | None = None) -> None:
        super().__init__(text)
        self.constraint = constraint


class ReadOnly(SourceError):
    """Nobody may write here.

    source
        The URL of the server that takes writes to the same tree, if any.
    """

    def __init__(self, text: str, source: str | None = None) -> None:
        super().__init__(text)
        self.source = source


class StaleCursor(SourceError):
    """A page can't begin at a cursor; the client begins anew."""


class LaterCursor(SourceError):
    """A page can't begin at a cursor yet: this copy is behind it."""


class Contended(SourceError):
    """A change conflicts with those of other writers, again and again."""


class Unavailable(SourceError):
    """The source can't be reached now; maybe it can later."""


class Uncertain(SourceError):
    """Nobody knows whether a change was made."""
