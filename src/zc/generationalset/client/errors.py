"""Errors of clients."""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """A client couldn't do what it was asked; the text says why.

    ``status`` is the HTTP status; None if there was no response.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Refused(ClientError):
    """The server refused the request, and would refuse it again.

    ``change`` is the index of the change in a batch that is to blame; None if
    no change is.
    """

    change: int | None = None


class Changed(Refused):
    """What a write presumed to be unchanged isn't; nothing was written.

    ``item`` is the item as it is now; None if there is none, or a set.
    ``exists`` tells whether there is an item or a set.
    """

    item: Any = None
    exists: bool = False


class Unavailable(ClientError):
    """There was no response, or the server failed, or is too busy.

    A later request may work.  ``retry_after`` is the number of seconds to
    wait, if the server gave one, else None.  Nothing was written.
    """

    retry_after: float | None = None


class BadAnswer(ClientError):
    """The response isn't what the protocol says; nothing was applied."""


class MaybeWritten(ClientError):
    """A write was sent, and nobody knows whether it was made.

    To find out, call ``sync``.
    """


class Closed(ClientError):
    """The client was closed."""


class Lost(Unavailable):
    """The request was sent, so the server may have executed it."""


class Silence(Lost):
    """Nothing was heard for too long."""
