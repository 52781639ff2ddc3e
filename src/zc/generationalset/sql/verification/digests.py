"""Digests of tables: small, so that two sides can compare them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from zc.generationalset.sql.database import Hasher
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.sql.verification.forms import SIZE, Form

#: How many buckets a digest has.
BUCKETS = 4096
#: The bytes of a count.
_COUNT = 5


class Digest(NamedTuple):
    """The rows of a table at a moment: for each bucket, how many, and a sum.

    The sum is that of the rows' hashes, so the order of the rows doesn't
    matter, and memory doesn't grow with the table.

    >>> Digest((2, 1), (17, 4)).differing(Digest((2, 1), (17, 5)))
    {1}
    """

    counts: tuple[int, ...]
    sums: tuple[int, ...]

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def differing(self, other: Digest) -> set[int]:
        """Return the numbers of the buckets that differ."""
        pairs = zip(zip(*self, strict=True), zip(*other, strict=True),
                    strict=True)
        return {number for number, (mine, others) in enumerate(pairs)
                if mine != others}

    def plain(self) -> dict[str, str]:
        """Return plain data, which JSON writes in 115 kB."""
        return {'counts': _text(self.counts, _COUNT),
                'sums': _text(self.sums, SIZE)}

    @classmethod
    def of_plain(cls, data: Any) -> Digest:
        """Return the digest of which ``plain`` has made data.

        Raises ValueError for anything else.
        """
        try:
            counts, sums = data['counts'], data['sums']
            made = cls(_numbers(counts, _COUNT), _numbers(sums, SIZE))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError('expected a digest of a table, got '
                             'something else') from error
        if any(len(column) != BUCKETS for column in made):
            raise ValueError(f'expected a digest of {BUCKETS} buckets')
        return made


def _text(numbers: Collection[int], size: int) -> str:
    return b64encode(b''.join([
        number.to_bytes(size, 'big') for number in numbers])).decode()


def _numbers(text: str, size: int) -> tuple[int, ...]:
    data = b64decode(text, validate=True)
    if len(data) % size:
        raise ValueError
    return tuple([int.from_bytes(data[start:start + size], 'big')
                  for start in range(0, len(data), size)])


def digest(hasher: Hasher) -> Digest:
    """Return the digest of a table.

    O(n) time; 0.5 MB of memory for any table.

    .. code-block:: python

        with database.plain_reading() as reading:
            hasher = FormHasher(reading, reading.table('orders'))
            send(json.dumps(digest(hasher).plain()))
    """
    counts, sums = [0] * BUCKETS, [0] * BUCKETS
    for number, count, total in hasher.buckets(BUCKETS):
        counts[number], sums[number] = count, total
    return Digest(tuple(counts), tuple(sums))


class Listed(NamedTuple):
    """A row that is listed.

    form
        The form of its key, which is the same on both sides.
    key
        The key as its database has it.
    """

    form: bytes
    key: Key
    hash: bytes


def listing(
        hasher: Hasher, table: Table, buckets: Collection[int],
) -> Iterator[list[Listed]]:
    """Yield the rows of some buckets, many at a time."""
    form = Form(table.narrow)
    for rows in hasher.rows(BUCKETS, buckets):
        packed = form.packed([key for key, _ in rows])
        yield [Listed(key_form, key, hash) for (key, key_form, _), (_, hash)
               in zip(packed, rows, strict=True)]
