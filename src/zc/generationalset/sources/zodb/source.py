"""A ZODB database as a source."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from transaction.interfaces import TransientError
from ZODB.POSException import POSError

from zc.generationalset.answers import Position
from zc.generationalset.sets.set import GenerationalSet
from zc.generationalset.sources.interface import Outcome, Write
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.sources.zodb.editor import ZODBEditor
from zc.generationalset.sources.zodb.groups import Groups
from zc.generationalset.sources.zodb.memory import Memory
from zc.generationalset.sources.zodb.snapshot import (
    Available,
    Find,
    ZODBSnapshot,
    check_writable,
    found,
)
from zc.generationalset.sources.zodb.transactions import Transactions

T = TypeVar('T')


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

    shares_transactions = True
    failures: tuple[type[Exception], ...] = (POSError, TransientError)

    def __init__(self, db: Any, find: Find) -> None:
        self._db = db
        self._find = find
        self._commits = Commits(db)
        self._memory = Memory(db)
        self._transactions = Transactions(db, self._commits)
        self._groups = Groups(self._transactions, self._editor)

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
            return ZODBSnapshot(self._db, self._find, self._commits.settle(),
                                self._memory)

    # Updates must be read after a write.  To read them within its transaction,
    # its changes would have to be numbered before the commit, and they would
    # conflict with all other writers.

    def write(
            self, name: Hashable, change: Callable[[ZODBEditor], T]) -> T:
        result: T = self._groups.write(Write(name, change))
        return result

    def write_all(self, writes: Sequence[Write]) -> list[Outcome]:
        return self._groups.write_all(writes)

    def renew(self, name: Hashable, seen: Position) -> str | None:
        def renew(root: Any) -> str | None:
            gset = found(self._find, root, name)
            if (not isinstance(gset, GenerationalSet)
                    or gset.epoch != seen.epoch
                    or gset.generation >= seen.generation):
                return None
            gset.renew()
            return gset.epoch

        return self._transactions.repeated(renew)

    def _editor(self, root: Any, name: Hashable) -> ZODBEditor:
        gset = found(self._find, root, name)
        check_writable(gset)
        return ZODBEditor(gset)
