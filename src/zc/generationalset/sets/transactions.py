"""The changes of a journal that are the current transaction's own.

A journal that a transaction changes is based on a committed revision, and its
``_p_serial`` names that revision until the transaction commits.  So it is
enough to note the generation of that revision before the first change.

Nothing else would do.  A savepoint clears ``_p_changed``, and drops objects,
so the objects can't remember anything.  A connection may be closed and opened
again in one transaction, and then it shows another revision.
"""

from __future__ import annotations

import random
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zc.generationalset.sets.journal import Journal


class _Notes:
    """Notes about the journals that a transaction changes."""

    def __init__(self, transaction: Any) -> None:
        self.transaction = weakref.ref(transaction)
        #: Object id -> a revision, and its generation.
        self.revisions: dict[bytes, tuple[bytes, int]] = {}


#: By the id of the connection, while that lives.  Each answer looks here, and
#: a WeakKeyDictionary takes three times as long.
_notes: dict[int, _Notes] = {}
_tokens: Any = weakref.WeakKeyDictionary()  # by connection


def began(journal: Journal) -> int | None:
    """Return the generation before this transaction's first change, if any.

    The journal must be stored.
    """
    notes = _notes.get(id(journal._p_jar))
    if notes is None:
        return None
    revision = notes.revisions.get(journal._p_oid)
    if revision is None:
        return None
    journal._p_activate()  # else its revision is unknown
    if revision[0] != journal._p_serial:
        del notes.revisions[journal._p_oid]
        return None
    generation: int = revision[1]
    return generation


def begin(journal: Journal) -> int:
    """Note where this transaction's changes begin, unless that is noted.

    Call this before every change of a stored journal.
    """
    jar = journal._p_jar
    transaction = jar.transaction_manager.get()
    notes = _notes.get(id(jar))
    if notes is None:
        weakref.finalize(jar, _notes.pop, id(jar))
    if notes is None or notes.transaction() is not transaction:
        notes = _notes[id(jar)] = _Notes(transaction)
    generation = began(journal)
    if generation is None:
        generation = journal.generation
        notes.revisions[journal._p_oid] = journal._p_serial, generation
    return generation


def fix_at_commit(journal: Journal) -> None:
    """Fix a generation even if a savepoint is rolled back."""
    transaction = journal._p_jar.transaction_manager.get()
    transaction.addBeforeCommitHook(
        _fix, (journal._p_jar, journal._p_oid, journal.fixed))


def _fix(jar: Any, oid: bytes, fixed: int) -> None:
    journal: Journal = jar.get(oid)
    generation, before = journal.generation, began(journal)
    if before is not None and generation > before:
        journal.fixed = max(journal.fixed, min(fixed, generation))


def token(jar: Any) -> int:
    """Return a number that differs for each connection of any process."""
    number: int | None = _tokens.get(jar)
    if number is None:
        number = _tokens[jar] = random.SystemRandom().getrandbits(31)
    return number
