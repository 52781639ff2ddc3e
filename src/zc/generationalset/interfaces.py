"""The contract of generational sets, stated once.

Costs: *n* is the number of items in a set, *d* the depth of the set in its
tree.  A look-up in a B-tree of a set that isn't in memory loads a few objects,
O(log n).  A change writes one small object, the journal at the root of the
tree.  Now and then, once for 96 changes, a *checkpoint* moves older changes to
the B-trees, and writes some of their buckets.  See docs/storage.txt.
"""

from __future__ import annotations

from typing import Any

from zope.interface import Attribute, Interface

from zc.generationalset.answers import Answer
from zc.generationalset.answers import SubsetUpdates as SubsetUpdates
from zc.generationalset.pages import Span
from zc.generationalset.parts import Parts


class IdError(TypeError):
    """An object that is given as an id can't be one in this set."""


class IServed(Interface):
    """An object that a server can serve: a set, or a copy of one.

    IGenerationalSet describes each member.  An object that isn't a set itself
    is only for reading, and has an attribute ``source``, the URL to write to.
    """

    generation = Attribute('The generation of the tree.')

    epoch = Attribute('A string that names the set, and its history.')

    def client_updates(
            generation: int, epoch: str | None = None, *,
            parts: Parts = ()) -> Answer:
        """Return the answer of the protocol to a client."""

    def client_page(generation: int, epoch: str | None, span: Span) -> Answer:
        """Return a page of the answer of the protocol to a client."""

    def __getitem__(id: Any) -> Any:
        """Return the object with an id; raise KeyError if there is none."""

    def __len__() -> int:
        """Return how many objects there are."""


class IGenerationalSet(IServed):
    """A persistent set that knows what changed since any generation.

    ``GenerationalSet(id=None, parent=None, maximum_removals=99,
    superset=False, id_attribute='id')``

    id
        The id under which this will be in a superset; any id, see below.
    parent
        A generational set.  The new set joins it, as a subset, with its first
        change.
    maximum_removals
        How many removals the set remembers, 0 or more.  A client that missed a
        forgotten removal gets the whole contents.
    superset
        Ignored; accepted for programs written for release 0.1.
    id_attribute
        The attribute of items that is their id.

    Ids are hashable, and can be ordered: all ids of one set should be of one
    type.  ``None`` and NaN can't be ids, nor be in tuples that are ids.  An
    instance of a subclass of str, int, float, bytes or tuple is stored as the
    plain value that it equals, unless its class defines comparisons of its
    own.
    """

    id = Attribute('The id in the superset; fixed while it is in one.')

    parent = Attribute('The superset, or None.')

    maximum_removals = Attribute(
        'How many removals the set remembers; ValueError unless 0 or more.')

    id_attribute = Attribute('The attribute of items that is their id.')

    generation = Attribute(
        """The generation of the tree, an integer that starts at 1.

        O(d).  Reading it after a change in the same transaction *hands it
        out*: the change then keeps this generation, and if another transaction
        commits first, this one gets a ConflictError.
        """)

    epoch = Attribute(
        """A string that names the set, and the history of its generations.

        O(d).  A client that has another epoch must get everything.  The epoch
        of a tree is random.  A subset has an epoch of its own, derived from
        the tree's; it changes when the tree's is renewed, and when the subset
        is replaced or leaves.  The epoch is None for a tree of release 0.1 to
        0.4 that hasn't been changed yet.
        """)

    def get_id(ob: Any) -> Any:
        """Return the id of an object; subclasses may override this.

        Raises AttributeError if the object has no attribute ``id_attribute``.
        """

    def add(ob: Any, id: Any = None) -> None:
        """Add an object, or replace the object with the same id.

        O(log n + d).  Takes one generation.  Pass ``id`` for an object whose
        id ``get_id`` can't find.

        A generational set becomes a subset, and leaves its old superset.

        Raises IdError, a TypeError, for an id that can't be compared with the
        ids in the set.  Raises ValueError for a set that would contain itself,
        and for an ``id`` that isn't the subset's own.  Then nothing is
        changed.
        """

    def changed(ob: Any, id: Any = None) -> None:
        """Record that an object of the set changed.

        O(log n + d).  Takes one generation.  If ``ob`` isn't the object that
        the set has, it replaces that object.

        Raises KeyError if no object with its id is in the set.
        """

    def remove(ob: Any, id: Any = None) -> None:
        """Remove an object.

        O(log n + d).  Takes one generation.  A removed subset is a tree of its
        own, and its generations go on from where they were.

        Raises KeyError if no object with its id is in the set.
        """

    def __delitem__(id: Any) -> None:
        """Remove the object with an id, as ``remove`` does."""

    def discard(ob: Any) -> None:
        """Remove an object, or the object with an id, if it is in the set."""

    def clear() -> None:
        """Remove everything; each object takes one generation."""

    def __contains__(ob: Any) -> bool:
        """Tell whether an object, or an id, is in the set.

        O(log n).  Only the id of the object counts.
        """

    def __getitem__(id: Any) -> Any:
        """Return the object with an id.  O(log n).

        Raises KeyError if there is none, also for an object that can't be an
        id.
        """

    def get(id: Any, default: Any = None) -> Any:
        """Return the object with an id, or the default.  O(log n)."""

    def __len__() -> int:
        """Return the number of objects.  O(1)."""

    def __iter__() -> Any:
        """Iterate over the objects; the one that changed last comes last.

        O(n); loads no items.  Don't change the set meanwhile.
        """

    def values(minimum_generation: int = 0) -> list[Any]:
        """Return the objects changed at or after a generation, in order.

        O(log n), plus the number of objects returned.
        """

    def ids() -> Any:
        """Iterate over the ids, in the order of the objects.  O(n)."""

    def items() -> Any:
        """Iterate over pairs of id and object, in the same order.  O(n)."""

    def generational_updates(generation: int) -> dict[str, Any]:
        """Return what changed since a generation, 0 for everything.

        Loads the journal.  For a client that is behind the last checkpoint,
        also loads B-trees of the sets that changed: O(log n), plus the size of
        the answer.

        >>> from zc.generationalset import VGSet
        >>> gset = VGSet()
        >>> gset.add('a'); gset.add('b'); gset.remove('a')
        >>> gset.generational_updates(2)
        {'generation': 4, 'removals': ['a'], 'adds': ['b']}

        The keys, in this order:

        generation
            What the client has when it has applied this, and presents the next
            time.  If it is less than what the client presented, this set has
            lost changes that the client has, and the client starts over.
        removals
            Ids of objects that were removed since; left out if there are none.
        adds
            Objects that were added or changed since, the latest last; left out
            if there are none.  For a subset, its updates: a ``SubsetUpdates``,
            with ``id`` instead of ``generation``.
        contents
            All objects, instead of ``removals`` and ``adds``, if the set has
            forgotten removals that the client missed, or if this is shorter.
            What is not listed is gone.  Subsets are listed with what changed
            since, as in ``adds``.

        This hands the generation out, as ``generation`` does.

        Raises TypeError if the generation isn't an integer.
        """

    def provisional_updates(generation: int) -> dict[str, Any]:
        """Return updates in a writing transaction; hand no number out.

        These are ``generational_updates``, with this transaction's own
        changes, but with the generation from before them.  So the changes need
        no numbers yet, and don't conflict with changes of others.  The client
        gets them once more with its next updates.
        """

    def client_updates(
            generation: int, epoch: str | None = None,
            provisional: bool = False, parts: Parts = ()) -> Answer:
        """Return the answer to a client, as docs/protocol.txt specifies it.

        Costs what ``generational_updates`` costs.  If ids were given
        explicitly, O(n) for a client that is behind the last checkpoint.

        >>> from zc.generationalset import VGSet
        >>> gset = VGSet()
        >>> gset.add('a'); gset.add('b'); gset.remove('a')
        >>> answer = gset.client_updates(2, gset.epoch)
        >>> answer['since'], answer['generation']
        (2, 4)
        >>> answer['removals'], list(answer['adds'])
        (['a'], [('b', 'b')])

        It differs from the answer of ``generational_updates`` in this:

        - It has the ``epoch``, and the question: ``since``, and also
          ``since_epoch``, if that differs from ``epoch``.
        - Items are pairs ``(id, object)``.
        - A client that has nothing, or another epoch, or a generation that
          this set hasn't reached, gets the ``contents`` of this set and all
          subsets.  In the latter two cases, ``reset`` says why.
        - ``keep``, beside ``contents``, has the ids of what isn't listed
          because the client has it, and it didn't change since.
        - ``adds``, ``contents`` and ``keep`` are iterables.  Iterating may
          read the database, in this transaction.

        ``zc.generationalset.wire.encode`` makes JSON of the answer, and
        ``Replica.apply`` applies it as it is.

        generation
            The generation that the client has; 0 if it has nothing.
        epoch
            The epoch that the client has; None if it has none.
        provisional
            Whether to answer as ``provisional_updates`` does: with this
            transaction's own changes, and the generation from before them.
        parts
            Paths of the subsets that the client wants, without the rest of the
            tree; see ``check_parts`` in ``zc.generationalset.parts``.  A
            subset that isn't there is empty.

        Raises TypeError if the generation isn't an integer, and ValueError if
        it is negative.
        """

    def unchanged(id: Any, generation: int, epoch: str | None) -> bool:
        """Tell whether an id is what it was at a client's position.

        O(log n + d).  Call it before a transaction writes what a user has
        decided from what the client shows:

        >>> from zc.generationalset import GSet
        >>> gset = GSet()
        >>> gset.add('Ann', 1)
        >>> generation, epoch = gset.generation, gset.epoch
        >>> gset.add('Bob', 2)
        >>> gset.unchanged(1, generation, epoch)
        True
        >>> gset.unchanged(2, generation, epoch)
        False

        An id that isn't here is unchanged if it wasn't here then, either, and
        never in between.  A subset is unchanged if nothing in it has changed.
        False also means that nobody can know: the epoch is another one, the
        set hasn't reached the generation, or it has forgotten removals of
        after it.  The transaction's own changes are changes.

        If another transaction changes the id before this one commits, this one
        conflicts only if it changes the id, too.

        generation
            The generation that the client has.
        epoch
            The epoch that the client has; None if it has none.

        Raises TypeError if the generation isn't an integer.
        """

    def client_page(generation: int, epoch: str | None, span: Span) -> Answer:
        """Return a page of the answer to a client.

        O(log n) for each entry of the page, and for each id that is looked at.
        Memory for one page.

        Entries are in the order of their ids.  Together, the pages list what
        ``client_updates`` lists.  Only the last page of a set's contents has
        ``contents``; the pages before it have ``adds``.  ``next`` is the
        cursor of the next page.

        generation, epoch
            What the client has.
        span
            Where the page begins, and how long it may be.

        Raises StalePlace for a place of another set or epoch, and if the set
        has forgotten removals since that place.
        """

    def renew() -> None:
        """Give the tree a new epoch, so that all clients start over.

        Call this after a backup was restored or a transaction was undone,
        because the generations of the lost changes will be given again.
        """

    def isdisjoint(other: Any) -> bool:
        """Tell whether no object of another set, or iterable, is here."""

    def __or__(other: Any) -> Any:
        """Return a set with the objects of both.  O(n log n).

        This holds for ``&``, ``-`` and ``^``, too: Objects are compared by id.
        The result has the type and settings of the left operand, and no
        superset.  If both have an object, the result has the left one's.
        Subsets are copied.
        """

    def __and__(other: Any) -> Any:
        """Return a set with the objects that the other set has, too."""

    def __sub__(other: Any) -> Any:
        """Return a set with the objects that the other set hasn't."""

    def __xor__(other: Any) -> Any:
        """Return a set with the objects that only one of the two sets has."""

    def __ior__(other: Any) -> Any:
        """Add the objects of the other set that aren't here.

        For this and ``&=``, ``-=`` and ``^=``, each difference is one change,
        and what stays isn't changed.
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
        """Tell whether the other set has all that this has, and more."""

    def __gt__(other: Any) -> bool:
        """Tell whether this has all that the other set has, and more."""
