"""A ZODB database as a source: its transactions."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import ConflictError, POSError, ReadOnlyError

from zc.generationalset.answers import Position
from zc.generationalset.sets.set import GenerationalSet
from zc.generationalset.sources.errors import Contended, Uncertain
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.sources.zodb.editor import ZODBEditor
from zc.generationalset.sources.zodb.snapshot import (
    Available,
    Find,
    ZODBSnapshot,
    check_writable,
    found,
    read_only,
)

T = TypeVar('T')

#: How often a transaction that conflicts is tried.
ATTEMPTS = 12

logger = logging.getLogger('zc.generationalset.sources')


class ZODBSource:
    """A ZODB database with generational sets; see ``sources.Source``.

    .. code-block:: python

        source = ZODBSource(db, lambda root, name: root['sets'][name])
        source.write('ann', lambda editor: editor.put(('a',), b'{"age":42}'))
        with source.snapshot() as snapshot:
            position = snapshot.position('ann')

    db
        A ``ZODB.DB``, to which other code may write, too.
    find
        Called with the root and a name, within a transaction.  Returns the set
        with this name, or a mirror.  Returns None, or raises LookupError, if
        there is none.
    """

    failures: tuple[type[Exception], ...] = (POSError, TransientError)

    def __init__(self, db: Any, find: Find) -> None:
        self._db = db
        self._find = find
        self._commits = Commits(db)

    # Commits

    @property
    def count(self) -> int:
        return self._commits.count

    @property
    def may_be_behind(self) -> bool:
        return self._commits.may_be_behind

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        return self._commits.listen(told)

    def look(self) -> None:
        self._commits.look()

    def catch_up(self) -> None:
        with Available():
            self._commits.catch_up()

    # Transactions

    def snapshot(self) -> ZODBSnapshot:
        with Available():
            return ZODBSnapshot(self._db, self._find, self._commits.settle())

    def write(
            self, name: Hashable, change: Callable[[ZODBEditor], T]) -> T:
        # Updates must be read after this.  To read them within the
        # transaction, its changes would have to be numbered before the commit,
        # and they would conflict with all other writers.
        def write(root: Any) -> T:
            gset = found(self._find, root, name)
            check_writable(gset)
            return change(ZODBEditor(gset))

        return self._transact(write)

    def renew(self, name: Hashable, seen: Position) -> str | None:
        def renew(root: Any) -> str | None:
            gset = found(self._find, root, name)
            if (not isinstance(gset, GenerationalSet)
                    or gset.epoch != seen.epoch
                    or gset.generation >= seen.generation):
                return None
            gset.renew()
            return gset.epoch

        return self._transact(renew)

    def _transact(self, job: Callable[[Any], T]) -> T:
        with Available():
            result = self._committed(job)
        if not self._commits.is_told:
            self._commits.look()
        return result

    def _committed(self, job: Callable[[Any], T]) -> T:
        manager = transaction.TransactionManager()
        for attempt in range(ATTEMPTS):
            # Without this, a process that is behind would answer that an item
            # is missing, or needs no change, although another process has just
            # written it.  After a conflict, it would have the same conflict
            # again.
            self._commits.catch_up()
            manager.begin()
            connection = self._db.open(manager)
            try:
                result = job(connection.root())
                _commit(manager)
                return result
            except TransientError as error:
                logger.debug('attempt %s: %s', attempt + 1, error)
            finally:
                manager.abort()
                connection.close()
            time.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311
        raise Contended(
            f'conflicts with other writers, {ATTEMPTS} times in a row')


def _commit(manager: Any) -> None:
    """Commit.  Raises Uncertain if nobody knows whether that succeeded.

    After a conflict, and when a database refuses to write, it is known that
    the commit failed.
    """
    try:
        manager.commit()
    except ReadOnlyError as error:
        raise read_only() from error
    except TransientError as error:
        if isinstance(error, ConflictError):
            raise
        raise Uncertain('the database was lost in the middle of a commit; it '
                        'may have been written') from error

