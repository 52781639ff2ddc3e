"""Rows that the other side has sent, so they need not be sent back."""

from __future__ import annotations

from hashlib import blake2b

#: The most rows that are remembered.  Others are sent back, without harm.
MOST = 200_000


class Remembered:
    """Versions of rows, in some hundred bytes each."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def add(self, name: str, key: str, version: str) -> None:
        if len(self._digests) < MOST:
            self._digests.add(_digest(name, key, version))

    def has(self, name: str, key: str, version: str) -> bool:
        return _digest(name, key, version) in self._digests

    def clear(self) -> None:
        self._digests.clear()


def _digest(*parts: str) -> bytes:
    # No JSON text has this character.
    return blake2b('\0'.join(parts).encode(), digest_size=16).digest()
