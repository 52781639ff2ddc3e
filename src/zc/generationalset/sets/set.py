"""The sets that applications use.

``IGenerationalSet`` in ``interfaces`` says what each method does.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ZODB.POSException import POSError
from zope.interface import implementer

from zc.generationalset.answers import Answer
from zc.generationalset.interfaces import IdError, IGenerationalSet
from zc.generationalset.pages import Span
from zc.generationalset.parts import Parts
from zc.generationalset.sets import btrees, changes, members, operators
from zc.generationalset.sets.base import USUAL_REMOVALS, BaseSet, told_id
from zc.generationalset.sets.conditions import unchanged
from zc.generationalset.sets.copies import flat_state, is_flat, stored_state
from zc.generationalset.sets.epochs import new_epoch
from zc.generationalset.sets.ids import PLAIN, check_id, plain_id
from zc.generationalset.sets.pages import page_since
from zc.generationalset.sets.records import MISSING
from zc.generationalset.sets.updates import (
    check_generation,
    client_updates_since,
    updates_since,
)
from zc.generationalset.sets.view import objects_since, pairs_of_ids
from zc.generationalset.sets.wrappers import bare


def _with_another_set(
        operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make an operator from a function of two sets."""
    def operator(self: GenerationalSet, other: object) -> Any:
        other = bare(other)
        if not isinstance(other, GenerationalSet):
            return NotImplemented
        return operation(bare(self), other)
    return operator


@implementer(IGenerationalSet)
class GenerationalSet(BaseSet):
    """A persistent set that knows what changed since any generation."""

    __module__ = 'zc.generationalset'  # for pickles

    def __init__(
            self, id: Any = None, parent: GenerationalSet | None = None,
            maximum_removals: int = USUAL_REMOVALS, superset: bool = False,
            id_attribute: str = 'id') -> None:
        self.id = plain_id(id)
        self.parent = None
        self.maximum_removals = maximum_removals
        self.id_attribute = id_attribute
        btrees.make_empty(self)
        if parent is None:
            changes.begin_history(self, 1)
            return
        parent = bare(parent)
        if not isinstance(parent, GenerationalSet):
            raise TypeError(
                f'expected a GenerationalSet as parent, got {parent!r}')
        check_id(self, id)
        self.parent = parent
        self._born = None

    def __repr__(self) -> str:
        try:
            name = '' if self.id is None else f' {self.id!r}'
            count = len(self)
        except POSError:  # such as when its database is closed
            return object.__repr__(self)
        items = 'item' if count == 1 else 'items'
        return f'<{self.__class__.__name__}{name}, {count} {items}>'

    def __copy__(self) -> Any:
        # The copy would share the B-trees.
        raise TypeError('expected copy.deepcopy, got copy.copy: two sets '
                        'can not share their objects')

    def __reduce_ex__(self, protocol: Any) -> Any:
        # This is for copies; ZODB uses only the state.
        state = flat_state(self)
        if state is None:
            return super().__reduce_ex__(protocol)
        return copyreg.__newobj__, (type(self),), state  # type: ignore

    def __setstate__(self, state: Any) -> None:
        if is_flat(state):
            state = stored_state(self, state, new_epoch())
        super().__setstate__(state)

    # Changes

    def add(self, ob: Any, id: Any = None) -> None:
        if ob.__class__ is not type(ob):  # hardly ever, so no call
            ob = bare(ob)
        if isinstance(ob, BaseSet):
            changes.adopt(self, ob, id)
            return
        id = self.get_id(ob) if id is None else self.stored_id(id)
        if type(id) not in PLAIN:
            id = check_id(ob, id)
        if not changes.add_unstored(self, id, ob):
            changes.put(self, id, ob)

    def changed(self, ob: Any, id: Any = None) -> None:
        if ob.__class__ is not type(ob):
            ob = bare(ob)
        id = self._id_of(ob, id)
        if changes.replace_unstored(self, id, ob):
            return
        before = members.present(self, id)
        if isinstance(ob, BaseSet):
            changes.adopt(self, ob, id)
        else:
            changes.put(self, id, ob, before)

    def remove(self, ob: Any, id: Any = None) -> None:
        changes.remove(self, self._id_of(bare(ob), id))

    def discard(self, ob: Any) -> None:
        id = members.member_id(self, ob)
        if id is not MISSING:
            changes.remove(self, id)

    def clear(self) -> None:
        for id in list(self.ids()):
            changes.remove(self, id)

    def __delitem__(self, id: Any) -> None:
        changes.remove(self, self.stored_id(id))

    def _id_of(self, ob: Any, id: Any) -> Any:
        """Return the id of an object, or the explicit id."""
        return told_id(self, ob) if id is None else self.stored_id(id)

    # Objects and ids

    def __contains__(self, ob: Any) -> bool:
        return members.member_id(self, ob) is not MISSING

    def __getitem__(self, id: Any) -> Any:
        ob = members.get(self, self.stored_id(id))
        if ob is MISSING:
            raise KeyError(id)
        return ob

    def get(self, id: Any, default: Any = None) -> Any:
        ob = members.get(self, self.stored_id(id))
        return default if ob is MISSING else ob

    def __len__(self) -> int:
        return members.length(self)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[Any]:
        return iter(objects_since(self, 0, members.set_index(self)))

    def values(self, minimum_generation: int = 0) -> list[Any]:
        since = max(minimum_generation, 0) - 1
        return list(objects_since(self, since, members.set_index(self)))

    def items(self) -> Iterator[tuple[Any, Any]]:
        return pairs_of_ids(self, members.set_index(self))

    def ids(self) -> Iterator[Any]:
        return (id for id, _ in self.items())

    # Synchronization

    @property
    def generation(self) -> int:
        root, _ = members.locate(self)
        return members.handed_out_generation(root)

    @property
    def epoch(self) -> str | None:
        return members.epoch(self, *members.locate(self))

    def renew(self) -> None:
        changes.renew(self)

    def generational_updates(self, generation: int) -> dict[str, Any]:
        check_generation(generation)
        return updates_since(
            self, generation, members.handed_out_generation)

    def provisional_updates(self, generation: int) -> dict[str, Any]:
        check_generation(generation)
        return updates_since(self, generation, members.generation_before)

    def client_updates(
            self, generation: int, epoch: str | None = None,
            provisional: bool = False, parts: Parts = ()) -> Answer:
        check_generation(generation)
        if generation < 0:
            raise ValueError(
                f'expected a generation of 0 or more, got {generation}')
        return client_updates_since(
            self, generation, epoch,
            members.generation_before if provisional
            else members.handed_out_generation, parts)

    def unchanged(
            self, id: Any, generation: int, epoch: str | None) -> bool:
        check_generation(generation)
        return unchanged(self, (id,), generation, epoch)

    def client_page(
            self, generation: int, epoch: str | None, span: Span) -> Answer:
        return page_since(
            self, generation, epoch, members.handed_out_generation, span)

    # Set operations

    __or__ = _with_another_set(operators.union)
    __and__ = _with_another_set(operators.intersection)
    __sub__ = _with_another_set(operators.difference)
    __xor__ = _with_another_set(operators.symmetric_difference)
    __ior__ = _with_another_set(operators.update)
    __iand__ = _with_another_set(operators.intersection_update)
    __isub__ = _with_another_set(operators.difference_update)
    __ixor__ = _with_another_set(operators.symmetric_difference_update)
    __le__ = _with_another_set(operators.is_subset)
    __ge__ = _with_another_set(operators.is_superset)
    __lt__ = _with_another_set(operators.is_proper_subset)
    __gt__ = _with_another_set(operators.is_proper_superset)

    def isdisjoint(self, other: Iterable[Any]) -> bool:
        other = bare(other)
        if isinstance(other, GenerationalSet):
            return not any(members.has(self, id) for id in other.ids())
        return not any(ob in self for ob in other)


class StringIdGenerationalSet(GenerationalSet):
    """A generational set whose ids are strings, as JavaScript needs them."""

    __module__ = 'zc.generationalset'

    def get_id(self, ob: Any) -> Any:
        return str(check_id(ob, super().get_id(ob)))

    def stored_id(self, id: Any) -> Any:
        try:
            return str(check_id(self, id))
        except IdError:
            return id  # no set can have it


class ValueGenerationalSet(GenerationalSet):
    """A generational set whose items are their own ids."""

    __module__ = 'zc.generationalset'

    def get_id(self, ob: Any) -> Any:
        return ob


GSet = GenerationalSet
SGSet = StringIdGenerationalSet
VGSet = ValueGenerationalSet
