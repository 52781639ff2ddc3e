"""Epochs: strings that name a set, and the history of its generations."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from typing import Any


def new_epoch() -> str:
    return secrets.token_urlsafe(12)


@lru_cache(1024)
def derived_epoch(
        epoch: str | None, path: tuple[Any, ...],
        joined: tuple[int | None, ...]) -> str:
    """Return the epoch of a subset, which is the same in all processes.

    epoch
        The epoch of its tree.
    path
        The ids that lead to it.
    joined
        The generations at which it, and each superset of it, came into the
        tree.
    """
    # Other ids may look different in another process.
    ids = [id for id in path if type(id) in (str, int)]
    name = ascii((epoch, ids, joined)).encode()
    return urlsafe_b64encode(blake2b(name, digest_size=12).digest()).decode()
