"""What has come of a large answer, and isn't shown yet."""

from __future__ import annotations

import persistent
from BTrees.IOBTree import IOBTree

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Answer, Position
from zc.generationalset.mirror.mirrored import REMOVALS, MirroredSet, Writer
from zc.generationalset.pages import Copy
from zc.generationalset.updates import held, read


class Pages(persistent.Persistent):
    """Pages, and what was asked for after the last one.

    The pages of an answer are of different times.  Together with what has
    changed since the first of them, they are the source at one time.  A mirror
    shows nothing before: its clients don't know that it is taking pages.

    position
        Where the mirror is.
    """

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def __init__(self, position: Position) -> None:
        #: The position to present.
        self._epoch, self._generation = position
        #: How far the latest answer has come, if pages are missing.
        self._copy: tuple[str, str | None, int] | None = None
        #: The highest generation of what will be shown.
        self._highest = 0

    @property
    def position(self) -> Position:
        return Position(self._epoch, self._generation)

    @property
    def copy(self) -> Copy | None:
        return None if self._copy is None else Copy(*self._copy)

    @property
    def is_even(self) -> bool:
        """Whether this is the source at one time, which is the position."""
        return self._copy is None and self._generation >= self._highest

    def _turn(self, copy: Copy) -> None:
        if copy.cursor:
            self._copy = copy.cursor, copy.epoch, copy.generation
        else:
            self._copy = None
            self._epoch, self._generation = copy.epoch, copy.generation

    def add(self, page: Answer, copy: Copy, writer: Writer) -> None:
        """Take a page, or an answer.

        copy
            How far the mirror has come with it.

        Raises Lacking, and ValueError for bad entries.
        """
        raise NotImplementedError

    def shown(self, gset: MirroredSet, writer: Writer) -> MirroredSet:
        """Return the set that the mirror shows after a set."""
        raise NotImplementedError


class Contents(Pages):
    """Pages of everything; they fill a new set.

    If they begin anew, what came before stays until all are here.
    """

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def __init__(self) -> None:
        super().__init__(NOTHING)
        self._set = MirroredSet(maximum_removals=REMOVALS)

    def add(self, page: Answer, copy: Copy, writer: Writer) -> None:
        if 'cursor' not in page:
            self._listing = writer.listing(self._set)
        writer.put(self._set, read(page), self._listing)
        self._p_changed = True  # because of what is kept
        self._highest = max(self._highest, page['generation'])
        self._turn(copy)

    def shown(self, gset: MirroredSet, writer: Writer) -> MirroredSet:
        return self._set


class Changes(Pages):
    """Pages of what has changed; they wait as they came."""

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self._pages = IOBTree()
        #: How many of the pages are those of complete answers.
        self._complete = 0

    def add(self, page: Answer, copy: Copy, writer: Writer) -> None:
        held(read(page))  # what would fail later fails now
        if 'cursor' not in page:
            for number in list(self._pages.keys(self._complete)):
                del self._pages[number]
        number = self._pages.maxKey() + 1 if self._pages else 0
        self._pages[number] = Page(page['generation'], wire.encode(page))
        self._turn(copy)
        if self._copy is None:
            self._highest = max(self._highest, *[
                page.generation
                for page in self._pages.values(self._complete)])
            self._complete = number + 1

    def shown(self, gset: MirroredSet, writer: Writer) -> MirroredSet:
        for stored in self._pages.values():
            page = wire.decode(stored.json)
            if 'cursor' not in page:
                listing = writer.listing(gset)
            writer.put(gset, read(page), listing)
        return gset


class Page(persistent.Persistent):
    """A page, as JSON, and its generation."""

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def __init__(self, generation: int, json: bytes) -> None:
        self.generation = generation
        self.json = json
