"""Reading and writing subscriptions, while their users change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import transaction
from transaction.interfaces import TransientError

from zc.generationalset.answers import Position
from zc.generationalset.chunks import chunks
from zc.generationalset.push.messages import Target
from zc.generationalset.push.subscriptions import Subscription, Subscriptions
from zc.generationalset.sources.attempts import repeated

#: How many subscriptions one transaction writes.  Other writers to the
#: database wait for it.
TOGETHER = 100


class Outcome(NamedTuple):
    """How the pushes of a position to a subscriber have ended."""

    position: Position
    #: Whether the subscriber has taken it; else it was given up.
    is_taken: bool
    #: Whether the subscriber wants no more.
    is_gone: bool = False


class Row(NamedTuple):
    """What is known of a subscription."""

    target: Target
    position: tuple[str | None, int] | None


class Store:
    """A connection to the subscriptions.  One thread at a time may use it.

    It knows all subscriptions, and reads only those that are new.  Only one
    store at a time should write outcomes.

    find
        Returns the subscriptions, from the root of the database.
    given_up
        After so many pushes that were given up, a subscription is removed.
    """

    def __init__(
            self, db: Any, find: Callable[[Any], Subscriptions],
            given_up: int) -> None:
        # An explicit one would keep a transaction whose commit has failed.
        self._manager = transaction.TransactionManager()
        self._connection = db.open(self._manager)
        self._find = find
        self._given_up = given_up
        self._rows: dict[str, Row] = {}
        #: The number of additions and removals when they were read.
        self._changes: int | None = None
        #: Those for which this position is news.
        self._position: Position | None = None
        self._behind: dict[str, Target] = {}

    def close(self) -> None:
        self._connection.close()

    def _subscriptions(self) -> Subscriptions:
        return self._find(self._connection.root())

    def behind(self, position: Position) -> list[Target]:
        """Return the subscriptions for which a position is news.

        This reads none of the subscriptions, unless somebody has subscribed
        or left; then it reads all ids, and the new subscriptions.
        """
        with self._manager:
            subscriptions = self._subscriptions()
            changes = subscriptions.changes
            if changes != self._changes:
                self._read(subscriptions)
                self._changes, self._position = changes, None
        if position != self._position:
            self._position = position
            self._behind = {
                id: row.target for id, row in self._rows.items()
                if row.position != position}
        return [*self._behind.values()]

    def _read(self, subscriptions: Subscriptions) -> None:
        ids = [*subscriptions.ids()]
        for id in self._rows.keys() - ids:
            del self._rows[id]
        for id in ids:
            if id not in self._rows:
                self._rows[id] = _row(subscriptions[id])

    def note(self, outcomes: Mapping[str, Outcome]) -> list[str]:
        """Store outcomes, by the ids of subscriptions.

        Return the ids of the subscriptions that were removed.
        """
        removed = []
        for some in map(dict, chunks(outcomes.items(), TOGETHER)):
            rows = repeated(partial(self._note, some), TransientError)
            removed += [id for id, row in rows.items() if row is None]
            self._learn(rows)
        return removed

    def _learn(self, rows: Mapping[str, Row | None]) -> None:
        for id, row in rows.items():
            self._behind.pop(id, None)
            if row is None:
                self._rows.pop(id, None)
            elif id in self._rows:
                self._rows[id] = row
                if row.position != self._position:
                    self._behind[id] = row.target

    def _note(self, outcomes: Mapping[str, Outcome]) -> dict[str, Row | None]:
        """Store some outcomes; return what is known then, None if gone."""
        rows: dict[str, Row | None] = {}
        with self._manager:
            subscriptions = self._subscriptions()
            for id, outcome in outcomes.items():
                subscription = subscriptions.get(id)
                if subscription is None:  # its user has removed it
                    continue
                self._settle(subscription, outcome)
                rows[id] = _row(subscription)
                if outcome.is_gone or subscription.given_up >= self._given_up:
                    subscriptions.remove(id)
                    rows[id] = None
        return rows

    def _settle(self, subscription: Subscription, outcome: Outcome) -> None:
        position = outcome.position.epoch, outcome.position.generation
        if subscription.position == position:
            return  # it was stored before others couldn't be
        subscription.position = position
        given_up = 0 if outcome.is_taken else subscription.given_up + 1
        if subscription.given_up != given_up:
            subscription.given_up = given_up


def _row(each: Subscription) -> Row:
    return Row(Target(each.id, each.url, each.secret, each.keys,
                      each.given_up), each.position)
