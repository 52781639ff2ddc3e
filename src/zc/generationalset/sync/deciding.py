"""Decides what becomes of an item that stores have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zc.generationalset.merging import (
    ABSENT,
    UNDECIDED,
    Change,
    Conflict,
    Policy,
    changes,
    merge,
    same,
)
from zc.generationalset.sync.conflicts import Resolved
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.state import State

#: The name under which the agreed value takes part if no store has it.
HUB = 'hub'


@dataclass
class Decision:
    """What was decided.

    undecided
        The conflicts that somebody has to resolve, by field.
    overruled
        The conflicts that a policy has decided.
    origins
        The stores that each new value is from.
    deleted_by
        The stores whose deletion was followed.
    kept
        The stores whose deletion wasn't followed.
    cleared_by
        The stores that have emptied a field, once for each field.
    """

    undecided: dict[str, Conflict] = field(default_factory=dict)
    overruled: list[Conflict] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    deleted_by: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    cleared_by: list[str] = field(default_factory=list)


class Deciding:
    """Decides about one item.

    state
        What is known; it is changed.
    sides
        The stores, by name.
    seen
        What stores have shown that differs from their shadows.
    policies
        The policy of each field.
    """

    def __init__(
            self, state: State, sides: Mapping[str, Side],
            seen: Mapping[str, Seen], policies: Mapping[str, Policy]) -> None:
        self._state = state
        self._sides = sides
        self._seen = seen
        self._policies = policies
        self.decision = Decision()

    def decide(self) -> Decision:
        """Change the state, and the inboxes; return what was decided."""
        claims = {store: found for store in self._seen
                  if (found := self._claims(store))}
        self._decide_deletion(claims)
        if not self._state.is_gone:
            self._merge(claims)
        for store, seen in self._seen.items():
            link = self._state.links.get(store)
            if link is not None:
                link.token = seen.token
                self._sides[store].keep(seen, link)
        return self.decision

    def _claims(self, store: str) -> dict[str, Change]:
        """Return what a store has changed, other than to what is agreed."""
        seen = self._seen[store]
        if seen.fields is None:
            return {}
        side, link = self._sides[store], self._state.links[store]
        base, now = side.to_hub(link.shadow), side.to_hub(seen.fields)
        claims = {}
        for name in changes(link.shadow, seen.fields, side.type.fields):
            if name in seen.fields and name not in now:
                continue  # a reference to what isn't known yet
            value = now.get(name, ABSENT)
            if same(value, self._state.agreed.get(name, ABSENT)):
                link.settle(name, seen.fields.get(name, ABSENT))
            else:
                claims[name] = Change(base.get(name, ABSENT), value)
        return claims

    def _absorb(self, store: str, name: str) -> None:
        """What a store has isn't news any more."""
        fields = self._seen[store].fields or {}
        self._state.links[store].absorb(name, fields.get(name, ABSENT))

    # Deletions

    def _decide_deletion(self, claims: dict[str, dict[str, Change]]) -> None:
        state = self._state
        deleting = [store for store, seen in self._seen.items()
                    if seen.fields is None]
        type = next(iter(self._sides.values())).type
        is_edited = bool(claims) or (not state.is_gone and any(
            state.links[store].behind for store in deleting))
        for store in deleting:
            self._sides[store].inbox.drop(state.links[store].id)
            del state.links[store]
        if not deleting and not state.is_gone:
            return
        if is_edited and not type.delete_wins:
            self.decision.kept = deleting or ['']
            state.is_gone = False
            return
        if not state.is_gone:
            state.is_gone = True
            self.decision.deleted_by = deleting
        for store, found in claims.items():
            for name, change in found.items():
                self._absorb(store, name)
                self.decision.overruled.append(Conflict(
                    name, state.agreed.get(name, ABSENT),
                    {store: change.value}, ABSENT))

    # Fields

    def _merge(self, claims: dict[str, dict[str, Change]]) -> None:
        state = self._state
        sides = {store: dict(found) for store, found in claims.items()}
        for name in {name for found in claims.values() for name in found}:
            if all(name in state.links[store].behind
                   for store, found in claims.items() if name in found):
                self._defend(name, sides)
        merged = merge(state.agreed, sides, self._policies)
        before, state.agreed = state.agreed, dict(merged.fields)
        undecided = {each.field: each for each in merged.conflicts
                     if each.outcome is UNDECIDED}
        self.decision.undecided = undecided
        self.decision.overruled += [
            each for each in merged.conflicts if each.field not in undecided
            and not isinstance(self._policies.get(each.field), Resolved)]
        for name in {name for found in claims.values() for name in found}:
            if name not in undecided:
                self._spread(name, before.get(name, ABSENT), claims)

    def _defend(
            self, name: str, sides: dict[str, dict[str, Change]]) -> None:
        """Let the agreed value take part.

        All who have changed the field didn't know of it.
        """
        agreed = self._state.agreed.get(name, ABSENT)
        holders = [store for store, link in self._state.links.items()
                   if name not in link.behind
                   and name not in sides.get(store, ())]
        for store in holders or [HUB]:
            sides.setdefault(store, {})[name] = Change(agreed, agreed)

    def _spread(
            self, name: str, before: Any,
            claims: Mapping[str, Mapping[str, Change]]) -> None:
        """Note who has the new value of a field, and who needs it."""
        value = self._state.agreed.get(name, ABSENT)
        origins = []
        for store, link in self._state.links.items():
            claim = claims.get(store, {}).get(name)
            if claim is not None:
                self._absorb(store, name)
            if claim is not None and same(claim.value, value):
                origins.append(store)
                link.behind.discard(name)
            elif claim is not None or not same(before, value):
                link.behind.add(name)
        if not same(before, value):
            self.decision.origins[name] = ', '.join(sorted(origins))
            if is_empty(value) and not is_empty(before):
                self.decision.cleared_by += origins


def is_empty(value: Any) -> bool:
    """Tell whether a field with this value has nothing."""
    return value is ABSENT or value is None or value in ('', b'')
