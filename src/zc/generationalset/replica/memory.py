"""The client's copy of a set, in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import Any

from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Change,
    Position,
    SubsetUpdates,
    check_answer,
    check_fits,
    check_mapping,
    check_number,
    check_whole,
    fitting_parts,
    is_page,
)
from zc.generationalset.files import write_file
from zc.generationalset.pages import Copy, starts_over, turn
from zc.generationalset.parts import Path, lowest, parts_after
from zc.generationalset.replica.items import (
    Apply,
    check_kept,
    drop,
    entries,
    part,
    put_page,
    remove,
    replace,
    subset_at,
    update,
)
from zc.generationalset.updates import Lacking, Updates, held, pair, read


class Replica:
    """A copy of a set, or of a tree of sets, that updates keep current.

    >>> from types import SimpleNamespace as Thing
    >>> from zc.generationalset import GSet
    >>> things = GSet()
    >>> things.add(Thing(id=1))
    >>> replica = Replica()
    >>> replica.apply(things.generational_updates(replica.generation))
    [Change(kind='added', path=(1,), item=namespace(id=1))]
    >>> replica.generation, replica.items
    (2, {1: namespace(id=1)})

    ``get_id`` returns the id of an item, for updates that don't list ids; by
    default, that is the attribute ``id``.
    """

    def __init__(
            self, get_id: Callable[[Any], Any] = attrgetter('id')) -> None:
        self._get_id = get_id
        #: The generation to present.
        self.generation = 0
        #: The history that the generation belongs to.
        self.epoch: str | None = None
        self._copy: Copy | None = None
        #: Path of a set -> the ids that it had when the copy began, and that
        #: no page has listed since.
        self._remaining: dict[Path, dict[Any, None]] = {}
        #: Items by id; the item that changed last comes last.  A subset is a
        #: ``Subset``, a dictionary of its items.  Don't change them.
        self.items: dict[Any, Any] = {}
        #: The parts of the tree that this has, with the generation of each;
        #: None if it has the whole tree, or nothing.  See ``drop``.
        self.parts: dict[Path, int] | None = None

    @property
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
        return '' if self._copy is None else self._copy.cursor

    def apply(self, updates: Mapping[str, Any]) -> list[Change]:
        """Apply an answer, and return what it changed here, in order.

        O(what the answer lists); with ``contents``, also O(what is here).

        >>> replica = Replica()
        >>> replica.apply({'epoch': 'a', 'since': 0, 'generation': 3,
        ...                'contents': [('bob', 'Bob')]})
        [Change(kind='added', path=('bob',), item='Bob')]
        >>> replica.apply({'epoch': 'a', 'since': 3, 'generation': 5,
        ...                'removals': ['bob'], 'adds': [('ann', 'Ann')]})
        ... # doctest: +NORMALIZE_WHITESPACE
        [Change(kind='removed', path=('bob',), item='Bob'),
         Change(kind='added', path=('ann',), item='Ann')]

        If you make the changes, one after the other, to a copy of the old
        items, the copy becomes equal to the new items.  A new subset is a
        change, followed by one for each item in it.  A subset that goes is one
        change.  An item that comes again, and is equal, such as after a write
        of your own, is no change.

        updates
            From ``client_updates`` of a set, or ``wire.decode``: an answer to
            this replica's generation and epoch, or to an earlier one, if it
            leads at least as far.  ``adds`` and ``contents`` are iterated over
            once.

            Or from ``generational_updates``.  These don't repeat the question,
            so you must know that it was this replica's generation.  If their
            generation is lower, the server has lost changes, and the replica
            becomes empty, with generation 0.

            An answer with ``parts`` changes those that fit; parts that aren't
            here join.  ``generation`` is the lowest of all parts.

            If an answer keeps what isn't here, the replica is damaged, and
            becomes empty, with generation 0.

        Raises Misfit for an answer that doesn't fit, and ValueError for what
        isn't an answer.  Then nothing is changed.
        """
        check_mapping(updates)
        changes: list[Change] = []
        if 'since' in updates:
            answer = check_answer(updates)
            try:
                self._apply_answer(answer, changes)
            except Lacking:
                self._start_over(changes)
            return changes
        generation = check_number(updates, 'generation', 0)
        if generation < self.generation:
            self._start_over(changes)
        else:
            self._become(
                Position(self.epoch, generation), update,
                held(read(updates, self._with_id)), changes)
        return changes

    def _apply_answer(self, answer: Answer, changes: list[Change]) -> None:
        """Apply an answer.  Raises Lacking before anything is changed."""
        position = Position(self.epoch, self.generation)
        if 'parts' in answer:
            fitting = fitting_parts(answer, position, self.parts)
            self._apply_parts(answer, [
                (part['path'], held(read(part))) for part in fitting], changes)
            return
        check_whole(answer, self.parts)
        if is_page(answer):
            self._turn(answer, turn(answer, position, self._copy), changes)
            return
        check_fits(answer, position)
        updates = held(read(answer))
        check_kept(self._staying(answer), updates)
        change = replace if starts_over(answer, self._copy) else update
        self._become(
            Position(answer['epoch'], answer['generation']), change, updates,
            changes)

    def _staying(self, answer: Answer) -> dict[Any, Any]:
        """Return the items that an answer may keep."""
        return {} if starts_over(answer, self._copy) else self.items

    def _turn(
            self, answer: Answer, copy: Copy, changes: list[Change]) -> None:
        """Apply a page."""
        updates = held(read(answer))
        check_kept(self._staying(answer), updates)
        if 'cursor' not in answer:
            self._remaining = {}
        if starts_over(answer, self._copy):
            self._start_over(changes)
        put_page(self.items, updates, (), self._remaining, changes)
        if copy.cursor:
            self._copy = copy
        else:
            self._move(Position(*copy[1:]))

    def _start_over(self, changes: list[Change]) -> None:
        remove(self.items, list(self.items), (), changes)
        self.parts = None
        self._move(NOTHING)

    def _apply_parts(
            self, answer: Answer, news: list[tuple[Path, Updates]],
            changes: list[Change]) -> None:
        if self._copy is not None:  # of the whole tree
            self._start_over(changes)
        for path, updates in news:
            check_kept(subset_at(self._staying(answer), path), updates)
        parts = parts_after(answer, [path for path, _ in news], self.parts)
        for path in (self.parts or {}).keys() - parts:
            drop(self.items, path, changes)
        change = replace if 'reset' in answer else update
        for path, updates in news:
            change(part(self.items, path, changes), updates, path, changes)
        # This is last, as in ``_become``.
        self.epoch, self.parts = answer['epoch'], parts
        self.generation = lowest(parts)

    def drop(self, path: Path) -> list[Change]:
        """Forget a part, and return what that changed here.

        >>> replica = Replica()
        >>> len(replica.apply({
        ...     'epoch': 'a', 'since': 0, 'generation': 3, 'parts': [
        ...         {'path': ('people',), 'contents': [('bob', 'Bob')]},
        ...         {'path': ('rooms', 'a'), 'contents': []}]}))
        4
        >>> replica.drop(('rooms', 'a'))
        [Change(kind='removed', path=('rooms',), item={'a': {}})]
        >>> replica.parts, replica.items
        ({('people',): 3}, {'people': {'bob': 'Bob'}})

        Raises KeyError for a part that isn't here.
        """
        if self.parts is None:
            raise KeyError(path)
        parts = {**self.parts}
        del parts[path]
        changes: list[Change] = []
        drop(self.items, path, changes)
        self.parts, self.generation = parts or None, lowest(parts)
        self.epoch = self.epoch if parts else None
        return changes

    def _become(
            self, position: Position, change: Apply, updates: Updates,
            changes: list[Change]) -> None:
        change(self.items, updates, (), changes)
        # This is last, so after an interruption the same changes come again.
        self._move(position)

    def _move(self, position: Position) -> None:
        self.epoch, self.generation = position
        self._copy, self._remaining = None, {}

    def _with_id(self, ob: Any) -> tuple[Any, Any]:
        if isinstance(ob, SubsetUpdates):
            return pair(ob)
        return self._get_id(ob), ob

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Store this replica in a file, and replace what was there.

        O(n); needs memory only for a part.  The file has an answer, as JSON,
        that a new replica can apply (docs/protocol.txt).  A new file is
        written and then replaces the old one, so the file is always the old or
        the new one.  Only its owner may read it.  For a replica that has
        nothing, generation 0, there is no file.

        Raises TypeError for an item that can't be JSON, and OSError.
        """
        from zc.generationalset.wire import encode_chunks
        if self.generation == 0:
            with suppress(FileNotFoundError):
                os.remove(os.path.realpath(path))
            return
        answer: dict[str, Any] = {
            'epoch': self.epoch, 'since': 0, 'generation': self.generation}
        if self.parts is None:
            answer['contents'] = entries(self.items)
        else:
            answer['parts'] = [
                {'path': path,
                 'contents': entries(part(self.items, path, []))}
                for path in self.parts]
        write_file(path, encode_chunks(answer))

    @classmethod
    def load(
            cls, path: str | os.PathLike[str],
            get_id: Callable[[Any], Any] = attrgetter('id')) -> Replica:
        """Return the replica that is stored in a file.

        O(n).  If there is no file, returns a new replica, with generation 0.

        Raises ValueError for a file that isn't a whole stored replica, and
        OSError.
        """
        from zc.generationalset.wire import Limits, decode
        replica = cls(get_id)
        try:
            with open(path, 'rb') as file:
                data = file.read()
        except FileNotFoundError:
            return replica
        try:
            # The file is the user's own, so it needs no limits.
            limits = Limits(size=sys.maxsize, count=sys.maxsize)
            replica.apply(decode(data, limits))
        except ValueError as error:
            raise ValueError(f'{os.fspath(path)}: expected a stored replica, '
                             f'got: {error}') from error
        return replica
