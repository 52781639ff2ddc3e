"""Messages to servers, as https://www.standardwebhooks.com has them."""

from __future__ import annotations

import hashlib
import time

from zc.generationalset.answers import Position
from zc.generationalset.push.messages import Message, Target, body
from zc.generationalset.push.signing import signed


class Webhooks:
    """Makes signed messages.

    tree
        The path of the tree's URL.
    """

    def __init__(self, tree: str) -> None:
        self._tree = tree

    def message(self, target: Target, position: Position) -> Message:
        content = body(self._tree, position)
        return Message(content, {
            'Content-Type': 'application/json',
            **signed(target.secret, _id(target, position), int(time.time()),
                     content)})


def _id(target: Target, position: Position) -> str:
    """Return the id of a message: the same if it is sent again."""
    text = f'{target.id} {position}'.encode()
    return f'msg_{hashlib.sha256(text).hexdigest()[:32]}'
