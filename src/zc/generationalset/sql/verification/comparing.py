"""Compares the tables of two databases, row by row where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.verification.digests import (
    Listed,
    digest,
    listing,
)
from zc.generationalset.sql.verification.hashing import comparable
from zc.generationalset.sql.verification.looking import Seen, look
from zc.generationalset.sql.verification.repairing import repair
from zc.generationalset.sql.verification.schemas import Pair, pairs
from zc.generationalset.sql.verification.scratch import Scratch, Suspect

T = TypeVar('T')

#: How often a row is looked at again that has changed meanwhile.
LOOKS = 5

#: A repair that changes or deletes more rows of a table, and more of them than
#: this share, may be one in the wrong direction.
FEW = 10
SHARE = 0.05

#: Called with the name of a table, and how many of its rows were read since
#: the last call.
Told: TypeAlias = 'Callable[[str, int], None]'


class Difference(NamedTuple):
    """A row that differs.

    table
        The name of the table.
    id
        The key of the row; a tuple if it has several columns.
    here, there
        The row on each side, by the names of columns; None where it is
        missing.
    columns
        The names of the columns that differ, of a row on both sides.
    """

    table: str
    id: Any
    here: dict[str, Any] | None
    there: dict[str, Any] | None
    columns: list[str]


@dataclass
class Totals:
    """What was found in a table.

    left_out
        Rows that changed whenever they were looked at.
    """

    here: int = 0
    there: int = 0
    changed: int = 0
    missing_here: int = 0
    missing_there: int = 0
    left_out: int = 0

    @property
    def is_equal(self) -> bool:
        return not (self.changed or self.missing_here or self.missing_there)

    @property
    def is_large(self) -> bool:
        """Whether a repair changes or deletes a large part of the rows."""
        return self.changed + self.missing_here > max(FEW, SHARE * self.there)

    def count(self, difference: Difference) -> None:
        if difference.here is None:
            self.missing_here += 1
        elif difference.there is None:
            self.missing_there += 1
        else:
            self.changed += 1


class Verification(AbstractContextManager['Verification']):
    """Finds the rows that differ between two databases.

    Each table is read once on each side, from a snapshot; the rows of those
    buckets whose digests differ are read again.  O(n) time, and memory that
    doesn't grow with the tables, nor with the number of differences.

    .. code-block:: python

        here = open_database('sqlite:///shop.db')
        there = open_database('postgresql:///shop')
        with Verification(here, there, ['orders']) as verification:
            for misfit in verification.misfits:
                print(misfit.where, misfit.text)
            for difference in verification.differences():
                print(difference.table, difference.id, difference.columns)

    names
        The tables to compare; all if there are none.
    told
        Called with the name of a table, and the number of rows that were read
        since the last call.

    Raises DatabaseError for a name that neither side has, and what the
    databases raise.
    """

    def __init__(
            self, here: Database, there: Database, names: Sequence[str] = (),
            told: Told | None = None) -> None:
        self._sides = here, there
        self._told = told or (lambda name, count: None)
        with here.plain_reading() as one, there.plain_reading() as other:
            #: The tables that are compared, and why others aren't.
            self.pairs, self.misfits = pairs(
                one.tables(), other.tables(), names)
        #: What was found so far, by the names of tables.
        self.totals: dict[str, Totals] = {}
        self._scratch = Scratch()

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._scratch.close()

    @property
    def is_equal(self) -> bool:
        """Whether nothing was found that differs."""
        return not any(misfit.is_different for misfit in self.misfits) \
            and all(totals.is_equal for totals in self.totals.values())

    def differences(self) -> Iterator[Difference]:
        """Yield the rows that differ, table by table.

        A row is looked at twice.  One that has changed in between is looked at
        again; it is left out if that goes on.
        """
        for number, pair in enumerate(self.pairs):
            totals = self.totals[str(pair.here)] = Totals()
            self._list(pair, totals)
            for suspects in self._scratch.suspects():
                for suspect, difference in self._confirmed(
                        pair, suspects, totals):
                    totals.count(difference)
                    self._scratch.find(number, suspect)
                    yield difference

    def repair(self) -> dict[str, Counter[str]]:
        """Make ``there`` like ``here`` in the rows that were found.

        Nothing else is written.  It is one transaction; triggers of users
        don't fire.  Rows that have changed since get what ``here`` has now.

        O(rows that were found).

        .. code-block:: python

            with Verification(here, there) as verification:
                for difference in verification.differences():
                    print(difference)
                if not any(totals.is_large
                           for totals in verification.totals.values()):
                    verification.repair()

        Returns how many rows were added, changed and removed, by the names of
        tables.  Raises Refused, WrongValue and Contended, with nothing
        changed.
        """
        found = {pair: partial(self._scratch.found, number)
                 for number, pair in enumerate(self.pairs)}
        return repeated(partial(repair, *self._sides, found), Conflict)

    def _list(self, pair: Pair, totals: Totals) -> None:
        """List the rows of buckets that differ."""
        def told(count: int) -> None:
            self._told(str(pair.here), count)

        here, there = self._sides
        with here.plain_reading() as one, there.plain_reading() as other:
            hashers = comparable(pair, one, other, told)
            mine, others = _at_a_time(*[
                partial(digest, hasher) for hasher in hashers])
            totals.here, totals.there = mine.rows, others.rows
            buckets = mine.differing(others)
            if buckets:
                _at_a_time(*[
                    partial(_list, listing(hasher, table, buckets), into)
                    for hasher, table, into in zip(
                        hashers, pair, (self._scratch.list_here,
                                        self._scratch.list_there),
                        strict=True)])

    def _confirmed(
            self, pair: Pair, suspects: list[Suspect], totals: Totals,
    ) -> Iterator[tuple[Suspect, Difference]]:
        """Yield those that differ, and differ in the same way as before.

        The hashes that a database has made aren't those of the forms, so its
        rows are looked at once more.
        """
        for _ in range(LOOKS):
            moving = []
            for before, here, there in self._looked_at(pair, suspects):
                now = before._replace(here=_hash(here), there=_hash(there))
                if now.here == now.there:
                    continue
                if now == before:
                    yield now, _difference(pair, now, here, there)
                else:
                    moving.append(now)
            suspects = moving
        totals.left_out += len(suspects)

    def _looked_at(
            self, pair: Pair, suspects: list[Suspect],
    ) -> Iterator[tuple[Suspect, Seen | None, Seen | None]]:
        if not suspects:
            return
        here, there = self._sides
        with here.plain_reading() as one, there.plain_reading() as other:
            mine = look(one, pair.here,
                        [suspect.here_key for suspect in suspects])
            others = look(other, pair.there,
                          [suspect.there_key for suspect in suspects])
        for suspect in suspects:
            yield suspect, mine.get(suspect.form), others.get(suspect.form)


def _at_a_time(one: Callable[[], T], other: Callable[[], T]) -> tuple[T, T]:
    """Do two things in two threads: both databases work, then."""
    with ThreadPoolExecutor(1) as thread:
        waited_for = thread.submit(other)
        return one(), waited_for.result()


def _list(
        found: Iterable[list[Listed]],
        into: Callable[[list[Listed]], None]) -> None:
    for rows in found:
        into(rows)


def _hash(seen: Seen | None) -> bytes | None:
    return None if seen is None else seen.hash


def _difference(
        pair: Pair, suspect: Suspect, here: Seen | None, there: Seen | None,
) -> Difference:
    table, key = (pair.there, suspect.there_key) if here is None else (
        pair.here, suspect.here_key)
    columns = [name for name, part in here.parts.items()
               if part != there.parts[name]] if here and there else []
    return Difference(
        str(pair.here), table.id_of(key), here and here.row,
        there and there.row, columns)
