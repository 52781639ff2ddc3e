"""Addresses of this machine that nothing outside of it reaches."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Tell whether a host, as a URL names it, is this machine.

    >>> is_loopback('127.0.0.1'), is_loopback('0.0.0.0')
    (True, False)
    """
    try:
        return host == 'localhost' or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def without_proxy(url: str) -> dict[str, None]:
    """Return the mounts of httpx for a URL: no proxy if it is of this machine.

    The environment may name a proxy.  It has another loopback, and a token
    would leave this machine.
    """
    return dict.fromkeys(('http://', 'https://', 'all://')) \
        if is_loopback(urlsplit(url).hostname or '') else {}
