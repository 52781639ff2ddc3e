"""Trees of sets: where a set is in its tree, joining, leaving, changing."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import zc.generationalset
from zc.generationalset.interfaces import IdError
from zc.generationalset.sets import transactions
from zc.generationalset.sets.btrees import GONE, MISSING, SettledSet
from zc.generationalset.sets.epochs import derived_epoch, new_epoch
from zc.generationalset.sets.ids import PLAIN, check_id, is_plain, plain_id
from zc.generationalset.sets.journal import Journal
from zc.generationalset.sets.records import (
    NO_CHANGES,
    Path,
    Recent,
    Record,
    SetChanges,
)


class TreeMember(SettledSet):
    """A set that may have subsets, and may be one."""

    # Both of the root alone.  A root without a journal is of an old release.
    _journal: Journal | None = None
    _epoch: str | None = None

    def _init_root(self) -> None:
        self._journal = Journal(1)
        self._epoch = new_epoch()

    def _init_pending(self, parent: TreeMember) -> None:
        """Belong to a superset that will be joined at the first change."""
        self.parent = parent
        self._born = None

    # Ids

    def _normal(self, id: Any) -> Any:
        """Return the form in which an explicit id is stored."""
        return id

    def _subset_id(self, subset: TreeMember) -> Any:
        return self._normal(subset.id)

    # Where a set is

    def _locate(self) -> tuple[TreeMember, Path]:
        """Return the root, and the ids of the subsets that lead here."""
        if self.parent is None:
            return self, ()
        path: Path = ()
        member: TreeMember = self
        superset = self._superset()
        while superset is not None:
            path = superset._subset_id(member), *path
            member, superset = superset, superset._superset()
        return member, path

    def _supersets(self) -> Iterator[TreeMember]:
        """Yield the set itself, its superset, and so on up to the root."""
        member: TreeMember | None = self
        while member is not None:
            yield member
            member = member._superset()

    def _history(self, root: TreeMember, path: Path) -> str | None:
        """Return what names this set, and the history of its generations.

        For a subset, that is made of what makes it another one: the tree's
        epoch, and for each set on the way here its id and when it joined.  So
        nobody takes a generation of it for one of its sibling.
        """
        if not path:
            return root._epoch
        joined = [member._joined() for member in self._supersets()][:-1]
        return derived_epoch(root._epoch, path, tuple(joined))

    def _at(self, path: Path) -> TreeMember:
        member: TreeMember = self
        for id in path:
            member = member._settled_get(id)
        return member

    def _unsettled(self) -> SetChanges:
        """Return what isn't in the B-trees of this set."""
        root, path = self._locate()
        journal = root._journal
        if journal is None or self._joined() is None:
            return NO_CHANGES
        return journal.unsettled.at(path)

    def _unsettled_layers(self) -> list[SetChanges]:
        """Return the same in parts, the latest first; there may be none."""
        root, path = self._locate()
        journal = root._journal
        if journal is None or self._joined() is None:
            return []
        return [layer.sets[path] for layer in journal.layers()
                if path in layer.sets]

    # Generations, of a root

    def _handed_out_generation(self) -> int:
        """Return the generation, for somebody who may tell a client."""
        journal = self._journal
        if journal is None:
            return self._old_generation()
        return journal.hand_out()

    def _generation_before(self) -> int:
        """Return the generation before this transaction's own changes."""
        journal = self._journal
        if journal is None:
            return self._old_generation()
        began = None
        if journal._p_jar is not None:
            began = transactions.began(journal)
        return journal.generation if began is None else began

    def _old_generation(self) -> int:
        generation: int = self.__dict__['generation']
        return generation

    # Objects

    def _entry(self, id: Any) -> tuple[int, Any]:
        """Return an id's latest generation, or 0, and its object or MISSING.

        Raises TypeError if the id can't be compared with those that are here.
        """
        for layer in self._unsettled_layers():
            if id in layer.changes:
                generation, ob = layer.changes[id]
                if ob is GONE:
                    return generation, MISSING
                if ob is not MISSING:
                    return generation, ob
        return self._settled_entry(id)

    # Changes

    def _change(
            self, id: Any, ob: Any, before: tuple[int, Any] | None = None,
    ) -> None:
        """Record one change: an object, or GONE; one generation, all told.

        ``before`` is the id's entry, if the caller knows.
        """
        if type(id) not in PLAIN:
            id = plain_id(id)
        zc.generationalset.notify(self._make_change(id, ob, before))

    def _make_change(
            self, id: Any, ob: Any, before: tuple[int, Any] | None = None,
    ) -> TreeMember:
        """Do that without telling anybody; return the root."""
        root, path = self._locate()
        journal = root._begin_history()
        joining = self._joining() if path else []
        if not journal.is_direct():
            if before is None:
                before = self._before(id)
            if not (joining or journal.is_bulk()
                    or isinstance(ob, TreeMember)
                    or isinstance(before[1], TreeMember)):
                journal.append(root, self._record(path, id, before, ob))
                return root
        journal.settle(root)
        for member in joining:
            journal.skip(member._newest())
        generation = journal.start + 1
        try:
            self._apply(id, ob, generation)
        except TypeError as error:
            raise self._incomparable(id) from error
        if path:
            self._touch_supersets(generation)
        journal.start = generation
        return root

    # The simplest case is a root that isn't stored, with objects that are no
    # sets: most bulk loads.  There, going the general way takes longer than
    # the change.

    def _add_unstored(self, id: Any, ob: Any) -> bool:
        """Add a new object, in the simplest case; return whether it was."""
        journal = self._journal
        if (journal is None or journal._p_jar is not None
                or journal.records or journal.backlog is not None):
            return False
        generation = journal.start + 1
        try:
            if not self.generations.insert(id, generation):
                return False
        except TypeError as error:
            raise self._incomparable(id) from error
        self.contents[generation] = ob
        self._length += 1  # type: ignore[operator]
        journal.start = generation
        zc.generationalset.notify(self)
        return True

    def _replace_unstored(self, id: Any, ob: Any) -> bool:
        """Record the change of an object that is here, in the same case."""
        journal = self._journal
        if (journal is None or journal._p_jar is not None
                or journal.records or journal.backlog is not None
                or isinstance(ob, TreeMember)):
            return False
        generation = journal.start + 1
        try:
            replaced = self._replace(id, ob, generation)
        except TypeError:
            return False
        if replaced:
            journal.start = generation
            zc.generationalset.notify(self)
        return replaced

    def _joining(self) -> list[TreeMember]:
        """Return the sets that a change of this one will make join theirs.

        Raises TypeError if one can't have its id there.
        """
        joining = [member for member in self._supersets()
                   if member._joined() is None]
        for member in joining:
            member.parent._before(member.parent._subset_id(member))
        return joining

    def _touch_supersets(self, generation: int) -> None:
        """Move this set, and its supersets, to their latest change."""
        member: TreeMember = self
        while member.parent is not None:
            id = member.parent._subset_id(member)
            if member._joined() is None:
                member._join(generation, id)
            member.parent._apply(id, member, generation)
            member = member.parent

    def _record(
            self, path: Path, id: Any, before: tuple[int, Any], ob: Any,
    ) -> Record:
        previous, old = before
        if ob is GONE:
            return path, id, -1, previous, self.maximum_removals
        return path, id, int(old is MISSING), previous, ob

    def _begin_history(self) -> Journal:
        """Return the journal of this root, made now for an old root."""
        if self._journal is None:
            self._journal = Journal(
                max(self._old_generation(), self._newest()))
            self._epoch = new_epoch()
            self._upgrade()
        return self._journal

    def _newest(self) -> int:
        """Return the newest generation of this set and its subsets.

        It may be ahead of the tree's: subsets have numbers of their own when
        they join, and old releases left it at that.  Were the tree to give the
        same numbers again, objects would replace each other.
        """
        subsets = [ob for ob in self.contents.values()
                   if isinstance(ob, TreeMember)]
        return max([tree.maxKey() for tree in (self.contents, self.removals)
                    if tree] + [subset._newest() for subset in subsets],
                   default=0)

    def _absorb(self, recent: Recent) -> None:
        """Put records of this root's journal into the B-trees."""
        # From the bottom up: before its entry in its superset is touched, a
        # set of an old release must know when it was changed last.
        paths = sorted(recent.sets, key=len, reverse=True)
        for path, member in [(path, self._at(path)) for path in paths]:
            for id, (generation, ob) in recent.sets[path].changes.items():
                if ob is MISSING:
                    ob = member._settled_get(id)
                member._apply(id, ob, generation)

    # Structure

    def _join(self, generation: int, id: Any) -> None:
        """Become a subset of the parent, which doesn't list this yet."""
        if self._floor is None:
            self._upgrade()
        self._born = generation
        if self.parent.generations.get(id) is not None:
            # Clients may have another thing of this id.  Below the floor
            # they get everything, and don't mix the two.
            self._raise_floor(generation)

    def _leave(self, generation: int) -> None:
        """Become the root of a tree, with numbers that go on."""
        if self._floor is None:
            self._upgrade()
        self.parent = None
        self._journal = Journal(generation)
        self._epoch = new_epoch()

    def _adopt(self, subset: TreeMember, id: Any) -> None:
        """Add a subset, wherever it was."""
        key = self._adopted_id(subset, id)
        if any(member is subset for member in self._supersets()):
            raise ValueError(f'{subset!r} can not be put into itself')
        changed = []
        if subset._superset() not in (None, self) \
                and subset._joined() is not None:
            changed.append(subset.parent._make_change(
                subset.parent._subset_id(subset), GONE))
        if subset._superset() is not self or subset._joined() is None:
            self._take_in(subset, key)
        changed.append(self._make_change(key, subset))
        for root in changed:
            zc.generationalset.notify(root)

    def _take_in(self, subset: TreeMember, id: Any) -> None:
        """Make a set ours, before it is listed."""
        root, _ = self._locate()
        journal = root._begin_history()
        journal.settle(root)
        # Whatever numbers the subset's items have, clients of this tree must
        # see them as older than its next change.
        if subset._superset() is None:
            journal.skip(subset._close_history())
        else:
            journal.skip(subset._newest())
        if subset.id is None:
            subset.id = id
        elif not is_plain(subset.id):
            subset.id = plain_id(subset.id)
        subset.parent, subset._born = self, None
        subset._join(journal.start + 1, id)

    def _adopted_id(self, subset: TreeMember, id: Any) -> Any:
        key = self._normal(id if subset.id is None else subset.id)
        if id is not None and self._normal(id) != key:
            raise ValueError(
                f'expected the id of the subset, {key!r}, got {id!r}')
        key = check_id(subset, key)
        self._before(key)
        self._joining()
        return key

    def _close_history(self) -> int:
        """Settle everything, let the journal go, return its generation.

        It is changed so that a transaction that writes it at the same time
        conflicts, instead of writing what nobody will read.
        """
        journal = self._begin_history()
        journal.settle(self)
        generation = journal.start
        journal.start += 1
        self._journal = self._epoch = None
        return generation

    # Ids that don't fit

    def _before(self, id: Any) -> tuple[int, Any]:
        """Return the entry of an id that is about to be added.

        Raises TypeError if it can't be compared with the ids in this set.
        """
        try:
            before = self._entry(id)
            if not before[0]:
                for layer in self._unsettled_layers():
                    for _ in map(operator.lt, repeat(id), layer.changes):
                        pass
        except TypeError as error:
            raise self._incomparable(id) from error
        return before

    def _incomparable(self, id: Any) -> IdError:
        return IdError(
            f'expected an id that can be compared with the ids in {self!r}, '
            f'got {id!r} ({type(id).__name__})')

