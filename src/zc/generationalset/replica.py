"""The client's copy of a set, in memory."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from zc.generationalset.interfaces import SubsetUpdates


class Replica:
    """A copy of a set, or of a tree of sets, that updates keep current.

    >>> from types import SimpleNamespace as Thing
    >>> from zc.generationalset import GSet
    >>> things = GSet()
    >>> things.add(Thing(id=1))
    >>> replica = Replica()
    >>> replica.apply(things.generational_updates(replica.generation))
    >>> replica.generation, replica.items
    (2, {1: namespace(id=1)})

    ``get_id`` returns the id of an item; by default that is its attribute
    ``id``.
    """

    def __init__(
            self, get_id: Callable[[Any], Any] = attrgetter('id')) -> None:
        self._get_id = get_id
        #: What to ask for updates since.
        self.generation = 0
        #: Items by id; for a subset, a dictionary of its items.
        self.items: dict[Any, Any] = {}

    def apply(self, updates: dict[str, Any]) -> None:
        """Apply the answer to ``generational_updates(replica.generation)``.

        If the server's generation is below the replica's, the server has lost
        changes that the replica got: the replica becomes empty, with
        generation 0, to be filled by the next updates.
        """
        if updates['generation'] < self.generation:
            self.generation, self.items = 0, {}
            return
        self._apply(self.items, updates)
        self.generation = updates['generation']

    def _apply(self, items: dict[Any, Any], updates: dict[str, Any]) -> None:
        if 'contents' in updates:
            listed = [self._with_id(ob) for ob in updates['contents']]
            ids = {id for id, _ in listed}
            for id in items.keys() - ids:
                del items[id]
        else:
            listed = [self._with_id(ob) for ob in updates.get('adds', ())]
            for id in updates.get('removals', ()):
                items.pop(id, None)
        for id, ob in listed:
            if isinstance(ob, SubsetUpdates):
                if not isinstance(items.get(id), _Subset):
                    items[id] = _Subset()
                self._apply(items[id], ob)
            else:
                items[id] = ob

    def _with_id(self, ob: Any) -> tuple[Any, Any]:
        if isinstance(ob, SubsetUpdates):
            return ob['id'], ob
        return self._get_id(ob), ob


class _Subset(dict[Any, Any]):
    """The items of a subset; not an item that is a dictionary."""
