"""The state that a set stores, and how a set finds the ids of objects.

The attributes have these names in databases of all releases, from 0.1 on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import persistent

from zc.generationalset.sets import zeo

if TYPE_CHECKING:
    from zc.generationalset.sets.journal import Journal

#: The value of what releases 0.1 to 0.4 didn't store.  The next change of the
#: set stores it.
UNKNOWN = -1
#: How many removals a set remembers, unless it is told otherwise.
USUAL_REMOVALS = 99


class BaseSet(persistent.Persistent):
    """The state of a set, without the methods that use it."""

    #: The id in the superset.
    id: Any
    #: The superset, or the set that this will join with its first change.
    parent: Any
    #: The attribute of objects that is their id.
    id_attribute: str
    #: Generation -> object.
    contents: Any
    #: Id -> generation, also of removed ids.
    generations: Any
    #: Generation -> removed id.
    removals: Any
    #: The numbers of objects in contents, and of ids in removals.
    _length: int = UNKNOWN
    _removed: int = UNKNOWN
    #: The generation of the newest removal that was forgotten: the *floor*.
    _floor: int = UNKNOWN
    #: The generation at which the set joined its superset; None until it does.
    _born: int | None = 0
    #: Only a root has these.  A root without them is of an old release.
    _journal: Journal | None = None
    _epoch: str | None = None

    # Code that loads or stores a set needs snapshots that lack no commit.

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        zeo.order_for(self._p_jar)

    def __getstate__(self) -> dict[str, Any]:
        zeo.order_for(self._p_jar)
        state: dict[str, Any] = super().__getstate__()
        return state

    @property
    def maximum_removals(self) -> int:
        self._p_activate()
        value: int = self.__dict__['maximum_removals']
        return value

    @maximum_removals.setter
    def maximum_removals(self, value: int) -> None:
        if not isinstance(value, int) or value < 0:
            raise ValueError('expected maximum_removals to be an integer '
                             f'of 0 or more, got {value!r}')
        self._p_activate()
        self.__dict__['maximum_removals'] = value
        self._p_changed = True

    # Ids

    def get_id(self, ob: Any) -> Any:
        """Return the id of an object; subclasses may override this."""
        try:
            return getattr(ob, self.id_attribute)
        except AttributeError as error:
            raise AttributeError(
                f'expected an object with an attribute {self.id_attribute!r}'
                f', got {ob!r}; an id may be given as second argument'
            ) from error

    def stored_id(self, id: Any) -> Any:
        """Return the form in which an explicit id is stored."""
        return id


def told_id(gset: BaseSet, ob: Any) -> Any:
    """Return the id of an object, or a subset, from the object itself."""
    if isinstance(ob, BaseSet):
        return gset.stored_id(ob.id)
    return gset.get_id(ob)
