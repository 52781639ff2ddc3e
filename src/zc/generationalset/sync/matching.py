"""Finds which items of stores are the same, when they are seen first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zc.generationalset.merging import canonical, same
from zc.generationalset.sync.hub import BATCH, Session
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.intents import Intent, Intents
from zc.generationalset.sync.items import Items
from zc.generationalset.sync.scratch import Scratch
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.state import Link, State
from zc.generationalset.sync.type import digest, folded


class Matching:
    """Links items to those of the hub that have the same natural key."""

    def __init__(self, session: Session, intents: Intents) -> None:
        self._session = session
        self._intents = intents

    def match(self, items: Items, sides: Iterable[Side]) -> None:
        """Match the items of a type in all stores.

        Keys may have references to other items of the type, which are matched
        before.
        """
        sides = list(sides)
        while sum([self._match_side(items, side) for side in sides]):
            pass
        for side in sides:
            for name, seen in self._named(side):
                self._explain(items, side, name, seen)
        self._session.commit()

    def _named(self, side: Side) -> Iterator[tuple[str | None, Seen]]:
        """Yield what a store has shown and isn't linked, with its natural key;
        None if that has a reference to an unknown item."""
        for seen in side.inbox.select(
                lambda text: not side.items.knows(side.name, text)):
            if seen.fields is not None:
                fields = side.to_hub(seen.fields)
                yield (side.type.key_of(fields)
                       if all(field in fields for field in side.type.key)
                       else None), seen

    def _match_side(self, items: Items, side: Side) -> int:
        """Link what can be linked; return how many."""
        done = 0
        for key, name, seen in self._singles(side):
            if key is None:
                key = self._key(items, side, name, seen)
            if key is not None:
                self._link(items, side, key, seen)
                done += 1
                if done % BATCH == 0:
                    self._session.commit()
        return done

    def _singles(self, side: Side) -> Iterator[tuple[int | None, str, Seen]]:
        """Yield what has a natural key that no other item has, and what
        somebody has chosen a key for; that key, or None, goes first."""
        twice = self._twice(side)
        alike: dict[str, list[tuple[str, Any]]] = {}
        for name, seen in self._named(side):
            if name is None:
                continue
            key = self._chosen(side, seen)
            if hash(folded(name)) in twice:
                alike.setdefault(folded(name), []).append((name, seen.id))
            elif key is None:
                yield None, name, seen
            if key is not None:
                yield key, name, seen
        for found in alike.values():
            [name, id], *others = found
            if others or side.items.key_of_id(side.name, id) is not None:
                continue
            alone = side.inbox.get(id)
            if alone is not None:
                yield None, name, alone

    def _twice(self, side: Side) -> Scratch[int]:
        """Return hashes of natural keys, folded, that come more than once."""
        once: Scratch[int] = Scratch()
        twice: Scratch[int] = Scratch()
        for name, _ in self._named(side):
            if name is not None:
                number = hash(folded(name))
                (twice if number in once else once).add(number)
        return twice

    def _chosen(self, side: Side, seen: Seen) -> int | None:
        """Return the key that somebody has chosen, 0 for a new item."""
        subject = f'quarantine/{side.place(seen.id)}'
        decision = self._session.decision(subject)
        if decision is None:
            return None
        self._session.forget_decision(subject)
        self._session.drop('held', subject.partition('/')[2])
        key: int = decision['key']
        state = side.items.get(key) if key else None
        if key and (state is None or side.name in state.links):
            return None
        return key

    def _key(
            self, items: Items, side: Side, name: str, seen: Seen,
    ) -> int | None:
        """Return the key of the item that this is surely; 0 if it is new;
        None if nobody knows."""
        additions = self._additions(side)
        normal = [each for each in additions if digest(side.accessor.normal(
            each.fields)) == digest(seen.fields or {})]
        if len(normal) == 1:
            return normal[0].key
        similar = items.named(name)
        if not similar:
            return None if any(resemble(side, each, seen)
                               for each in additions) else 0
        if len(similar) > 1:
            return None
        state = items.get(similar[0])
        if state is None or items.type.key_of(state.agreed) != name:
            return None
        link = state.links.get(side.name)
        return state.key if link is None or self._is_gone(
            side, state.key, link.id) else None

    def _additions(self, side: Side) -> list[Intent]:
        """Return additions that may have been made, and nobody knows."""
        return [each for each in self._intents if each.verb == 'add'
                and (each.store, each.type) == (side.name, side.type.name)]

    def _is_gone(self, side: Side, key: int, id: Any) -> bool:
        seen = side.inbox.get(id)
        return key in side.missing or (
            seen is not None and seen.fields is None)

    def _link(self, items: Items, side: Side, key: int, seen: Seen) -> None:
        fields = seen.fields or {}
        named = {field: fields[field] for field in side.type.key}
        state = items.load(key) if key else State(
            items.new_key(), side.to_hub(named))
        for intent in self._additions(side):
            if intent.key == key:
                self._intents.replace(
                    intent, side.adopt(state, seen, intent))
                break
        else:
            self._join(state, side, seen, named)
        items.save(state)
        items.remember(state.key, True)

    def _join(
            self, state: State, side: Side, seen: Seen,
            named: dict[str, Any]) -> None:
        old = state.links.get(side.name)
        if old is not None:  # it has another id now
            side.inbox.drop(old.id)
            side.missing.discard(state.key)
            state.links[side.name] = Link(
                seen.id, seen.token, old.shadow, old.behind)
            return
        now = side.to_hub(seen.fields or {})
        state.links[side.name] = Link(seen.id, seen.token, named, {
            field for field, value in state.agreed.items()
            if field not in now or not same(now[field], value)})

    def _explain(
            self, items: Items, side: Side, name: str | None, seen: Seen,
    ) -> None:
        """Quarantine what couldn't be linked."""
        suspects = [each for each in self._additions(side)
                    if resemble(side, each, seen)]
        if name is None:
            reason = 'its key refers to an item that is not known'
        elif items.named(name):
            reason = 'its key is that of another item, but for case or ' \
                'composition'
        elif suspects:
            side.suspected.update(each.number for each in suspects)
            reason = 'an interrupted run may have added it'
        else:
            reason = 'several items have its key'
        side.quarantine(seen.id, reason, name, 'unmatched')


def resemble(side: Side, intent: Intent, seen: Seen) -> bool:
    """Tell whether a store may have made an item of what it was sent.

    Stores shorten texts, and change case and composition.
    """
    fields = seen.fields or {}
    for field in side.type.key:
        sent, found = (folded(canonical(each.get(field)).strip('"'))
                       for each in (intent.fields, fields))
        if not (sent.startswith(found) or found.startswith(sent)):
            return False
    return True
