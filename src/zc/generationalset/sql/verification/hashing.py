"""Hashes of rows in the form that all kinds of databases have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias
from zlib import crc32

from zc.generationalset.sql.database import Bucket, Hashed, Hasher, Reading
from zc.generationalset.sql.tables import Table
from zc.generationalset.sql.verification.forms import SIZE, Form, hashed
from zc.generationalset.sql.verification.schemas import Pair

#: Called with the number of rows that were read since the last call.
Told: TypeAlias = 'Callable[[int], None]'

_WHOLE = 1 << 8 * SIZE


def _ignore(count: int) -> None:
    pass


class FormHasher:
    """Hashes the rows of a table of any kind; see ``Hasher``.

    O(n) time, some 3 us for each row.

    told
        Called with the number of rows that were read since its last call.
    """

    kind = 'form'

    def __init__(
            self, reading: Reading, table: Table, told: Told = _ignore,
    ) -> None:
        self._reading = reading
        self._form = Form(table)
        self._told = told

    def buckets(self, count: int) -> Iterator[Bucket]:
        counts, sums = [0] * count, [0] * count
        for rows in self._reading.batches(self._form.table):
            for _, key, row in self._form.packed(rows):
                number = crc32(key) & count - 1
                counts[number] += 1
                sums[number] += int.from_bytes(hashed(row), 'big')
            self._told(len(rows))
        for number, total in enumerate(counts):
            if total:
                yield Bucket(number, total, sums[number] % _WHOLE)

    def rows(
            self, count: int, numbers: Collection[int],
    ) -> Iterator[list[Hashed]]:
        for rows in self._reading.batches(self._form.table):
            yield [Hashed(self._form.key(row), hashed(packed))
                   for row, key, packed in self._form.packed(rows)
                   if crc32(key) & count - 1 in numbers]
            self._told(len(rows))


def comparable(
        pair: Pair, here: Reading, there: Reading, told: Told,
) -> tuple[Hasher, Hasher]:
    """Return hashers for both sides whose hashes can be compared.

    They are those of the databases if these are of one kind.
    """
    one, other = here.hasher(pair.here), there.hasher(pair.there)
    if one is not None and other is not None and one.kind == other.kind:
        return one, other
    return (FormHasher(here, pair.here, told),
            FormHasher(there, pair.there, told))
