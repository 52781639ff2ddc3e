"""The sets that applications use.

``IGenerationalSet`` in ``interfaces`` says what each method does.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ZODB.interfaces import IBroken
from ZODB.POSException import POSError
from zope.interface import implementer

import zc.generationalset
from zc.generationalset.interfaces import IdError, IGenerationalSet
from zc.generationalset.sets import operators
from zc.generationalset.sets.btrees import GONE, MISSING
from zc.generationalset.sets.copies import flat_state, is_flat, stored_state
from zc.generationalset.sets.epochs import new_epoch
from zc.generationalset.sets.ids import PLAIN, check_id, plain_id
from zc.generationalset.sets.members import TreeMember
from zc.generationalset.sets.updates import (
    check_generation,
    client_updates_since,
    updates_since,
)


def _with_another_set(
        operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make an operator of a function of two sets."""
    def operator(self: GenerationalSet, other: object) -> Any:
        if not isinstance(other, GenerationalSet):
            return NotImplemented
        return operation(self, other)
    return operator


@implementer(IGenerationalSet)
class GenerationalSet(TreeMember):
    """A persistent set that knows what changed since any generation."""

    __module__ = 'zc.generationalset'  # for pickles

    def __init__(
            self, id: Any = None, parent: GenerationalSet | None = None,
            maximum_removals: int = 99, superset: bool = False,
            id_attribute: str = 'id') -> None:
        self.id = plain_id(id)
        self.parent = None
        self.maximum_removals = maximum_removals
        self.id_attribute = id_attribute
        self._init_settled()
        if parent is None:
            self._init_root()
            return
        if not isinstance(parent, GenerationalSet):
            raise TypeError(
                f'expected a GenerationalSet as parent, got {parent!r}')
        check_id(self, id)
        self._init_pending(parent)

    def __repr__(self) -> str:
        try:
            name = '' if self.id is None else f' {self.id!r}'
            count = len(self)
        except POSError:  # its database is closed, for example
            return object.__repr__(self)
        items = 'item' if count == 1 else 'items'
        return f'<{self.__class__.__name__}{name}, {count} {items}>'

    def __copy__(self) -> Any:
        # It would have the same B-trees.
        raise TypeError('expected copy.deepcopy, got copy.copy: two sets '
                        'can not share their objects')

    def __reduce_ex__(self, protocol: Any) -> Any:
        # For copies; ZODB takes the state of an object alone.
        state = flat_state(self)
        if state is None:
            return super().__reduce_ex__(protocol)
        return copyreg.__newobj__, (type(self),), state  # type: ignore

    def __setstate__(self, state: Any) -> None:
        if is_flat(state):
            state = stored_state(self, state, new_epoch())
        super().__setstate__(state)

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

    # Changes

    def get_id(self, ob: Any) -> Any:
        try:
            return getattr(ob, self.id_attribute)
        except AttributeError as error:
            raise AttributeError(
                f'expected an object with an attribute {self.id_attribute!r}'
                f', got {ob!r}; an id may be given as second argument'
            ) from error

    def add(self, ob: Any, id: Any = None) -> None:
        if isinstance(ob, TreeMember):
            self._adopt(ob, id)
            return
        id = self.get_id(ob) if id is None else self._normal(id)
        if type(id) not in PLAIN:
            id = check_id(ob, id)
        if not self._add_unstored(id, ob):
            self._change(id, ob)

    def changed(self, ob: Any, id: Any = None) -> None:
        id = self._id_of(ob, id)
        if self._replace_unstored(id, ob):
            return
        before = self._present(id)
        if isinstance(ob, TreeMember):
            self._adopt(ob, id)
        else:
            self._change(id, ob, before)

    def remove(self, ob: Any, id: Any = None) -> None:
        self._remove(self._id_of(ob, id))

    def discard(self, ob: Any) -> None:
        id = self._member_id(ob)
        if id is not MISSING:
            self._remove(id)

    def clear(self) -> None:
        for id in list(self.ids()):
            self._remove(id)

    def __delitem__(self, id: Any) -> None:
        self._remove(self._normal(id))

    def _remove(self, id: Any) -> None:
        self._change(id, GONE, self._present(id))

    # Objects and ids

    def _id_of(self, ob: Any, id: Any) -> Any:
        """Return the id, perhaps given, that an object has in this set."""
        return self._told_id(ob) if id is None else self._normal(id)

    def _get(self, id: Any) -> Any:
        """Return the object with an id, MISSING for one that can't be."""
        try:
            return self._entry(id)[1]
        except TypeError:
            return MISSING

    def _present(self, id: Any) -> tuple[int, Any]:
        """Return the entry of an id that must be here."""
        try:
            entry = self._entry(id)
        except TypeError:
            raise KeyError(id) from None
        if entry[1] is MISSING:
            raise KeyError(id)
        return entry

    def _has(self, id: Any) -> bool:
        return self._get(id) is not MISSING

    def _told_id(self, ob: Any) -> Any:
        if isinstance(ob, TreeMember):
            return self._subset_id(ob)
        return self.get_id(ob)

    def _member_id(self, ob: Any) -> Any:
        """Return the id of an object, or an id, that is here, or MISSING."""
        try:
            id = self._id_of(ob, None)
            if self._has(id):
                return id
        except POSError:
            raise  # it can't be read, which doesn't say that it isn't here
        except (AttributeError, LookupError, TypeError, ValueError):
            if IBroken.providedBy(ob):
                raise  # nobody knows its id
        id = self._normal(ob)
        try:
            return id if self._has(id) else MISSING
        except (AttributeError, ValueError):
            # An object, compared with ids: other errors than TypeError,
            # which _get takes care of, come from its own comparison.
            return MISSING

    def __contains__(self, ob: Any) -> bool:
        return self._member_id(ob) is not MISSING

    def __getitem__(self, id: Any) -> Any:
        ob = self._get(self._normal(id))
        if ob is MISSING:
            raise KeyError(id)
        return ob

    def get(self, id: Any, default: Any = None) -> Any:
        ob = self._get(self._normal(id))
        return default if ob is MISSING else ob

    def __len__(self) -> int:
        return self._known_length() + sum(
            layer.length for layer in self._unsettled_layers())

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self._objects_since(0, self._unsettled()))

    def values(self, minimum_generation: int = 0) -> list[Any]:
        since = max(minimum_generation, 0) - 1
        return list(self._objects_since(since, self._unsettled()))

    def items(self) -> Iterator[tuple[Any, Any]]:
        changes = self._unsettled().changes
        ids = {generation: id for id, generation in self.generations.items()
               if id not in changes}
        for generation, ob in self.contents.items():
            if generation in ids:
                yield ids[generation], ob
        for id, (_, ob) in changes.items():
            if ob is not GONE:
                yield id, self._settled_get(id) if ob is MISSING else ob

    def ids(self) -> Iterator[Any]:
        return (id for id, _ in self.items())

    # Synchronization

    @property
    def generation(self) -> int:
        root, _ = self._locate()
        return root._handed_out_generation()

    @property
    def epoch(self) -> str | None:
        return self._history(*self._locate())

    def renew(self) -> None:
        root, _ = self._locate()
        root._begin_history()
        root._epoch = new_epoch()
        zc.generationalset.notify(root)

    def generational_updates(self, generation: int) -> dict[str, Any]:
        check_generation(generation)
        root, path = (self, ()) if self.parent is None else self._locate()
        current = root._handed_out_generation()
        return updates_since(self, generation, root._journal, path, current)

    def provisional_updates(self, generation: int) -> dict[str, Any]:
        check_generation(generation)
        root, path = self._locate()
        before = root._generation_before()
        return updates_since(self, generation, root._journal, path, before)

    def client_updates(
            self, generation: int, epoch: str | None = None,
            provisional: bool = False) -> dict[str, Any]:
        check_generation(generation)
        if generation < 0:
            raise ValueError(
                f'expected a generation of 0 or more, got {generation}')
        root, path = self._locate()
        current = (root._generation_before() if provisional
                   else root._handed_out_generation())
        return client_updates_since(
            self, generation, epoch, self._history(root, path), root._journal,
            path, current)

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
        if isinstance(other, GenerationalSet):
            return not any(map(self._has, other.ids()))
        return not any(ob in self for ob in other)


class StringIdGenerationalSet(GenerationalSet):
    """A generational set whose ids are strings, as JavaScript needs them."""

    __module__ = 'zc.generationalset'

    def get_id(self, ob: Any) -> Any:
        return str(check_id(ob, super().get_id(ob)))

    def _normal(self, id: Any) -> Any:
        try:
            return str(check_id(self, id))
        except IdError:
            return id  # which no set can have


class ValueGenerationalSet(GenerationalSet):
    """A generational set whose items are their own ids."""

    __module__ = 'zc.generationalset'

    def get_id(self, ob: Any) -> Any:
        return ob


GSet = GenerationalSet
SGSet = StringIdGenerationalSet
VGSet = ValueGenerationalSet
