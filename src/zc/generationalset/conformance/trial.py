"""A trial: all checks, one after the other, of one server."""

from __future__ import annotations

from collections.abc import Iterator

from zc.generationalset.conformance import (
    conditions,
    listening,
    patching,
    reading,
    writing,
)
from zc.generationalset.conformance.peer import Absent, Peer, Wrong

CHECKS = [
    *reading.CHECKS, *writing.CHECKS, *conditions.CHECKS, *patching.CHECKS,
    *listening.CHECKS]


class Untried(Exception):
    """A server can't be tried: it isn't there, or nobody may write."""


def trial(url: str, token: str | None) -> Iterator[str]:
    """Try a server; yield a line for each check."""
    peer = Peer(url, token)
    try:
        try:
            peer.request('PUT', f'items/{peer.name}/', 201)
        except Wrong as error:
            raise Untried(str(error)) from error
        for check in CHECKS:
            title = (check.__doc__ or '').strip().rstrip('.')
            try:
                check(peer)
            except Wrong as error:
                yield f'FAILED  {title}: {error}'
            except Absent as error:
                yield f'skipped {title}: {error}'
            except Exception as error:
                yield f'FAILED  {title}: {type(error).__name__}: {error}'
            else:
                yield f'ok      {title}'
        peer.request('DELETE', f'items/{peer.name}/', None)
    finally:
        peer.close()
