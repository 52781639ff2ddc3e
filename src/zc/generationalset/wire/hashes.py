"""Protects dictionaries from keys that were chosen to make them slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable

from zc.generationalset.wire.jsontext import WireError

#: How many different elements or keys of a value may have the same hash.  The
#: hashes of numbers, and of tuples of numbers, are known to everybody, and to
#: find a value among n of the same hash takes O(n).
SAME = 100
#: The same for ids of a set.  The limit is higher, because ids come from many
#: writes, and if one answer is refused, the client gets nothing.
SAME_IDS = 1000


def check_hashes(values: Collection[Hashable], most: int = SAME) -> None:
    """Check that a dictionary with these keys is fast.

    O(n), about 0.1 us for each.

    most
        How many may have the same hash.

    Raises WireError, and TypeError for a value that has no hash.
    """
    if len(values) <= most:
        return
    count = max(Counter(map(hash, values)).values())
    if count > most:
        raise WireError(f'expected at most {most:,} ids, elements of $set or '
                        f'keys of $map with the same hash, got {count:,}')
