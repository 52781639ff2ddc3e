"""One attempt to post to a subscriber."""

from __future__ import annotations

import logging
import ssl

import anyio
import anyio.to_thread
import httpx

from zc.generationalset.answers import Position
from zc.generationalset.client.backoff import parse_retry_after
from zc.generationalset.push.addresses import check_url, resolve
from zc.generationalset.push.messages import Maker, Message, Result, Target

logger = logging.getLogger('zc.generationalset.push')


class Poster:
    """Posts to subscribers.

    Each attempt has a connection of its own: one that was opened for a name
    must not serve another name at the same address.

    private
        Whether private addresses may be pushed to.
    timeout
        The most seconds of an attempt.
    verify
        Which certificates are trusted, if not those of ``certifi``.
    """

    def __init__(
            self, private: bool, timeout: float,
            verify: ssl.SSLContext | None = None) -> None:
        self._private = private
        self._timeout = timeout
        # A client of httpx would log URLs, which may have secrets, and keep
        # cookies, for whoever is at the same address.  The environment may
        # name a proxy, which resolves names on its own.
        self._http = httpx.AsyncHTTPTransport(
            verify=True if verify is None else verify, trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0))

    async def close(self) -> None:
        await self._http.aclose()

    async def post(
            self, target: Target, position: Position, make: Maker,
            resolving: anyio.CapacityLimiter) -> Result:
        """Post a position.

        make
            Makes the message.
        resolving
            Limits the threads that resolve names.
        """
        try:
            with anyio.fail_after(self._timeout):
                result = await self._post(
                    target.url, make(target, position), resolving)
        except Exception as error:  # whatever a subscriber's server does
            logger.info('subscription %s: %s: %s', target.id,
                        type(error).__name__, error)
            return Result(None)
        logger.info('subscription %s: %s', target.id, result.status)
        return result

    async def _post(
            self, text: str, message: Message,
            resolving: anyio.CapacityLimiter) -> Result:
        url = check_url(text, self._private)
        address = await anyio.to_thread.run_sync(
            resolve, url, self._private, limiter=resolving,
            abandon_on_cancel=True)
        headers = {'Host': url.netloc.decode(),
                   'User-Agent': 'zc.generationalset', **message.headers}
        response = await self._http.handle_async_request(httpx.Request(
            'POST', url.copy_with(host=address), content=message.body,
            headers=headers,
            extensions={'sni_hostname': url.raw_host.decode()}))
        await response.aclose()  # nobody reads the body
        status = response.status_code
        return Result(status, parse_retry_after(
            response.headers.get('retry-after'),
            response.headers.get('date')), status in message.gone)
