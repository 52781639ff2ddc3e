"""A place with items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from uuid import uuid4

from zc.generationalset.sync.accessor import Accessor
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Refused


class Store:
    """A set of accessors, one for each type that the store has.

    name
        What plans and reports call it.
    accessors
        The accessor of each type.
    read_only
        Whether nothing is ever written to it.
    """

    #: How many calls a batch has at most.
    batch_size = 20
    #: For how many seconds the store may show old states, after something has
    #: changed.  Then it isn't read, nor written to, until so much time is over
    #: since it was last written to, or has shown something new.
    settles = 0.0

    def __init__(
            self, name: str, accessors: Mapping[str, Accessor],
            read_only: bool = False) -> None:
        self.name = name
        self.accessors = dict(accessors)
        self.read_only = read_only
        self._listeners: list[Callable[[], object]] = []

    def begin(self) -> None:
        """Prepare the store, when a hub sees it for the first time."""

    def identity(self) -> str:
        """Return a text that is another one if this isn't the same store.

        Items of a store whose identity has changed are matched anew, and none
        counts as removed.  Raises Unavailable if it can't be known.
        """
        return self.name

    def fingerprint(self) -> str | None:
        """Return a text that is another one once something has changed.

        It should cost little: ``Synchronizer.watch`` asks every half second,
        and runs when it changes.  None if the store has nothing of the kind;
        then its items are read at intervals.  May raise anything.
        """
        return None

    def batch(self) -> AbstractContextManager[None]:
        """Return a context for many calls that change items.

        What they have done must be stored when the context ends, and not
        before.  If it ends with an exception, the calls may never have been
        made.
        """
        return nullcontext()

    # Writing

    def listen(self, told: Callable[[], object]) -> None:
        """Have a function called after each write through this store."""
        self._listeners.append(told)

    def add(self, data: Data) -> Data:
        """Add an item; return what is stored.

        This, ``update`` and ``remove`` also bring all synchronizers of the
        store up to date, before they return: each costs a run.  They raise
        Refused if the store is read-only, and what the accessor raises.

        data
            Its id is None.
        """
        with self._writing(data.type) as accessor:
            return accessor.add(data, uuid4().hex)

    def update(self, type: str, id: Any, patch: Mapping[str, Any]) -> None:
        """Change fields of an item; ABSENT removes a field."""
        with self._writing(type) as accessor:
            accessor.update(id, patch, accessor.get(id).token)

    def remove(self, type: str, id: Any) -> None:
        """Remove an item."""
        with self._writing(type) as accessor:
            accessor.remove(id, accessor.get(id).token)

    @contextmanager
    def _writing(self, type: str) -> Iterator[Accessor]:
        if self.read_only:
            raise Refused(f'{self.name} is read-only')
        with self.batch():
            yield self.accessors[type]
        for told in self._listeners:
            told()

    def close(self) -> None:
        """Close what the store has opened."""
