"""Keeping a mirror current: a transaction for each answer of its source."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import transaction
from transaction.interfaces import TransientError

from zc.generationalset.answers import NOTHING, Change, Position
from zc.generationalset.mirror.mirror import Mirror

if TYPE_CHECKING:
    from zc.generationalset.client import Client

#: How often an answer is tried that conflicts with another process.
ATTEMPTS = 5
#: Seconds after which a source that refused to answer is asked again.
AGAIN = 60.0

logger = logging.getLogger('zc.generationalset.mirror')


class StoredMirror:
    """A mirror in the root of a database, as the replica of a client.

    db
        A ``ZODB.DB``.
    name
        The key in the root.  The first answer puts the mirror there.
    source
        The URL of the source.

    Raises ValueError if something else has that key.
    """

    def __init__(self, db: Any, name: str, source: str) -> None:
        self._db = db
        self._name = name
        self._source = source
        with self._transaction() as (_, root):
            other = root.get(name)
        if other is not None and not isinstance(other, Mirror):
            raise ValueError(f'expected a mirror in root[{name!r}], or '
                             f'nothing, got {type(other).__name__}')

    @property
    def generation(self) -> int:
        return self._position().generation

    @property
    def epoch(self) -> str | None:
        return self._position().epoch

    @property
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
        with self._transaction() as (_, root):
            mirror = root.get(self._name)
            return '' if mirror is None else mirror.cursor

    def _position(self) -> Position:
        with self._transaction() as (_, root):
            mirror = root.get(self._name)
            return NOTHING if mirror is None else mirror.asked

    def apply(self, updates: Mapping[str, Any]) -> list[Change]:
        """Apply an answer, or a page, in a transaction.

        If anything changed, this returns one change, of the whole set, because
        there may be a million changes.

        Raises Misfit, also if another process was faster, and ValueError.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._apply(updates)
            except TransientError as error:
                logger.info('trying again: %s', error)
        return self._apply(updates)

    def _apply(self, updates: Mapping[str, Any]) -> list[Change]:
        with self._transaction() as (manager, root):
            mirror = root.get(self._name)
            if mirror is None:
                mirror = root[self._name] = Mirror(self._source)
            if mirror.source != self._source:
                mirror.source = self._source

            def pause() -> None:
                manager.savepoint(optimistic=True)
                mirror._p_jar.cacheGC()

            changed = mirror.apply(updates, pause)
            manager.commit()
        return [Change('changed', (), None)] if changed else []

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Any, Any]]:
        manager = transaction.TransactionManager()
        manager.begin()
        connection = self._db.open(manager)
        try:
            yield manager, connection.root()
        finally:
            manager.abort()
            connection.close()


class Follower:
    """A thread that keeps a mirror equal to its source.

    .. code-block:: python

        with Follower(Client(url, token, StoredMirror(db, 'mirror', url))):
            ...

    It goes on until it is closed, whatever fails.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name='gset-mirror')

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._client.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                for _ in self._client.watch():
                    pass
            except Exception as error:
                # The source refuses, or the disk is full.  The mirror still
                # serves what it has, and the error may be corrected.
                logger.error(
                    'the mirror is not kept current, trying again in %.0f '
                    'seconds: %s: %s', AGAIN, type(error).__name__, error)
                self._closed.wait(AGAIN)
