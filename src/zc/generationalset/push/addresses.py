"""Where a server may push to: a subscriber's URL is anybody's choice.

Without these rules, a subscriber could have the server call services within
its own network.  The name in a URL may be resolved differently each time, so
the address is checked for each push, and this very address is called.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

import httpx

Address: TypeAlias = 'ipaddress.IPv4Address | ipaddress.IPv6Address'

#: The most characters of a URL.
LONGEST = 2000
#: All public addresses of IPv6, and those of them that lead to ones of IPv4.
_PUBLIC = ipaddress.IPv6Network('2000::/3')
_TUNNEL = ipaddress.IPv6Network('2002::/16')


class Forbidden(ValueError):
    """A server may not push to a URL, or to its address."""


def check_url(url: str, private: bool = False) -> httpx.URL:
    """Return the parsed URL of a subscriber.

    >>> check_url('https://example.org/hook').host
    'example.org'
    >>> check_url('https://10.0.0.7/hook')
    Traceback (most recent call last):
    ...
    zc.generationalset.push.addresses.Forbidden: expected a public address, \
got 10.0.0.7

    private
        Whether private addresses may be pushed to, and loopback ones without
        TLS.

    Raises Forbidden.
    """
    if len(url) > LONGEST or not url.isascii() or not url.isprintable():
        raise Forbidden('expected a URL of at most '
                        f'{LONGEST} characters of ASCII')
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Forbidden(f'expected a URL: {error}') from error
    if not parsed.host or parsed.userinfo or parsed.fragment:
        raise Forbidden('expected a URL with a host, and without a user and '
                        'a fragment')
    literal = _literal(parsed.host)
    is_loopback = parsed.host == 'localhost' or (
        literal is not None and literal.is_loopback)
    if parsed.scheme != 'https' and not (
            private and is_loopback and parsed.scheme == 'http'):
        raise Forbidden(f'expected a URL of https, got {parsed.scheme}')
    if literal is not None and not private:
        _check_public(literal)
    return parsed


def resolve(url: httpx.URL, private: bool = False) -> str:
    """Return the address to push to.  Waits for the resolver of names.

    Raises Forbidden, also if only one of the addresses isn't allowed, and
    OSError.
    """
    found = socket.getaddrinfo(
        url.raw_host.decode(), None, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(each[4][0])) for each in found]
    for address in addresses:
        if url.scheme == 'http' and not address.is_loopback:
            raise Forbidden(f'expected a loopback address, got {address}')
        if not private:
            _check_public(address)
    return str(addresses[0])


def _check_public(address: Address) -> None:
    if isinstance(address, ipaddress.IPv6Address) and (
            address not in _PUBLIC or address in _TUNNEL):
        raise Forbidden(f'expected a public address, got {address}')
    if not address.is_global or address.is_multicast:
        raise Forbidden(f'expected a public address, got {address}')


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
