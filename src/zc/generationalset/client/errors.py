"""Errors of clients."""

from __future__ import annotations


class ClientError(Exception):
    """What a client was asked for couldn't be done; the text says why.

    ``status`` is the HTTP status, None if there was no response.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Refused(ClientError):
    """The server said no, and would again.

    ``change`` is the index of the change in a batch that is to blame, None if
    it isn't that.
    """

    change: int | None = None


class Unavailable(ClientError):
    """There was no response, or the server failed or is too busy.

    Later it may work: after ``retry_after`` seconds, if the server has said
    that, else it is None.  Nothing was written.
    """

    retry_after: float | None = None


class BadAnswer(ClientError):
    """The response isn't what the protocol says; nothing was applied."""


class MaybeWritten(ClientError):
    """A write was sent, and what became of it is not known.

    To see it, call ``sync``.
    """


class Closed(ClientError):
    """The client was closed."""


class Lost(Unavailable):
    """The request was sent, so the server may have done what it says."""


class Silence(Lost):
    """Nothing was heard for too long."""
