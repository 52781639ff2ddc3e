"""Where the current transaction's own changes of a journal begin.

``_p_changed`` doesn't tell, since a savepoint clears it; nor could a journal
remember, since after a savepoint it may be let go and loaded anew.  The
transaction's own ``data()`` could, but answering those who never wrote
anything, by an exception, costs more than the rest of a small answer.
"""

from __future__ import annotations

import random
import weakref
from typing import TYPE_CHECKING, Any

from transaction.interfaces import NoTransaction

if TYPE_CHECKING:
    from zc.generationalset._journal import Journal


class _Beginnings:
    """The journals that a transaction has changed through a connection."""

    def __init__(self, transaction: Any) -> None:
        self._transaction = weakref.ref(transaction)
        self.generations: dict[bytes, int] = {}  # by object id

    def are_current(self, jar: Any) -> bool:
        try:
            return self._transaction() is jar.transaction_manager.get()
        except NoTransaction:
            return False


_by_jar: Any = weakref.WeakKeyDictionary()


def began(journal: Journal) -> int | None:
    """Return the generation before this transaction's first change, if any.

    The journal must be stored.
    """
    beginnings = _by_jar.get(journal._p_jar)
    if beginnings is None or not beginnings.are_current(journal._p_jar):
        return None
    generation: int | None = beginnings.generations.get(journal._p_oid)
    return generation


def begin(journal: Journal) -> int:
    """Note where this transaction's changes begin, unless it is noted.

    Called before every change of a stored journal.
    """
    jar = journal._p_jar
    beginnings = _by_jar.get(jar)
    if beginnings is None or not beginnings.are_current(jar):
        beginnings = _Beginnings(jar.transaction_manager.get())
        _by_jar[jar] = beginnings
    generation: int = beginnings.generations.setdefault(
        journal._p_oid, journal.generation)
    return generation


_tokens: Any = weakref.WeakKeyDictionary()


def token(jar: Any) -> int:
    """Return a number that tells a connection from others anywhere."""
    number: int | None = _tokens.get(jar)
    if number is None:
        number = _tokens[jar] = random.SystemRandom().getrandbits(31)
    return number
