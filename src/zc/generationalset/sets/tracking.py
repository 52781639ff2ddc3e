"""Finding changes of items for which nobody called ``changed``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import ZODB
from ZODB.Connection import Connection
from ZODB.utils import z64

from zc.generationalset.sets import transactions
from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.members import get_entry, locate
from zc.generationalset.sets.set import GenerationalSet
from zc.generationalset.sets.wrappers import bare

Sets = GenerationalSet | Iterable[GenerationalSet] | None


class Forgotten(Exception):
    """A transaction changed an item without a call of ``changed``."""


class ForgottenWarning(UserWarning):
    """The warning instead of Forgotten."""


def parent_of(ob: Any) -> Any:
    """Return the ``__parent__`` of an object; None if it has none."""
    return getattr(ob, '__parent__', None)


def track(
        database: ZODB.DB | Connection,
        sets_of: Callable[[Any], Sets] | None = None,
        owner: Callable[[Any], Any] = parent_of,
        forgotten: Literal['record', 'raise', 'warn'] = 'record') -> None:
    """Notice items that change without a call of ``changed``.

    O(changed objects): before each commit, this looks at the persistent
    objects that the transaction has changed, and at the objects that they are
    parts of.  If one of them is an item of a set, and ``changed`` wasn't
    called for it, the change is recorded.

    >>> import transaction, ZODB
    >>> from zc.generationalset import GSet, track
    >>> db = ZODB.DB(None)
    >>> track(db)

    database
        A database, with all its connections; or one connection.
    sets_of
        Called with an object; returns the set, or the sets, that have it as an
        item, or None.  By default, this is its owner, if that is a set.
    owner
        Called with an object; returns the object that it is a part of, or
        None.  By default, this is its ``__parent__``.  A change of a part is a
        change of the item.  Changes of parts without an owner aren't noticed.
    forgotten
        ``'record'`` calls ``changed``; ``'raise'`` raises ``Forgotten`` at the
        commit; ``'warn'`` gives a ``ForgottenWarning``, and goes on.

    An item is found by the id that its set takes from it.  Changes of items
    that aren't persistent, or were added with an explicit id, aren't noticed.
    Calling this again replaces the earlier arguments.

    Raises TypeError or ValueError for wrong arguments.
    """
    if forgotten not in _FOUND:
        raise ValueError(f'expected one of {", ".join(map(repr, _FOUND))} for '
                         f'forgotten, got {forgotten!r}')
    tracking = Tracking(sets_of, owner, _FOUND[forgotten])
    if isinstance(database, ZODB.DB):
        database.klass = _tracked_class(database.klass, tracking)
        database._connectionMap(lambda each: _attach(each, tracking))
    elif isinstance(database, Connection):
        _attach(database, tracking)
    else:
        raise TypeError(
            f'expected a ZODB.DB or a connection, got {database!r}')


def _attach(connection: Any, tracking: Tracking) -> None:
    connection.__class__ = _tracked_class(type(connection), tracking)
    if not connection._needs_to_join:  # it has changes already
        connection._watch()


def _tracked_class(kind: type, tracking: Tracking) -> type:
    """Return a class of connections that are tracked."""
    if issubclass(kind, _TrackedConnection):
        kind = kind.__mro__[2]
    return type('TrackedConnection', (_TrackedConnection, kind), {
        '_tracking': tracking})


class _TrackedConnection(Connection):
    """A connection that looks at the changed objects before each commit."""

    _tracking: Tracking
    #: Whether this will look before the commit, if it has joined.
    _watching = False

    def _register(self, ob: Any = None) -> None:
        is_first = self._needs_to_join
        super()._register(ob)
        if is_first or not self._watching:
            self._watch()

    def _watch(self) -> None:
        """Look before the commit of this transaction."""
        self._watching = True
        self.transaction_manager.get().addBeforeCommitHook(self._look)

    def _look(self) -> None:
        seen: set[bytes] = set()
        # A function that is notified of a change may make others.
        while new := [ob for ob in self._changed() if ob._p_oid not in seen]:
            for ob in new:
                seen.add(ob._p_oid)
                self._tracking.look_at(ob)
        # Later hooks may change more; then this looks again.
        self._watching = False

    def _changed(self) -> list[Any]:
        changed = list(self._registered_objects)
        if self._savepoint_storage is not None:
            changed += map(self.get, self._savepoint_storage.index)
        return changed


class Tracking(NamedTuple):
    """How forgotten changes are found, and handled."""

    sets_of: Callable[[Any], Sets] | None
    owner: Callable[[Any], Any]
    found: Callable[[GenerationalSet, Any, Any], None]

    def look_at(self, ob: Any) -> None:
        """Look at a changed object, and at what it is a part of."""
        seen: set[int] = set()
        while not (ob is None or isinstance(ob, BaseSet) or id(ob) in seen):
            seen.add(id(ob))
            owner = bare(self.owner(ob))
            for gset in self._sets(ob, owner):
                key = id_in(gset, ob)
                if key is not None and not _is_told(gset, key):
                    self.found(gset, key, ob)
            ob = owner

    def _sets(self, ob: Any, owner: Any) -> Iterable[GenerationalSet]:
        """Return the sets that an object may be an item of."""
        if self.sets_of is None:
            sets = owner if isinstance(owner, GenerationalSet) else None
        else:
            sets = bare(self.sets_of(ob))
        if sets is None:
            return []
        return [sets] if isinstance(sets, GenerationalSet) else map(bare, sets)


def id_in(gset: GenerationalSet, ob: Any) -> Any:
    """Return the id of an item; None if the object isn't an item."""
    try:
        key = gset.get_id(ob)
    except (AttributeError, LookupError, TypeError):
        return None
    return key if gset.get(key) is ob else None


def _is_told(gset: GenerationalSet, key: Any) -> bool:
    """Tell whether this transaction has recorded a change of an id."""
    root, _ = locate(gset)
    journal = root._journal
    if journal is None:
        return False
    if journal._p_jar is None or journal._p_serial == z64:
        return True  # no client can have anything of a new tree
    before = transactions.began(journal)
    return before is not None and get_entry(gset, key)[0] > before


def _record(gset: GenerationalSet, key: Any, ob: Any) -> None:
    gset.changed(ob, key)


def _raise(gset: GenerationalSet, key: Any, ob: Any) -> None:
    raise Forgotten(_text(gset, key))


def _warn(gset: GenerationalSet, key: Any, ob: Any) -> None:
    warnings.warn(_text(gset, key), ForgottenWarning, stacklevel=2)


def _text(gset: GenerationalSet, key: Any) -> str:
    return (f'expected a call of changed for the item {key!r} of {gset!r}, '
            'which this transaction has changed')


_FOUND = {'record': _record, 'raise': _raise, 'warn': _warn}
