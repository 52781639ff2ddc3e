"""Calls that are about to be made, in case nobody hears of the outcome."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from zc.generationalset import wire
from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.hub import Session


@dataclass(frozen=True)
class Intent:
    """A call that changes a store.

    number
        Identifies the intent.
    store, type, key, verb
        As in a step.
    id
        The id in the store; None for an addition.
    fields
        What is written, with ids of the store; ``cleared`` fields are removed.
    found
        What the store had before the call was repeated, where it may have been
        somebody else's.
    token
        The key of an addition, which no other addition of any hub has.
    """

    number: int
    store: str
    type: str
    key: int
    verb: str
    id: Any = None
    fields: dict[str, Any] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    token: str = ''

    @property
    def place(self) -> tuple[str, str, int]:
        return self.store, self.type, self.key

    @property
    def sent(self) -> dict[str, Any]:
        return {**self.fields, **dict.fromkeys(self.cleared, ABSENT)}


class Intents:
    """The open intents of a hub."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tree = session.tree['intents']

    def __iter__(self) -> Iterator[Intent]:
        for text in list(self._tree.values()):
            yield Intent(**wire.decode_trusted(text))

    def open(self, intent: Intent) -> Intent:
        """Note an intent, and give it a number and a token that none has had.
        """
        counter = self._session.tree['next']
        number = counter.get('intent', 1)
        counter['intent'] = number + 1
        intent = replace(
            intent, number=number,
            token=f'{intent.type}-{secrets.token_hex(8)}')
        self.put(intent)
        return intent

    def put(self, intent: Intent) -> None:
        self._tree[intent.number] = wire.encode_value(vars(intent))
        self._session.changed = True

    def replace(self, old: Intent, new: Intent | None) -> None:
        """Close an intent, and open another one, if there is one."""
        self.close(old)
        if new is not None:
            self.open(new)

    def close(self, intent: Intent) -> None:
        if self._tree.pop(intent.number, None) is not None:
            self._session.changed = True
