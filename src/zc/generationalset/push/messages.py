"""What is posted, to whom, and what has come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from zc.generationalset.answers import Position
from zc.generationalset.push.keys import Keys


class Target(NamedTuple):
    """A subscription, as it was when it was read."""

    id: str
    url: str
    secret: str
    #: Those of a browser; None for a webhook.
    keys: Keys | None
    #: How many pushes were given up since one succeeded.
    given_up: int

    @property
    def kind(self) -> str:
        return 'webhook' if self.keys is None else 'browser'


class Message(NamedTuple):
    body: bytes
    headers: Mapping[str, str]
    #: Statuses that say that the subscriber wants no more.
    gone: frozenset[int] = frozenset({410})


#: Makes the message that tells a subscriber a position.
Maker: TypeAlias = Callable[[Target, Position], Message]


class Result(NamedTuple):
    """What has come of an attempt."""

    #: None if there was no response.
    status: int | None
    #: Seconds to wait at least, if the subscriber says so.
    retry_after: float | None = None
    #: Whether the subscriber wants no more.
    is_gone: bool = False

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def body(tree: str, position: Position) -> bytes:
    """Return the JSON that tells a subscriber where a tree is now."""
    return json.dumps({
        'type': 'changed', 'tree': tree, 'epoch': position.epoch,
        'generation': position.generation}).encode()
