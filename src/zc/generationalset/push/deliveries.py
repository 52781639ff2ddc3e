"""Posts to many subscribers at the same time, and again after failures."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import anyio

from zc.generationalset.answers import NOTHING
from zc.generationalset.push.messages import Maker, Result, Target
from zc.generationalset.push.patience import Patience
from zc.generationalset.push.posting import Poster
from zc.generationalset.push.store import Outcome

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

#: How many posts are under way to subscribers that took their last push, and
#: how many to others.  So those that fail or hang don't delay the rest.
GOOD, BAD = 200, 50

logger = logging.getLogger('zc.generationalset.push')


class Lane:
    """Posts that are under way at the same time."""

    def __init__(self, size: int) -> None:
        self.posting = anyio.CapacityLimiter(size)
        #: Threads that resolve names.  A thread may outlast its post.
        self.resolving = anyio.CapacityLimiter(size)


class Retry(NamedTuple):
    """A subscriber that hasn't taken the newest push yet."""

    failures: int
    #: When it is tried again, by the clock of the event loop.
    due: float


class Deliveries:
    """Begins posts, repeats them, and collects their outcomes.

    Must be made, and used, in an event loop.

    makers
        Who makes messages, by the kind of the subscription.  Other kinds are
        left out.
    """

    def __init__(
            self, poster: Poster, makers: Mapping[str, Maker],
            patience: Patience) -> None:
        self._poster = poster
        self._makers = makers
        self._patience = patience
        self._good, self._bad = Lane(GOOD), Lane(BAD)
        self._retries: dict[str, Retry] = {}
        #: The subscriptions whose posts are under way, or not stored yet.
        self._busy: set[str] = set()
        #: The newest position.  A post takes it when it really begins.
        self.position = NOTHING
        #: Those that aren't stored yet, by the ids of subscriptions.
        self.outcomes: dict[str, Outcome] = {}

    def begin(self, group: TaskGroup, targets: Iterable[Target]) -> None:
        """Begin the posts that are due.

        targets
            All subscriptions for which the newest position is news.
        """
        now = anyio.current_time()
        retries, self._retries = self._retries, {}
        for target in targets:
            if target.kind not in self._makers:
                continue
            retry = retries.get(target.id, Retry(0, now))
            if retry.failures:
                self._retries[target.id] = retry
            if target.id not in self._busy and retry.due <= now:
                self._busy.add(target.id)
                group.start_soon(self._deliver, target, retry.failures)

    async def _deliver(self, target: Target, failures: int) -> None:
        lane = self._bad if failures or target.given_up else self._good
        async with lane.posting:
            position = self.position
            result = await self._poster.post(
                target, position, self._makers[target.kind], lane.resolving)
        failures += not result.is_taken
        if not (result.is_taken or result.is_gone
                or failures >= self._patience.attempts):
            self._retries[target.id] = self._retry(failures, result)
            self._busy.remove(target.id)
            return
        if not result.is_taken:
            logger.warning('subscription %s: gave up after %s attempts: %s',
                           target.id, failures, result.status or 'no response')
        self._retries.pop(target.id, None)
        self.outcomes[target.id] = Outcome(
            position, result.is_taken, result.is_gone)

    def _retry(self, failures: int, result: Result) -> Retry:
        delay = max(self._patience.delay(failures - 1),
                    result.retry_after or 0)
        return Retry(failures, anyio.current_time() + delay)

    def stored(self, ids: Iterable[str]) -> None:
        """Forget outcomes that were stored."""
        for id in ids:
            del self.outcomes[id]
            self._busy.remove(id)
