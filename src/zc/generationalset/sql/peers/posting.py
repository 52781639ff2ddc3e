"""Syncs over HTTP: a client posts its frames, and gets those of the server.

A server remembers nothing between requests.  Each request is a conversation of
its own: it begins with the client's greeting, and ends with its goodbye.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType

import httpx

from zc.generationalset.loopback import is_loopback
from zc.generationalset.sql.peers import frames
from zc.generationalset.sql.peers.errors import Cut, Rejected
from zc.generationalset.sql.peers.links import TYPE, awaited, packed

#: Bytes that are sent at a time.
_BLOCK = 2 ** 18
#: The most bytes that are kept of what a server says that refuses a request.
_TEXT = 500


class PostingLink:
    """The link of a client to an URL.

    What is sent waits until something is wanted; then it is posted.

    client
        Sends the requests.
    """

    def __init__(self, client: httpx.Client, url: str, token: str) -> None:
        self._client = client
        self._url = url
        # Who decompresses has no limit of what becomes of a block.
        self._headers = {'content-type': TYPE, 'accept-encoding': 'identity'}
        if token:
            self._headers['authorization'] = f'Bearer {token}'
        self._greeting = b''
        self._file = tempfile.SpooledTemporaryFile(_BLOCK)  # noqa: SIM115
        self._response: _Response | None = None

    def __enter__(self) -> PostingLink:
        return self

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._end()
        self._file.close()

    def send(self, frame: bytes) -> None:
        self._end()
        if not self._greeting:
            self._greeting = packed(frame)
        else:
            self._file.write(packed(frame))

    def receive(self) -> bytes:
        if self._response is None:
            self._response = self._post()
        return awaited(self._response.exactly)

    def _post(self) -> _Response:
        goodbye = packed(frames.written('bye'))
        size = len(self._greeting) + self._file.tell() + len(goodbye)
        is_first = not self._file.tell()
        self._file.seek(0)

        def body() -> Iterator[bytes]:
            yield self._greeting
            while block := self._file.read(_BLOCK):
                yield block
            yield goodbye

        response = _Response(self._client, self._client.build_request(
            'POST', self._url, content=body(),
            headers={**self._headers, 'content-length': str(size)}))
        if not is_first:
            # It is as the first one, or the server refuses what follows.
            frames.read(awaited(response.exactly), 'welcome')
        return response

    def _end(self) -> None:
        """Forget what was posted, and the response."""
        if self._response is not None:
            self._response.close()
            self._response = None
            self._file.seek(0)
            self._file.truncate()


class _Response:
    """The body of a response, as far as it is needed."""

    def __init__(self, client: httpx.Client, request: httpx.Request) -> None:
        try:
            self._response = client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _cut(error) from error
        self._blocks = self._response.iter_raw()
        self._rest = bytearray()
        if self._response.status_code != 200:
            self._refuse()

    def _refuse(self) -> None:
        text = self._read(_TEXT)[:_TEXT].decode(errors='replace')
        self.close()
        raise Rejected(f'{self._response.status_code} '
                       f'{self._response.reason_phrase}: {text}')

    def exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            raise Cut('the response ended too early')
        return data

    def _read(self, size: int) -> bytes:
        """Return so many bytes, or fewer if there are no more."""
        try:
            while len(self._rest) < size:
                self._rest += next(self._blocks)
        except StopIteration:
            pass
        except httpx.HTTPError as error:
            raise _cut(error) from error
        data = bytes(self._rest[:size])
        del self._rest[:size]
        return data

    def close(self) -> None:
        self._response.close()


def _cut(error: httpx.HTTPError) -> Cut:
    return Cut(f'the request failed: {error!r}')


def check_url(url: str, token: str) -> None:
    """Raise ValueError for an URL that isn't one, or a token in the clear."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f'expected a URL, got {url}: {error}') from error
    if parsed.scheme not in ('http', 'https') or not parsed.host:
        raise ValueError(f'expected a URL, as https://shop.example/sync, got '
                         f'{url}')
    if token and parsed.scheme == 'http' and not is_loopback(parsed.host):
        raise ValueError('expected https: for a token that leaves the '
                         f'machine, got {url}')
