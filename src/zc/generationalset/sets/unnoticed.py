"""Finding parts of items whose changes ``track`` can't notice."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from persistent import Persistent
from persistent.wref import WeakRef

from zc.generationalset.sets.base import BaseSet
from zc.generationalset.sets.set import GenerationalSet
from zc.generationalset.sets.tracking import id_in, parent_of
from zc.generationalset.sets.wrappers import bare


def unnoticed(
        gset: GenerationalSet,
        owner: Callable[[Any], Any] = parent_of) -> list[tuple[Any, Any]]:
    """Return what ``track`` can't notice: parts of items that have no owner.

    O(items): loads all items of the set, not of its subsets.

    >>> import persistent
    >>> from persistent.mapping import PersistentMapping
    >>> from zc.generationalset import GSet, unnoticed
    >>> class Product(persistent.Persistent):
    ...     id = 'tea'
    >>> tea, goods = Product(), GSet()
    >>> goods.add(tea)
    >>> tea.details = PersistentMapping()
    >>> unnoticed(goods)
    [('tea', {})]
    >>> tea.details.__parent__ = tea
    >>> unnoticed(goods)
    []

    owner
        The function that is passed to ``track``.

    Each element has the id of an item and a persistent object that the item,
    or a part of it, refers to.  Sets, other items of the set, and the item's
    own owner are no parts.  If clients see nothing of such an object, all is
    well; otherwise give it an owner, or call ``changed`` where it changes.
    """
    found = []
    for id, item in gset.items():
        if isinstance(item, Persistent) and not isinstance(item, BaseSet):
            found += [(id, part) for part in _parts_without_owner(
                gset, item, owner)]
            item._p_deactivate()  # a large set may not fit into memory
    return found


def _parts_without_owner(
        gset: GenerationalSet, item: Any,
        owner: Callable[[Any], Any]) -> Iterator[Any]:
    seen = {id(item)}
    todo = [item]
    while todo:
        whole = todo.pop()
        for part in _references(whole):
            if id(part) in seen:
                continue
            seen.add(id(part))
            its_owner = bare(owner(part))
            if its_owner is whole:
                todo.append(part)
            elif its_owner is None and not (
                    isinstance(part, BaseSet) or part is bare(owner(whole))
                    or id_in(gset, part) is not None):
                yield part


def _references(ob: Any) -> list[Persistent]:
    """Return the persistent objects that the state of an object refers to."""
    references = _References(io.BytesIO(), protocol=4)
    references.dump(ob.__getstate__())
    return references.found


class _References(pickle.Pickler):
    """Finds persistent objects where ZODB finds them, and writes nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.found: list[Persistent] = []

    def persistent_id(self, ob: Any) -> str | None:
        if isinstance(ob, WeakRef):
            return 'weak'
        if not isinstance(ob, Persistent):
            return None
        self.found.append(ob)
        return 'persistent'
