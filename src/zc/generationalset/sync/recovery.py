"""Finds out what has become of calls of an interrupted run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zc.generationalset.merging import ABSENT, same
from zc.generationalset.sync.errors import Refused
from zc.generationalset.sync.hub import Session
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.intents import Intent, Intents
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.state import Link, State


class Recovery:
    """Closes the intents of interrupted runs.

    An intent remains open if its store can't be asked; no step is made for the
    item in that store until then.
    """

    def __init__(self, session: Session, intents: Intents) -> None:
        self._session = session
        self._intents = intents

    def repeat_additions(self, side: Side) -> None:
        """Repeat additions, where that adds nothing twice.

        This comes before the store is read.  Raises what the store raises.
        """
        if not side.accessor.capabilities.repeatable:
            return
        try:
            with side.store.batch():
                for intent in self._of(side, 'add'):
                    self._repeat(side, intent)
        except BaseException:
            self._session.abort()
            raise
        self._session.commit()

    def _repeat(self, side: Side, intent: Intent) -> None:
        state = side.items.get(intent.key)
        if state is not None:
            self._session.check_or_take()
            try:
                seen = side.add(intent)
            except Refused:
                pass  # so it was never made
            else:
                rest = side.adopt(state, seen, intent)
                side.keep(seen, state.links[side.name], is_new=True)
                side.items.save(state)
                side.items.remember(state.key, True)
                self._intents.replace(intent, rest)
                return
        self._intents.close(intent)

    def settle(self, side: Side) -> None:
        """Settle what else is open, after the store was read and matched.

        Raises what the store raises.
        """
        for intent in self._of(side, 'add'):
            if not (None in side.doubtful or intent.number in side.suspected):
                # It isn't there, so it was never made.
                self._close(intent)
        for intent in self._of(side, 'update', 'remove'):
            state = side.items.get(intent.key)
            link = None if state is None else state.links.get(side.name)
            if state is None or link is None or link.id != intent.id:
                self._close(intent)
                continue
            self._settle_change(side, intent, state, link)
            side.items.save(state)
            side.items.remember(state.key, True)
            self._close(intent)

    def _of(self, side: Side, *verbs: str) -> list[Intent]:
        return [each for each in self._intents if each.verb in verbs
                and (each.store, each.type) == (side.name, side.type.name)]

    def _close(self, intent: Intent) -> None:
        self._intents.close(intent)
        self._session.commit()

    def _settle_change(
            self, side: Side, intent: Intent, state: State, link: Link,
    ) -> None:
        seen = side.get(link.id)
        if seen.fields is None:
            if intent.verb == 'remove' and state.is_gone:
                side.inbox.drop(link.id)
                del state.links[side.name]
            else:
                side.inbox.put(seen)
            return
        if intent.verb == 'update':
            seen = self._settle_update(side, intent, link, seen)
        link.token = seen.token
        side.keep(seen, link, is_new=True)

    def _settle_update(
            self, side: Side, intent: Intent, link: Link, seen: Seen) -> Seen:
        """Find out which fields the interrupted call has written.

        A field that is neither as before nor as it was sent was changed by
        the store as it was written, or by somebody since.  To tell these
        apart, the field is written again.  If it was somebody's, their value
        is put back, and is in conflict with the agreed one.
        """
        sent, now = intent.sent, seen.fields or {}
        different = side.different(seen, intent, link.shadow)
        unclear = dict(intent.found)
        for field in sent:
            found = now.get(field, ABSENT)
            if field not in different:
                link.settle(field, found)
            elif not same(found, link.shadow.get(field, ABSENT)):
                unclear.setdefault(field, found)
        if not unclear:
            return seen
        intent = replace(intent, found={
            field: value for field, value in unclear.items()
            if value is not ABSENT})
        self._intents.put(intent)
        self._session.commit()
        again = self._write(side, seen, {
            field: sent[field] for field in unclear})
        others = {}
        for field, found in unclear.items():
            value = (again.fields or {}).get(field, ABSENT)
            link.settle(field, value)
            if not same(value, found):
                # They may not have known what was to be written.
                link.behind.add(field)
                others[field] = found
        return self._write(side, again, others) if others else again

    def _write(self, side: Side, seen: Seen, patch: dict[str, Any]) -> Seen:
        self._session.check_or_take()
        return side.update(seen.id, patch, seen.token)
