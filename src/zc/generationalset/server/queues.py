"""What waits, by user: users take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from zc.generationalset.server.problems import Problem

T = TypeVar('T')

#: How much of one user may wait.
WAITING = 1000


class Queue(Generic[T]):
    """What waits, the first of each user in turn."""

    def __init__(self) -> None:
        #: Users of whom something waits; the next one is the first.
        self._users: OrderedDict[Hashable, deque[T]] = OrderedDict()

    def put(self, user: Hashable, what: T) -> None:
        """Let something wait.  Raises a Problem if too much of a user does."""
        waiting = self._users.setdefault(user, deque())
        if len(waiting) >= WAITING:
            raise Problem(429, 'too many requests of this client are waiting',
                          retry_after=1)
        waiting.append(what)

    def take(
            self, may: Callable[[Hashable], bool] = lambda user: True,
    ) -> tuple[Hashable, T] | None:
        """Return the next user, and what waits; None if nothing does.

        may
            Tells whether it may be a user's turn.
        """
        user = next(filter(may, self._users), _NOBODY)
        if user is _NOBODY:
            return None
        waiting = self._users.pop(user)
        what = waiting.popleft()
        if waiting:
            self._users[user] = waiting
        return user, what


_NOBODY = object()
