"""The options of clients that are those of httpx."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

import httpx

from zc.generationalset.loopback import without_proxy


class HTTPOptions(TypedDict, total=False):
    """Options of ``httpx.Client``, or ``httpx.AsyncClient``.

    Without ``proxy``, the environment (``HTTPS_PROXY`` and the like) may name
    one, but not on the way to this machine.
    """

    auth: (tuple[str, str] | httpx.Auth
           | Callable[[httpx.Request], httpx.Request] | None)
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    cookies: Mapping[str, str] | httpx.Cookies | None
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    headers: Mapping[str, str] | httpx.Headers | None
    http1: bool
    http2: bool
    mounts: Mapping[
        str, httpx.BaseTransport | httpx.AsyncBaseTransport | None] | None
    proxy: str | httpx.URL | httpx.Proxy | None
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None
    trust_env: bool
    verify: ssl.SSLContext | str | bool


def for_httpx(
        made: type, url: str, options: HTTPOptions) -> dict[str, Any]:
    """Return the options of a client of httpx for one URL.

    made
        The class that has got the options.

    Raises TypeError for an option that ``made`` doesn't have.
    """
    for name in options.keys() - HTTPOptions.__annotations__.keys():
        near = get_close_matches(name, [
            *inspect.signature(made).parameters, *HTTPOptions.__annotations__])
        such = f' such as {near[0]!r}' if near else ''
        raise TypeError(
            f'{made.__name__}: expected an option{such}, got {name!r}')
    headers = httpx.Headers(options.get('headers'))
    headers['Accept-Encoding'] = 'gzip'
    mounts = {} if options.get('proxy') else without_proxy(url)
    return {
        **options, 'headers': headers, 'follow_redirects': False,
        'mounts': {**mounts, **(options.get('mounts') or {})}}
