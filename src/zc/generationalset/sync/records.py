"""What the hub remembers of each store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from zc.generationalset.sync.guards import DAY
from zc.generationalset.sync.hub import Session
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.store import Store


@dataclass(frozen=True)
class Progress:
    """How far a store was read.

    cursor
        From where to go on.
    version
        That of what was read; None if something may have been overlooked.
    """

    cursor: str | None = None
    version: str | None = None


class Records:
    """The identity of each store, and for each of its types how far it was
    read, and the deletions that have passed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._counts: Counter[tuple[str, str]] = Counter()
        self._approved: set[tuple[str, str]] = set()

    def _record(self, store: str) -> dict[str, Any]:
        found = self._session.documents('stores').get(store)
        return found.value if found is not None else {
            'identity': None, 'types': {}}

    def _of_type(self, store: str, type: str) -> dict[str, Any]:
        found: dict[str, Any] = self._record(store)['types'].get(type, {})
        return found

    def _change(self, store: str, type: str, **more: Any) -> None:
        record = self._record(store)
        record['types'][type] = {
            'cursor': None, 'spent': [], **self._of_type(store, type), **more}
        self._session.put('stores', store, record)

    def is_other(self, store: str, identity: str) -> bool:
        """Tell whether the store was here, with another identity."""
        return self._record(store)['identity'] not in (None, identity)

    def touch(self, store: Store, seconds: float = 0.0) -> None:
        """Note that a store that settles was written to, or will be within so
        many seconds, or that it has shown something new."""
        if store.settles:
            record = self._record(store.name)
            record['touched'] = self._session.clock() + seconds
            self._session.put('stores', store.name, record)

    def is_settling(self, store: Store) -> bool:
        """Tell whether a store may still show old states."""
        return bool(store.settles) and self._session.clock() < self._record(
            store.name).get('touched', 0.0) + store.settles

    def identify(self, store: str, identity: str) -> None:
        """Note the identity of a store."""
        if self._record(store)['identity'] != identity:
            self._session.put('stores', store, {
                'identity': identity, 'types': {}})

    def doubt(self, store: str) -> None:
        """Forget the identity of a store, so that it has another one."""
        self._session.put('stores', store, {'identity': '', 'types': {}})

    def knows(self, store: str) -> bool:
        """Tell whether the store was ever here."""
        return self._session.documents('stores').get(store) is not None

    def is_new(self, side: Side) -> bool:
        """Tell whether a type was never read in a store, with these
        fields."""
        found = self._of_type(side.name, side.type.name)
        return found.get('fields') != _declared(side)

    def progress(self, side: Side) -> Progress:
        """Return how far a store was read."""
        if self.is_new(side):
            return Progress()
        found = self._of_type(side.name, side.type.name)
        return Progress(found['cursor'], found.get('version'))

    def put_progress(self, side: Side, progress: Progress) -> None:
        if self.is_new(side) or progress != self.progress(side):
            self._change(side.name, side.type.name, fields=_declared(side),
                         cursor=progress.cursor, version=progress.version)

    def forget_version(self, side: Side) -> None:
        """Note that what a store has may not be what was read."""
        if self.progress(side).version is not None:
            self._change(side.name, side.type.name, version=None)

    def spent(self, side: Side) -> list[list[float]]:
        """Return when deletions passed, and how many."""
        found: list[list[float]] = self._of_type(
            side.name, side.type.name).get('spent', [])
        return found

    def approve(self, side: Side) -> None:
        """Begin to count deletions anew, after those of this round."""
        self._approved.add((side.name, side.type.name))
        self._change(side.name, side.type.name, spent=[])

    def spend(self, store: str, type: str) -> None:
        """Count a deletion that has passed."""
        if (store, type) not in self._approved:
            self._counts[store, type] += 1

    def save_spent(self) -> None:
        """Store what was counted."""
        now = self._session.clock()
        for (store, type), count in self._counts.items():
            spent = self._of_type(store, type).get('spent', [])
            self._change(store, type, spent=[
                *([when, each] for when, each in spent if when > now - DAY),
                [now, count]])
        self._counts.clear()


def _declared(side: Side) -> dict[str, str]:
    """Return what is read of items, and how."""
    return {field: kind.declared for field, kind in side.type.fields.items()}
