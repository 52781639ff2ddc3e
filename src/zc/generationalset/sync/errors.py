"""What an accessor raises."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """What may go wrong with a store; the text is for people."""


class Gone(Problem):
    """There is no such item.

    ``Changes`` list it, too, for an item that was removed.
    """

    def __init__(self, id: Any) -> None:
        super().__init__(f'no item {id!r}')
        self.id = id


class Unreadable(Problem):
    """An item is there, but can't be read; it is left alone.

    ``Changes`` list it, too.
    """

    def __init__(self, id: Any, reason: str) -> None:
        super().__init__(reason)
        self.id = id


class Stale(Problem):
    """The item isn't as it was when the token was given; nothing was done."""


class Refused(Problem):
    """The store doesn't want this change, and nothing was done."""


class Busy(Problem):
    """The store did nothing; it may work later.

    after
        Seconds to wait.
    """

    def __init__(self, after: float = 1.0) -> None:
        super().__init__(f'busy for {after:g} s')
        self.after = after


class Unavailable(Problem):
    """The store can't be reached.  What was asked may have been done."""


class Incomplete(Problem):
    """A reading has ended before its end, so what it lacks may be there."""


class Replaced(Problem):
    """The store has begun anew, or has lost what the cursor is about.

    Its items are matched anew by their keys, and none counts as removed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f'{reason}; the next run matches its items anew')
