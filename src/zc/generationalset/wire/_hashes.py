"""Python's dictionaries are slow for what was chosen to make them slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable

from zc.generationalset.wire._json import WireError

#: How many different values of one dictionary may have the same hash.  Those
#: of numbers, and of what is made of numbers, are known to everybody, and to
#: find a value among n of the same hash takes O(n).
SAME = 100


def check_hashes(values: Collection[Hashable]) -> None:
    """Expect that a dictionary with these keys is fast.

    O(n), about 0.1 us for each.

    Raises WireError, and TypeError for what has no hash.
    """
    if len(values) <= SAME:
        return
    count = max(Counter(map(hash, values)).values())
    if count > SAME:
        raise WireError(f'expected at most {SAME} ids, elements of $set or '
                        f'keys of $map with the same hash, got {count:,}')
