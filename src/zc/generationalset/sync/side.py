"""One type in one store, during a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from zc.generationalset.merging import ABSENT, canonical, same
from zc.generationalset.sync.accessor import Accessor
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Gone, Refused
from zc.generationalset.sync.inbox import Inbox, Seen
from zc.generationalset.sync.intents import Intent
from zc.generationalset.sync.items import Items
from zc.generationalset.sync.numbers import Numbers
from zc.generationalset.sync.state import Link, State
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.type import Type, as_id, digest, folded, is_id


class Side:
    """One type in one store.

    can_write
        Whether the synchronizer may write.
    is_available
        Whether calls make sense: the store has answered so far.  So, once
        stores were read, it was read to the end.
    is_complete
        Whether it was read to the end, whatever came then.
    is_touched
        Whether it was written to, or has shown something new.
    missing
        The keys of items that a snapshot lacks.
    held
        The keys of items whose changes are held.
    doubtful
        The folded natural keys of items that can't be matched; None stands
        for one whose key isn't known.
    """

    def __init__(
            self, store: Store, accessor: Accessor, items: Items, inbox: Inbox,
            others: Mapping[str, Items]) -> None:
        self.store = store
        self.name = store.name
        self.accessor = accessor
        self.items = items
        self.inbox = inbox
        self._others = others
        self.can_write = not store.read_only
        self.is_available = True
        self.is_complete = False
        self.is_touched = False
        self.missing = Numbers()
        self.held = Numbers()
        self.doubtful: set[str | None] = set()
        #: The numbers of additions that may have made what is in doubt.
        self.suspected: set[int] = set()
        self.quarantined: dict[str, dict[str, Any]] = {}

    @property
    def type(self) -> Type:
        return self.items.type

    @property
    def label(self) -> str:
        return f'{self.name}/{self.type.name}'

    def get(self, id: Any) -> Seen:
        """Read an item; one without fields if there is none.

        Raises Unfit, and what the store raises.
        """
        try:
            return self.seen(self.accessor.get(id))
        except Gone:
            return Seen(id, None)

    def seen(self, data: Data) -> Seen:
        """Return what is kept of an item of the store.  Raises Unfit."""
        return Seen(data.id, self.type.normal(data), data.token,
                    is_reread=data.is_reread)

    def add(self, intent: Intent) -> Seen:
        """Add an item; return what is stored.

        Raises Refused if the store answers with another item, Unfit, and what
        the store raises.
        """
        self.is_touched = True
        seen = self.seen(self.accessor.add(
            Data(self.type.name, None, intent.fields), intent.token))
        if self.items.key_of_id(self.name, seen.id) is not None:
            raise Refused(f'it has answered with {seen.id!r}, which is '
                          'another item')
        return seen

    def adopt(self, state: State, seen: Seen, intent: Intent) -> Intent | None:
        """Link what an interrupted run has added.

        What differs from what was sent may be the store's doing, or
        somebody's.  Returns an intent for these fields, so that this is found
        out as after an update.
        """
        now = seen.fields or {}
        normal = self.accessor.normal(intent.fields)
        shadow = {field: value for field, value in now.items()
                  if field in normal and same(normal[field], value)}
        state.links[self.name] = Link(
            seen.id, seen.token, shadow, set(state.agreed) - set(shadow))
        different = {field: value for field, value in intent.fields.items()
                     if field not in shadow}
        return Intent(0, *intent.place, 'update', seen.id, different) \
            if different else None

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Seen:
        """Change fields of an item; return what is stored.

        Raises Gone, Unfit, and what the store raises.
        """
        self.is_touched = True
        answer = self.accessor.update(id, patch, token)
        return self.seen(
            self.accessor.reread(id) if answer is None else answer)

    def different(
            self, seen: Seen, intent: Intent, shadow: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return what a store has in fields that aren't as they were sent,
        nor as the store declares to make it of them."""
        now, sent = seen.fields or {}, intent.sent
        normal = self.accessor.normal({
            field: value for field, value in {**shadow, **sent}.items()
            if value is not ABSENT})
        found = {field: now.get(field, ABSENT) for field in sent}
        return {field: value for field, value in found.items()
                if not same(value, sent[field])
                and not same(value, normal.get(field, ABSENT))}

    def expected(self, link: Link) -> Seen:
        """Return what the store is thought to have."""
        return self.inbox.get(link.id) or Seen(
            link.id, link.shadow, link.token)

    def is_expected(self, seen: Seen, link: Link) -> bool:
        known = self.expected(link).fields
        return seen.fields is not None and known is not None \
            and digest(seen.fields) == digest(known)

    def keep(self, seen: Seen, link: Link, is_new: bool = False) -> bool:
        """Keep what the store shows, if it differs from the shadow.

        Returns whether it does.
        """
        if seen.fields is not None \
                and digest(seen.fields) == digest(link.shadow):
            self.inbox.drop(seen.id)
            return False
        self.inbox.put(replace(seen, is_new=is_new))
        return True

    # References

    def to_hub(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields with keys for ids; without those whose item isn't
        known."""
        return dict(self._translated(fields, self._key))

    def to_store(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields with ids for keys; without those whose item the store
        doesn't have."""
        return dict(self._translated(fields, self._id))

    def _translated(
            self, fields: Mapping[str, Any], look_up: Any,
    ) -> Iterator[tuple[str, Any]]:
        for field, value in fields.items():
            target = self.type.references.get(field)
            if target is not None and value is not None \
                    and value is not ABSENT:
                value = look_up(target, value)
                if value is None:
                    continue
            yield field, value

    def _key(self, type: str, id: Any) -> int | None:
        items = self._others.get(type)
        return None if items is None else items.key_of_id(self.name, id)

    def _id(self, type: str, key: int) -> Any:
        items = self._others.get(type)
        return None if items is None else items.id_in(self.name, key)

    # Doubts

    def place(self, id: Any) -> str:
        """Return the name of an item of the store in reports."""
        return f'{self.label}/{canonical(id)}'

    def quarantine(
            self, id: Any, reason: str, name: str | None,
            kind: str = 'unreadable') -> None:
        """Leave an item alone until somebody has looked at it.

        name
            Its natural key; None if it isn't known.
        kind
            ``unreadable``, or ``unmatched``, if somebody may say which item it
            is.
        """
        if not is_id(id) or self.items.key_of_id(self.name, id) is None:
            self.doubtful.add(None if name is None else folded(name))
        id = as_id(id)
        self.quarantined[self.place(id)] = {
            'kind': kind, 'store': self.name,
            'type': self.type.name, 'id': id,
            'reason': reason.encode(errors='backslashreplace').decode()}

    def may_add(self, name: str) -> bool:
        """Tell whether the store surely lacks an item with a natural key."""
        return self.is_available and not self.doubtful & {None, folded(name)}
