"""The steps that a client has to take, without taking them.

The protocol is written as generators that yield steps.  A generator is sent
the result of each step, or ``Unavailable`` is thrown into it.  Two clients
take these steps, one that blocks and one that awaits; neither knows the
protocol.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from zc.generationalset.answers import Change
from zc.generationalset.client.errors import Unavailable
from zc.generationalset.client.replies import Reply

T = TypeVar('T')


class Request(NamedTuple):
    """Send this, and receive the response: a Reply."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    silence: float  # seconds without a byte, after which to give up
    limit: int  # most bytes of the body
    stream: bool = False  # ``text/event-stream`` is opened, not received
    held: bool = False  # the server may hold the request for a while

    @property
    def words(self) -> str:
        return f'{self.method} {self.url.partition("?")[0]}'

    def __repr__(self) -> str:
        return f'<Request {self.words}>'  # the headers have the token


class Read(NamedTuple):
    """Wait for the next bytes of the open stream; b'' is its end."""


class Wait(NamedTuple):
    """Wait, while no stream is open."""

    seconds: float


class Deliver(NamedTuple):
    """Yield these changes, which were applied, to the user of ``watch``."""

    changes: Sequence[Change]


Step: TypeAlias = 'Request | Read | Wait | Deliver'
Steps: TypeAlias = Generator['Step', Any, T]


class Course(Iterator[Step], Generic[T]):
    """An iterator of steps that is told the result of each."""

    result: T  # there when no steps are left

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self._answer: Reply | bytes | None = None
        self._error: Unavailable | None = None

    def __next__(self) -> Step:
        answer, self._answer = self._answer, None
        error, self._error = self._error, None
        try:
            if error is not None:
                return self._steps.throw(error)
            return self._steps.send(answer)
        except StopIteration as stop:
            self.result = stop.value
            raise StopIteration from None

    def answer(self, answer: Reply | bytes | None) -> None:
        """Give the result of the step."""
        self._answer = answer

    def fail(self, error: Unavailable) -> None:
        """Say that the step failed."""
        self._error = error

    def close(self) -> None:
        self._steps.close()
