"""The stores that take part in a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from zc.generationalset.sync.errors import Replaced
from zc.generationalset.sync.hub import LeaseLost, Session, Stopped
from zc.generationalset.sync.inbox import Inbox
from zc.generationalset.sync.intents import Intents
from zc.generationalset.sync.items import Items
from zc.generationalset.sync.patience import patiently
from zc.generationalset.sync.records import Records
from zc.generationalset.sync.report import Report, describe
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.store import Store


class Sides(Mapping[tuple[str, str], Side]):
    """The types in stores, by the names of both.

    A store that fails is left alone from then on.
    """

    def __init__(
            self, session: Session, items: Mapping[str, Items],
            records: Records, report: Report,
            sleep: Callable[[float], None]) -> None:
        self._session = session
        self._items = items
        self._records = records
        self._report = report
        self._sleep = sleep
        self._sides: dict[tuple[str, str], Side] = {}

    def __getitem__(self, place: tuple[str, str]) -> Side:
        return self._sides[place]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._sides)

    def __len__(self) -> int:
        return len(self._sides)

    def of_type(self, type: str) -> dict[str, Side]:
        """Return the stores that have a type."""
        return {store: side for (store, each), side in self.items()
                if each == type}

    # Failures

    def fail(self, side: Side, error: Exception) -> None:
        """Leave a store alone from now on, and report why.

        What fails later may be a consequence, so the first reason is told.
        """
        self._report.unavailable.setdefault(side.name, describe(error))
        self.leave(side.name)

    def leave(self, name: str) -> None:
        """Leave a store alone from now on."""
        for (store, _), each in self.items():
            if store == name:
                each.is_available = False

    def attempt(self, side: Side, action: Callable[[Side], Any]) -> Any:
        """Do something with a store, unless it can't be reached.

        Returns what the action returns; None if it wasn't done.
        """
        if not side.is_available:
            return None
        try:
            return patiently(lambda: action(side), self._sleep)
        except (LeaseLost, Stopped, MemoryError):
            raise
        except Exception as error:  # stores have errors of their own
            if isinstance(error, Replaced):
                self._records.doubt(side.name)
            self.fail(side, error)
            return None

    # Opening

    def open(self, store: Store) -> None:
        """Let a store take part."""
        sides = [
            Side(store, store.accessors[name], items,
                 Inbox(self._session, store.name, name), self._items)
            for name, items in self._items.items() if name in store.accessors]
        for side in sides:
            self._sides[store.name, side.type.name] = side
        if not sides:
            return
        identity = self.attempt(sides[0], self._identity)
        if identity is None:
            return
        if self._records.is_other(store.name, identity):
            self._begin_anew(store.name, sides)
        self._records.identify(store.name, identity)
        for side in sides:
            if self._records.is_new(side):
                side.items.remember_all()
        self._session.commit()

    def _identity(self, side: Side) -> str:
        if self._records.knows(side.name):
            return side.store.identity()
        if self._session.dry:
            return ''  # a plan prepares nothing
        side.store.begin()
        return side.store.identity()

    def _begin_anew(self, store: str, sides: Iterable[Side]) -> None:
        """Forget the items of a store that isn't the same any more."""
        for side in sides:
            side.items.forget(store)
            side.inbox.clear()
        intents = Intents(self._session)
        for intent in intents:
            if intent.store == store:
                intents.close(intent)
