"""Makes one database like the other, in the rows that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from zc.generationalset.sql.applying import apply, batch
from zc.generationalset.sql.database import Applying, Database, Reading
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.verification.looking import look
from zc.generationalset.sql.verification.schemas import Pair
from zc.generationalset.sql.verification.scratch import Suspect

#: Returns the rows of a table that differ, many at a time.
Found: TypeAlias = 'Callable[[], Iterator[list[Suspect]]]'


def repair(
        here: Database, there: Database, found: Mapping[Pair, Found],
) -> dict[str, Counter[str]]:
    """Make ``there`` like ``here``, in one transaction.

    Returns how many rows were added, changed and removed, by the names of
    tables.
    """
    counts: dict[str, Counter[str]] = {}
    with here.plain_reading() as reading, there.applying() as applying:
        for pair, chunks in found.items():
            count = counts[str(pair.here)] = Counter()
            for suspects in chunks():
                count.update(_repaired(reading, applying, pair, suspects))
        applying.check_references()
    return counts


def _repaired(
        reading: Reading, applying: Applying, pair: Pair,
        suspects: list[Suspect],
) -> Iterator[str]:
    """Repair some rows; yield what happened to each."""
    table = applying.find(str(pair.there))
    if table is None:
        raise DatabaseError(f'table {pair.there}: expected it still there')
    rows = look(reading, pair.here, [each.here_key for each in suspects])
    gone = [each.there_key for each in suspects if each.form not in rows]
    made = batch(applying, table, gone, [seen.row for seen in rows.values()])
    for applied in apply(applying, made):
        yield applied.kind
