"""Points: generations of a source, and a mirror's own ones for them."""

from __future__ import annotations

from itertools import pairwise

import persistent
from BTrees.LLBTree import LLBTree

#: If there are more points, they are thinned out.
MOST = 1000
#: A client may get more because its own point is gone.  This is the most
#: extra, as a part of what the client needs.
PART = 1 / 32


class Points(persistent.Persistent):
    """Pairs of a source's generation and the mirror's own one.

    >>> points = Points()
    >>> points.note(5, 2)
    >>> points.note(9, 4)
    >>> points.before(4), points.before(5), points.before(8), points.before(99)
    (0, 2, 2, 4)

    Now and then the points are thinned out: the older, the sparser.  So some
    hundred points reach as far back as the mirror itself.
    """

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def __init__(self) -> None:
        self._own = LLBTree()
        self._count = 0

    def note(self, generation: int, own: int) -> None:
        """Add the newest point, or replace the one of the same generation."""
        self._count += self._own.insert(generation, own)
        self._own[generation] = own
        if self._count > MOST:
            self._thin_out()

    def _thin_out(self) -> None:
        pairs = list(self._own.items())
        newest = pairs[-1][1]
        kept = pairs[0][1]
        for (generation, own), (_, later) in pairwise(pairs[1:]):
            if later - kept <= (newest - later) * PART:
                del self._own[generation]
                self._count -= 1
            else:
                kept = own

    def before(self, generation: int) -> int:
        """Return the mirror's generation at the newest point up to one.

        Return 0 if there is no such point.
        """
        try:
            own: int = self._own[self._own.maxKey(generation)]
        except ValueError:
            return 0
        return own

    def __len__(self) -> int:
        return self._count
