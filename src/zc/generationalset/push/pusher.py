"""Follows a set, and pushes its position to all subscribers."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from zc.generationalset.client import AsyncClient
from zc.generationalset.push.browsers import Browsers
from zc.generationalset.push.deliveries import Deliveries
from zc.generationalset.push.head import Head
from zc.generationalset.push.keys import VAPID
from zc.generationalset.push.messages import Maker
from zc.generationalset.push.patience import Patience
from zc.generationalset.push.posting import Poster
from zc.generationalset.push.store import Store
from zc.generationalset.push.webhooks import Webhooks

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from zc.generationalset.client.server import Token
    from zc.generationalset.push.subscriptions import Subscriptions

#: Seconds until a server is asked again that has refused to answer.
AGAIN = 60.0
#: Seconds until a database is tried again that has failed.
RECOVERY = 5.0

logger = logging.getLogger('zc.generationalset.push')


class Pusher:
    """Pushes the position of a set whenever it has moved.

    .. code-block:: python

        pusher = Pusher(db, lambda root: root['push'], url, token)
        threading.Thread(target=pusher.run).start()
        ...
        pusher.stop()

    Each subscriber gets the newest position at least once: if a pusher is
    killed, the next one pushes what isn't stored as pushed.  Positions that
    are old by then aren't pushed.

    db
        The ``ZODB.DB`` with the subscriptions.
    find
        Returns the Subscriptions, from the root of the database.
    url, token
        Those of the server, as an AsyncClient takes them.
    vapid
        The key for browsers; without one, they get no pushes.
    private
        Whether subscribers may have private addresses.
    patience
        How often and how long to try.
    verify
        Which certificates of subscribers are trusted, if not the usual ones.

    Raises ValueError for a bad URL.
    """

    def __init__(
            self, db: Any, find: Callable[[Any], Subscriptions], url: str,
            token: Token = None, *, vapid: VAPID | None = None,
            private: bool = False,
            patience: Patience | None = None,
            verify: ssl.SSLContext | None = None) -> None:
        self._stopping = False
        self._db, self._find = db, find
        self._client = AsyncClient(url, token, Head())
        self._patience = patience or Patience()
        tree = urlsplit(url).path or '/'
        self._makers: dict[str, Maker] = {'webhook': Webhooks(tree).message}
        if vapid is not None:
            self._makers['browser'] = Browsers(tree, vapid).message
        self._poster = Poster(private, self._patience.timeout, verify)

    def run(self) -> None:
        """Push until stopped, whatever fails.  Run it once."""
        anyio.run(self._run)

    def stop(self) -> None:
        """End soon; what isn't pushed by then is left to the next run.

        May be called in any thread, and in handlers of signals.
        """
        self._stopping = True

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            store = stack.enter_context(closing(Store(
                self._db, self._find, self._patience.given_up)))
            deliveries = Deliveries(
                self._poster, self._makers, self._patience)
            stack.callback(_note_last, store, deliveries)
            async with anyio.create_task_group() as group:
                group.start_soon(self._follow, deliveries)
                while not self._stopping:
                    await self._patiently(store, deliveries, group)
                group.cancel_scope.cancel()

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._poster.close()
            await self._client.close()

    async def _follow(self, deliveries: Deliveries) -> None:
        while True:
            try:
                async for _ in self._client.watch():
                    deliveries.position = self._client.position
            except Exception as error:
                logger.error(
                    'the server is not followed, trying again in %.0f seconds:'
                    ' %s: %s', AGAIN, type(error).__name__, error)
            await anyio.sleep(AGAIN)

    async def _patiently(
            self, store: Store, deliveries: Deliveries, group: TaskGroup,
    ) -> None:
        try:
            await self._push(store, deliveries, group)
            await anyio.sleep(self._patience.pace)
        except Exception as error:
            logger.error(
                'can not use the subscriptions, trying again in %.0f seconds: '
                '%s: %s', RECOVERY, type(error).__name__, error)
            await anyio.sleep(RECOVERY)

    async def _push(
            self, store: Store, deliveries: Deliveries, group: TaskGroup,
    ) -> None:
        """Store what has ended, and begin what is due."""
        outcomes = dict(deliveries.outcomes)
        if outcomes:
            for id in await anyio.to_thread.run_sync(store.note, outcomes):
                logger.warning('subscription %s: removed', id)
            deliveries.stored(outcomes)
        position = deliveries.position
        if position.generation:
            deliveries.begin(group, await anyio.to_thread.run_sync(
                store.behind, position))


def _note_last(store: Store, deliveries: Deliveries) -> None:
    """Store what has ended since the last time, if that is possible."""
    try:
        store.note(deliveries.outcomes)
    except Exception as error:
        logger.error(
            'can not store what was pushed last, so it is pushed again: '
            '%s: %s', type(error).__name__, error)
