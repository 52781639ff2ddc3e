"""Header fields of requests, parsed as in RFC 9110."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.requests import Request

_TAG = re.compile('(?:W/)?("[^"]*")')
_WEIGHT = re.compile(r'q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)')


def field(request: Request, name: str) -> str:
    """Return a field that is a list, which may come in several lines."""
    return ', '.join(request.headers.getlist(name))


def has_tag(request: Request, etag: str) -> bool:
    """Tell whether If-None-Match has an ETag, weak or strong."""
    known = field(request, 'if-none-match')
    return known.strip() == '*' or (
        etag.removeprefix('W/') in _TAG.findall(known))


def accepts_gzip(request: Request) -> bool:
    """Tell whether Accept-Encoding has gzip, with a weight above 0."""
    return _has_gzip(field(request, 'accept-encoding'))


@lru_cache(64)  # clients differ little
def _has_gzip(codings: str) -> bool:
    weights = dict([
        _weighted(member) for member in codings.lower().split(',')])
    return weights.get('gzip', weights.get('*', 0)) > 0


def _weighted(member: str) -> tuple[str, float]:
    """Return a coding and its weight, which is 0 if it makes no sense."""
    name, *parameters = [part.strip() for part in member.split(';')]
    if not parameters:
        return name, 1
    weight = _WEIGHT.fullmatch(parameters[0])
    return name, float(weight[1]) if weight else 0
