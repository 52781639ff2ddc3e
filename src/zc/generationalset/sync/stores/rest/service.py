"""Requests of HTTP, with limits for all that a service may do."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from zc.generationalset.loopback import without_proxy
from zc.generationalset.sync.errors import Refused, Unavailable
from zc.generationalset.sync.stores.rest.reply import Reply

REDIRECTS = 5
#: Seconds for which a request is repeated while the service is busy.  Those
#: that write wait less than the lease of a runner.
PATIENCE = 120.0
PATIENCE_OF_WRITES = 20.0
#: What httpx decodes in small pieces.
ENCODINGS = '', 'identity', 'gzip', 'deflate'


@dataclass(frozen=True)
class Limits:
    """What a service may take.

    bytes
        The most bytes of a response.
    timeout
        Seconds without a byte; a whole response may take ten times as long.
    rate
        The most requests a second; 0 stands for as many as there are.
    pages
        The most pages of a listing.
    """

    bytes: int = 16 * 2 ** 20
    timeout: float = 30.0
    rate: float = 0.0
    pages: int = 10_000


class Service:
    """A service of HTTP at a URL.

    It keeps to the origin of the URL: it follows no redirect and no link to
    another one, so nobody else gets the token.

    url
        What paths are relative to.
    headers
        Those of each request, such as one with a token.

    Raises ValueError if the URL isn't one of HTTP.
    """

    def __init__(
            self, url: str, headers: Mapping[str, str], limits: Limits,
    ) -> None:
        self.limits = limits
        self.url = httpx.URL(url if url.endswith('/') else f'{url}/')
        if self.url.scheme not in ('http', 'https') or not self.url.host:
            raise ValueError('url: expected one of http or https')
        if self.url.userinfo:
            raise ValueError('url: expected one without a password; '
                             'there is the option "token"')
        self._next_time = 0.0
        self._client = httpx.Client(
            headers={'Accept': 'application/json',
                     'Accept-Encoding': 'gzip, deflate', **headers},
            # It takes long to load certificates that nobody needs.
            timeout=limits.timeout, verify=self.url.scheme == 'https',
            mounts=without_proxy(url))

    def close(self) -> None:
        self._client.close()

    def absolute(self, url: str, base: str | None = None) -> str:
        """Return a URL, which may be relative to another one.

        Raises Unavailable if it is of another origin.
        """
        try:
            found = httpx.URL(base or self.url).join(url)
        except httpx.InvalidURL as error:
            raise Unavailable(f'it has named a URL that is none: {error}'
                              ) from error
        if _origin(found) != _origin(self.url):
            raise Unavailable(f'expected URLs of {self.url.host}, '
                              f'got one of {found.scheme}://{found.host}')
        return str(found)

    def read(
            self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Get something.  Raises Busy and Unavailable."""
        for _ in range(REDIRECTS):
            reply = self._patiently('GET', url, headers or {}, None, PATIENCE)
            if 'location' not in reply.headers or not \
                    300 <= reply.status < 400:
                return reply
            url = self.absolute(reply.headers['location'], url)
        raise Unavailable(f'{url}: too many redirects')

    def write(
            self, method: str, url: str, document: Any = None,
            headers: Mapping[str, str] | None = None) -> Reply:
        """Send something.

        Raises Busy, Unavailable, and Refused for what couldn't be read again.
        """
        content, more = None, dict(headers or {})
        if document is not None:
            content = json.dumps(document, ensure_ascii=False).encode()
            if len(content) > self.limits.bytes:
                raise Refused(f'the item has more than {self.limits.bytes} '
                              'bytes')
            more.setdefault('Content-Type', 'application/json')
        return self._patiently(method, url, more, content, PATIENCE_OF_WRITES)

    def _patiently(
            self, method: str, url: str, headers: Mapping[str, str],
            content: bytes | None, patience: float) -> Reply:
        """Send a request, again while the service is busy."""
        while True:
            reply = self._send(method, url, headers, content)
            busy = reply.busy
            if busy is None:
                return reply
            patience -= max(busy.after, 0.1)
            if patience < 0:
                raise busy
            time.sleep(busy.after)

    def _send(
            self, method: str, url: str, headers: Mapping[str, str],
            content: bytes | None) -> Reply:
        self._keep_pace()
        deadline = time.monotonic() + 10 * self.limits.timeout
        request = f'{method} {httpx.URL(url).path}'
        try:
            with self._client.stream(
                    method, url, headers=headers, content=content) as response:
                encoding = response.headers.get('content-encoding', '')
                if encoding.lower() not in ENCODINGS:
                    raise Unavailable(f'{request}: unexpected encoding')
                return Reply(
                    request, url, response.status_code, response.headers,
                    self._content(response, request, deadline),
                    response.links.get('next', {}).get('url'))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError,
                UnicodeError) as error:
            raise Unavailable(
                f'{request}: {error or type(error).__name__}') from error

    def _content(
            self, response: httpx.Response, request: str, deadline: float,
    ) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self.limits.bytes:
                raise Unavailable(f'{request}: the response has more than '
                                  f'{self.limits.bytes} bytes')
            if time.monotonic() > deadline:
                raise Unavailable(f'{request}: the response has no end')
        return bytes(content)

    def _keep_pace(self) -> None:
        if self.limits.rate:
            time.sleep(max(self._next_time - time.monotonic(), 0.0))
            self._next_time = time.monotonic() + 1 / self.limits.rate


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port or {'http': 80, 'https': 443}.get(url.scheme)
    return url.scheme, url.host, port
