"""URLs: of servers, and of what is on them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from zc.generationalset import wire


def as_path(path: Any) -> tuple[Any, ...]:
    """Return a path as a tuple of ids, also for one id."""
    return tuple(path) if isinstance(path, (tuple, list)) else (path,)


def items_path(path: Any, end: str = '') -> str:
    """Return the URL's path for an item; for a set, with '/' as ``end``."""
    ids = as_path(path)
    if not ids:
        raise ValueError(f'expected a path of one id or more, got {path!r}')
    return f'items/{wire.encode_path(ids)}{end}'


def check_url(url: str) -> str:
    """Return a URL without a slash at its end; raise ValueError for others."""
    try:
        parts = urlsplit(url)
        good = (parts.scheme in ('http', 'https') and parts.hostname
                and parts.port != 0)
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f'expected a URL such as https://example.org/sync, got {url!r}')
    if '@' in parts.netloc:  # no URL in the error: it may have a password
        raise ValueError('expected a URL without user and password; present a '
                         'token instead')
    if parts.query or parts.fragment or not url.isascii() or re.search(
            r'[\x00-\x20\x7f]', url):
        raise ValueError(
            'expected a URL without query, fragment, spaces and characters '
            f'outside of ASCII, got {url!r}')
    return url.rstrip('/')


def redirected(url: str, location: str) -> str | None:
    """Return the URL that a redirection leads to; None if it leads elsewhere.

    Elsewhere is another scheme, host or port: the token is for this one.
    """
    try:
        target = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(target)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    except ValueError:
        return None
    return target if same and target != url else None
