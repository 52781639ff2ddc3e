"""Messages to browsers, by way of their push services (RFC 8030)."""

from __future__ import annotations

import hashlib

import httpx

from zc.generationalset.answers import Position
from zc.generationalset.push.encryption import encrypted
from zc.generationalset.push.keys import VAPID, to_text
from zc.generationalset.push.messages import Message, Target, body

#: Seconds for which a push service keeps a message for a browser that is away.
TTL = 7 * 24 * 3600
#: A push service says 404 of a subscription that has expired.
GONE = frozenset({404, 410})


class Browsers:
    """Makes encrypted messages.

    tree
        The path of the tree's URL.
    vapid
        The key by which push services know the sender.
    """

    def __init__(self, tree: str, vapid: VAPID) -> None:
        self._tree = tree
        self._vapid = vapid
        # A newer message about the same tree replaces one that waits.
        self._topic = to_text(hashlib.sha256(tree.encode()).digest())[:32]

    def message(self, target: Target, position: Position) -> Message:
        if target.keys is None:
            raise TypeError('expected the subscription of a browser')
        return Message(
            encrypted(body(self._tree, position), target.keys), {
                'Authorization': self._vapid.authorization(
                    httpx.URL(target.url)),
                'Content-Encoding': 'aes128gcm',
                'Content-Type': 'application/octet-stream',
                'Topic': self._topic, 'TTL': str(TTL)}, GONE)
