"""The contract of generational sets, stated once.

Costs: *n* is the number of items in a set, *d* the depth of the set in its
tree.  A look-up in a B-tree of a set that isn't in memory loads a few
objects, O(log n).  A change writes one small object, the journal at the root
of the tree, and now and then, 1/96 of the changes of each commit, B-tree
buckets.  See docs/storage.txt.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface

from zc.generationalset.answers import SubsetUpdates as SubsetUpdates


class IdError(TypeError):
    """What is given as an id can't be one in this set."""


class IServed(Interface):
    """What a server needs of what it serves: a set, or a copy of one.

    IGenerationalSet says what each is and does.  What isn't a set itself is
    for reading, and has an attribute ``source``, the URL to write to.
    """

    generation = Attribute('The generation of the tree.')

    epoch = Attribute('What names the set, and its history.')

    def client_updates(generation: int, epoch: str | None = None) -> Any:
        """Return the answer of the protocol to a client."""

    def __getitem__(id: Any) -> Any:
        """Return the object with an id; raises KeyError if it isn't here."""

    def __len__() -> int:
        """Return how many objects there are."""


class IGenerationalSet(IServed):
    """A persistent set that knows what changed since any generation.

    ``GenerationalSet(id=None, parent=None, maximum_removals=99,
    superset=False, id_attribute='id')``

    id
        The id under which this will be in a superset; any id, see below.
    parent
        A generational set, which this joins as a subset at its first change.
    maximum_removals
        How many removals are remembered, 0 or more.  A client that missed
        more of them gets the whole contents.
    superset
        Ignored; accepted for programs written for release 0.1.
    id_attribute
        The attribute of items that is their id.

    Ids are hashable and can be ordered among each other: those of one set
    should be of one type.  ``None`` and NaN are not ids, nor in tuples.
    Instances of subclasses of str, int, float, bytes and tuple are stored as
    what they equal, unless they compare in a way of their own.
    """

    id = Attribute('The id in the superset; fixed while it is in one.')

    parent = Attribute('The superset, or None.')

    maximum_removals = Attribute(
        'How many removals are remembered; ValueError unless 0 or more.')

    id_attribute = Attribute('The attribute of items that is their id.')

    generation = Attribute(
        """The generation of the tree, an integer that starts at 1.

        O(d).  Read after a change in the same transaction, it is handed out:
        it will not be given to another change any more, and if another
        transaction commits before, this one gets a ConflictError.
        """)

    epoch = Attribute(
        """A string that names the set, and the history of its generations.

        A client that has another one must get everything.  It is random for a
        tree.  A subset has one of its own, made of the tree's, which changes
        when that is renewed, and when the subset is replaced or leaves.  None
        for a tree of release 0.1 to 0.4 that hasn't been changed yet.  O(d).
        """)

    def get_id(ob: Any) -> Any:
        """Return the id of an object; may be overridden.

        Raises AttributeError if it has no attribute ``id_attribute``.
        """

    def add(ob: Any, id: Any = None) -> None:
        """Add an object, or put it in the place of another of the same id.

        O(log n + d).  Takes one generation.  ``id`` is given for an object
        for which ``get_id`` can't tell.

        A generational set becomes a subset, and leaves the superset that it
        was in.

        Raises IdError, a TypeError, for an id that can't be compared with
        those in the set, and ValueError for a set that would contain itself,
        or an ``id`` that isn't the subset's own.  Then nothing is changed.
        """

    def changed(ob: Any, id: Any = None) -> None:
        """Record that an object of the set changed.

        O(log n + d).  Takes one generation.  If ``ob`` is another object than
        the one in the set, it takes its place.

        Raises KeyError if no object with its id is in the set.
        """

    def remove(ob: Any, id: Any = None) -> None:
        """Remove an object.

        O(log n + d).  Takes one generation.  A removed subset is a tree of
        its own, with numbers that go on from those it had.

        Raises KeyError if no object with its id is in the set.
        """

    def __delitem__(id: Any) -> None:
        """Remove the object with an id, as ``remove`` does."""

    def discard(ob: Any) -> None:
        """Remove an object, or the object with an id, if it is in the set."""

    def clear() -> None:
        """Remove everything: as many changes as there are objects."""

    def __contains__(ob: Any) -> bool:
        """Tell whether an object, or one with an id, is in the set.

        O(log n).  What counts is the id of the object.
        """

    def __getitem__(id: Any) -> Any:
        """Return the object with an id.  O(log n).

        Raises KeyError if there is none, also for what can't be an id here.
        """

    def get(id: Any, default: Any = None) -> Any:
        """Return the object with an id, or the default.  O(log n)."""

    def __len__() -> int:
        """Return the number of objects.  O(1)."""

    def __iter__() -> Any:
        """Iterate over the objects, the one changed last comes last.

        O(n), loads no items.  The set must not be changed meanwhile.
        """

    def values(minimum_generation: int = 0) -> list[Any]:
        """Return the objects changed at or after a generation, in order.

        O(log n) and the number of objects returned.
        """

    def ids() -> Any:
        """Iterate over the ids, in the order of the objects.  O(n)."""

    def items() -> Any:
        """Iterate over pairs of id and object, in the same order.  O(n)."""

    def generational_updates(generation: int) -> dict[str, Any]:
        """Return what changed since a generation, 0 for everything.

        Loads the journal, and only for a client behind the checkpoint
        B-trees, of sets that changed: O(log n) and what is returned.

        >>> from zc.generationalset import VGSet
        >>> gset = VGSet()
        >>> gset.add('a'); gset.add('b'); gset.remove('a')
        >>> gset.generational_updates(2)
        {'generation': 4, 'removals': ['a'], 'adds': ['b']}

        The keys, in this order:

        generation
            What the client has then, and asks with the next time.  If it is
            below what it asked with, this set has lost changes that the
            client has: it starts over.
        removals
            Ids of objects removed since; left out if there are none.
        adds
            Objects added or changed since, the latest last; left out if there
            are none.  For a subset, its updates, a ``SubsetUpdates`` with
            ``id`` in the place of ``generation``.
        contents
            In the place of ``removals`` and ``adds``, if removals were
            forgotten that the client missed, or if it is shorter: all objects.
            What is not listed is gone.  Subsets are listed with what changed
            since, as in ``adds``.

        The answer hands the generation out, as ``generation`` does.

        Raises TypeError if the generation isn't an integer.
        """

    def provisional_updates(generation: int) -> dict[str, Any]:
        """Return updates inside a writing transaction, handing out nothing.

        As ``generational_updates``, with this transaction's own changes, but
        under the generation from before them.  So they need not be numbered
        yet, and don't conflict with those of others; the client gets them
        once more with its next updates.
        """

    def client_updates(
            generation: int, epoch: str | None = None,
            provisional: bool = False) -> dict[str, Any]:
        """Return the answer that docs/protocol.txt gives to a client.

        Costs what ``generational_updates`` costs.  Where ids were given
        explicitly, O(n), for a client that is behind the checkpoint.

        >>> from zc.generationalset import VGSet
        >>> gset = VGSet()
        >>> gset.add('a'); gset.add('b'); gset.remove('a')
        >>> answer = gset.client_updates(2, gset.epoch)
        >>> answer['since'], answer['generation']
        (2, 4)
        >>> answer['removals'], list(answer['adds'])
        (['a'], [('b', 'b')])

        It differs from the answer of ``generational_updates`` in this:

        - It has the ``epoch``, and the question: ``since``, and
          ``since_epoch``, if that is another one.
        - Items are pairs ``(id, object)``.
        - A client that has nothing, or another epoch, or a generation that
          this set hasn't reached, gets ``contents``, of all subsets, too; in
          the latter cases with ``reset``, which says why.
        - ``adds`` and ``contents`` are iterables.  They may be read from the
          database as they are iterated over, in this transaction.

        ``zc.generationalset.wire.encode`` makes JSON of it, and
        ``Replica.apply`` takes it as it is.

        generation
            What the client has; 0 if it has nothing.
        epoch
            The epoch that it has; None if it has none.
        provisional
            As ``provisional_updates`` is to ``generational_updates``: with
            this transaction's own changes, under the generation from before.

        Raises TypeError if the generation isn't an integer, and ValueError if
        it is negative.
        """

    def renew() -> None:
        """Give the tree a new epoch, so that all clients start over.

        To be done after a backup was restored or a transaction undone: the
        generations of the changes that were lost will be given again.
        """

    def isdisjoint(other: Any) -> bool:
        """Tell whether no object of another set, or iterable, is here."""

    def __or__(other: Any) -> Any:
        """Return a set with the objects of both.  O(n log n).

        Like ``&``, ``-`` and ``^``: objects are compared by id, the result
        has no superset and is of the left operand's type and settings, where
        both have an object it is the left one's, and subsets are copied.
        """

    def __and__(other: Any) -> Any:
        """Return a set with the objects that the other one has, too."""

    def __sub__(other: Any) -> Any:
        """Return a set with the objects that the other one hasn't."""

    def __xor__(other: Any) -> Any:
        """Return a set with the objects that only one of them has."""

    def __ior__(other: Any) -> Any:
        """Add the objects of the other set that aren't here.

        Like ``&=``, ``-=`` and ``^=``: every difference is one change, and
        what stays is not changed.
        """

    def __iand__(other: Any) -> Any:
        """Remove the objects that the other set hasn't."""

    def __isub__(other: Any) -> Any:
        """Remove the objects that the other set has."""

    def __ixor__(other: Any) -> Any:
        """Remove the objects that the other set has, and add its others."""

    def __le__(other: Any) -> bool:
        """Tell whether the other set has everything that this has."""

    def __ge__(other: Any) -> bool:
        """Tell whether this has everything that the other set has."""

    def __lt__(other: Any) -> bool:
        """Tell whether the other set has everything that this has, and more.
        """

    def __gt__(other: Any) -> bool:
        """Tell whether this has everything that the other set has, and more.
        """
