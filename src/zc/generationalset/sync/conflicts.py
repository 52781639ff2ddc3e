"""Conflicts of fields, and what people have decided about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from zc.generationalset.merging import (
    ABSENT,
    UNDECIDED,
    Change,
    Conflict,
    Owner,
    Policy,
    Priority,
    canonical,
    conflict,
)
from zc.generationalset.sync.hub import Session
from zc.generationalset.sync.report import Report, describe
from zc.generationalset.sync.state import State
from zc.generationalset.sync.type import Type


class Conflicts:
    """The conflicts that the hub shows until somebody has resolved them."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._ids = set(session.documents('conflicts').ids())

    def policies(
            self, type: Type, key: int, prefer: str | None,
    ) -> dict[str, Policy]:
        """Return the policies for the fields of an item.

        A decision that somebody has made goes first.

        prefer
            The store whose values win where there is no policy.
        """
        policies: dict[str, Policy] = {}
        for field in type.fields:
            id = conflict_id(type.name, key, field)
            decision = self._session.decision(f'conflict/{id}')
            if decision is not None:
                policies[field] = Resolved(
                    decision['digest'], decision.get('value', ABSENT))
            elif isinstance(type.policies.get(field), Owner | Priority):
                policies[field] = type.policies[field]
            elif field in type.policies:
                policies[field] = self._safe(type.policies[field], id)
            elif prefer is not None:
                policies[field] = Priority((prefer,))
        return policies

    def _safe(self, policy: Policy, id: str) -> Policy:
        """Return a policy that leaves a conflict if it fails."""
        def decided(agreed: Any, changes: Mapping[str, Change]) -> Any:
            try:
                return policy(agreed, changes)
            except Exception as error:  # policies have errors of their own
                self._report.problems.append(
                    f'the policy of {id} has failed: {describe(error)}')
                return UNDECIDED
        return decided

    def note(
            self, type: Type, state: State,
            undecided: Mapping[str, Conflict]) -> None:
        """Show the conflicts of an item, by field, and no others of it."""
        for field in type.fields:
            id = conflict_id(type.name, state.key, field)
            if field in undecided:
                self._ids.add(id)
                self._session.put('conflicts', id, _document(
                    type, state, undecided[field]))
            elif id in self._ids:
                self._ids.discard(id)
                self._session.drop('conflicts', id)
                self._session.forget_decision(f'conflict/{id}')


def conflict_id(type: str, key: int, field: str) -> str:
    """Return the name of a conflict."""
    return f'{type}/{key}/{field}'


def _digest(found: Conflict) -> str:
    """Identify what is in conflict; another text if a side changes again."""
    return blake2b(canonical(dict(found.sides)).encode(),
                   digest_size=8).hexdigest()


def _document(
        type: Type, state: State, found: Conflict) -> dict[str, Any]:
    document = {
        'type': type.name, 'key': state.key, 'field': found.field,
        'kind': type.fields[found.field].declared,
        'digest': _digest(found),
        'sides': {side: value for side, value in found.sides.items()
                  if value is not ABSENT},
        'cleared': [side for side, value in found.sides.items()
                    if value is ABSENT],
        'name': [state.agreed.get(field) for field in type.key]}
    if found.agreed is not ABSENT:
        document['agreed'] = found.agreed
    return document


@dataclass(frozen=True)
class Resolved:
    """The policy of a field that somebody has decided."""

    digest: str
    value: Any

    def __call__(self, agreed: Any, changes: Mapping[str, Change]) -> Any:
        found = Conflict('', agreed, {
            side: each.value for side, each in changes.items()}, UNDECIDED)
        if _digest(found) == self.digest:
            return self.value
        return conflict(agreed, changes)
