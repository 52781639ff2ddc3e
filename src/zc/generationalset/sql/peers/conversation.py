"""The steps of one sync, without sockets.

Both sides are generators.  They yield a frame to send it, and None to get one.
So tests can cut a conversation anywhere.

The client greets with what it has; the server answers with what it has.  Both
compare.  The client pushes what has changed there, with the versions that it
began with, and asks for the rest.

A step may take long.  Every few seconds, links tell that meanwhile, by a frame
without bytes, which no side gets to see.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

T = TypeVar('T')

#: The version of the protocol.
PROTOCOL = 2

#: Is told how far a sync is.
Tell: TypeAlias = 'Callable[[str], object]'

#: Yields a frame to send, or None to get one.
Steps: TypeAlias = 'Generator[bytes | None, bytes, T]'


def silent(text: str) -> None:
    """Tell nobody."""


class Link(Protocol):
    """Carries frames to the other side, and back."""

    def send(self, frame: bytes) -> None:
        ...

    def receive(self) -> bytes:
        ...


def epoch_of(epoch: str | None, part: str) -> str:
    """Return an epoch for a client that has only a part of the rows.

    >>> epoch_of('a1', 'b2'), epoch_of('a1', '')
    ('a1/b2', 'a1')
    """
    return f'{epoch}/{part}' if part else epoch or ''


def history_of(epoch: str | None) -> str:
    """Return the epoch of the database itself.

    >>> history_of('a1/b2'), history_of('a1')
    ('a1', 'a1')
    """
    return (epoch or '').partition('/')[0]


class Report(NamedTuple):
    """What a sync has done.

    sent, received
        How many rows were sent to the server, and came from there.
    conflicts
        How many rows both sides had changed, so that something lost.
    """

    sent: int = 0
    received: int = 0
    conflicts: int = 0


def run(steps: Steps[T], link: Link) -> T:
    """Take the steps of one side over a link.  Raises what either raises."""
    with closing(steps):
        try:
            wanted = next(steps)
            while True:
                if wanted is None:
                    wanted = steps.send(link.receive())
                else:
                    link.send(wanted)
                    wanted = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
