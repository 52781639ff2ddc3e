"""Python's dictionaries are slow for what was chosen to make them slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable

from zc.generationalset.wire.jsontext import WireError

#: How many different elements or keys of a value may have the same hash.
#: Those of numbers, and of what is made of numbers, are known to everybody,
#: and to find a value among n of the same hash takes O(n).
SAME = 100
#: The same for ids of a set: more, for they come from many writes, and an
#: answer that is refused is all that there is.
SAME_IDS = 1000


def check_hashes(values: Collection[Hashable], most: int = SAME) -> None:
    """Expect that a dictionary with these keys is fast.

    O(n), about 0.1 us for each.

    most
        How many may have the same hash.

    Raises WireError, and TypeError for what has no hash.
    """
    if len(values) <= most:
        return
    count = max(Counter(map(hash, values)).values())
    if count > most:
        raise WireError(f'expected at most {most:,} ids, elements of $set or '
                        f'keys of $map with the same hash, got {count:,}')
