"""Signatures of webhooks, as https://www.standardwebhooks.com has them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

_PREFIX = 'whsec_'


def new_secret() -> str:
    """Return a secret for a subscriber: text, with 32 random bytes."""
    return _PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signed(
        secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a webhook.

    The signature covers the timestamp, so that an old message can't be sent
    again by somebody who has seen it.

    id
        That of the message; the same in each attempt.
    timestamp
        Of the attempt, in seconds.
    """
    key = b64decode(secret.removeprefix(_PREFIX))
    content = f'{id}.{timestamp}.'.encode() + body
    signature = b64encode(hmac.digest(key, content, hashlib.sha256))
    return {'webhook-id': id, 'webhook-timestamp': str(timestamp),
            'webhook-signature': f'v1,{signature.decode()}'}
