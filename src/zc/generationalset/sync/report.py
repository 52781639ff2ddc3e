"""What a run has done, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from zc.generationalset.merging import ABSENT, canonical

#: How many steps of a run are reported.
KEPT = 1000


@dataclass(frozen=True)
class Step:
    """A change of one item in one store.

    store, type, key
        Where, and the number of the item in the hub.
    verb
        What to do.
    name
        How people know the item: its natural key.
    fields
        The new values; references are keys.  ABSENT removes a field.
    before
        The values that the store is thought to have.
    origin
        The stores that the values are from.
    """

    store: str
    type: str
    key: int
    verb: Literal['add', 'update', 'remove']
    name: str
    _: KW_ONLY
    fields: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ''

    @property
    def place(self) -> tuple[str, str, int]:
        return self.store, self.type, self.key

    @property
    def digest(self) -> str:
        """Identifies the step; another one if anything differs."""
        return blake2b(canonical([
            self.store, self.type, self.key, self.verb, self.fields,
            self.before]).encode(), digest_size=8).hexdigest()

    def __str__(self) -> str:
        sign = {'add': '+', 'update': '~', 'remove': '-'}[self.verb]
        text = f'{self.store} {sign} {self.type} {self.name}'
        if self.verb == 'update':
            text += ' ' + ', '.join(
                f'{field}: {shown(self.before.get(field, ABSENT))} → '
                f'{shown(value)}' for field, value in self.fields.items())
        return text + (f' (from {self.origin})' if self.origin else '')


def shown(value: Any) -> str:
    """Return a short text for a value."""
    text = 'nothing' if value is ABSENT else (
        value if isinstance(value, str) else canonical(value))
    text = ' '.join(text.split())
    return text if len(text) <= 40 else text[:39] + '…'


def describe(error: Exception) -> str:
    """Return a text for an error, whoever has raised it."""
    return ' '.join(str(error).split()) or type(error).__name__


@dataclass(kw_only=True)
class Report:
    """What a run has done, or would do.

    steps
        The steps that were done, without those after the first 1,000; in a
        plan, all those to do.
    count
        How many steps there were.
    failed
        Steps that a store refused, with its reason.
    conflicts
        The ids of conflicts that are to be resolved.
    held
        The ids of what is held: deletions, and items in quarantine.
    overruled
        Changes that a policy has decided against, as texts.
    problems
        What else went wrong, as texts.
    unavailable
        The stores that couldn't be reached, and why.
    waiting
        How many items some store is still to be told of.
    """

    steps: list[Step] = field(default_factory=list)
    count: int = 0
    failed: list[tuple[Step, str]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    waiting: int = 0

    def note(self, step: Step) -> None:
        """Note a step that was done."""
        self.count += 1
        if self.count <= KEPT:
            self.steps.append(step)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each step, and its text."""
        return {step.digest: str(step) for step in self.steps}

    @property
    def left(self) -> dict[str, int]:
        """How much there is to look at, of each kind."""
        counts = {
            'refused': len(self.failed), 'conflict': len(self.conflicts),
            'held': len(self.held), 'waiting': self.waiting,
            'unavailable': len(self.unavailable),
            'problem': len(self.problems)}
        return {kind: count for kind, count in counts.items() if count}

    @property
    def code(self) -> int:
        """The exit code: 0 settled, 1 something to look at, 2 a store that
        couldn't be reached."""
        if self.unavailable:
            return 2
        return 1 if self.left else 0
