"""Makes the steps of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.errors import (
    Busy,
    Gone,
    Problem,
    Refused,
    Stale,
    Unreadable,
)
from zc.generationalset.sync.hub import LEASE, LeaseLost, Session
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.intents import Intent, Intents
from zc.generationalset.sync.kinds import Unfit
from zc.generationalset.sync.planning import is_waiting
from zc.generationalset.sync.records import Records
from zc.generationalset.sync.report import Report, Step, describe
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.sides import Sides
from zc.generationalset.sync.state import Link, State


class _NotMade(Exception):
    """A store has failed before it was asked to change anything."""


class Applying:
    """Makes steps, in an order in which references are right.

    Additions come first, parents before children; then updates; then
    removals, children before parents.  Before the calls of a batch, their
    intents are committed; after them, their outcomes.

    is_settled
        Whether nothing has come up that needs another round.
    """

    def __init__(
            self, session: Session, intents: Intents,
            sides: Sides, report: Report) -> None:
        self._session = session
        self._intents = intents
        self._sides = sides
        self._records = Records(session)
        self._report = report
        self._refused: list[tuple[Step, str]] = []
        self._removals: list[Step] = []
        self.is_settled = True

    def apply(self, steps: Iterable[Step]) -> None:
        """Make the steps, but for removals.  Raises LeaseLost."""
        verbs: dict[str, list[Step]] = {'add': [], 'update': []}
        for step in steps:
            if step.verb == 'remove':
                self._removals.append(step)
            else:
                verbs[step.verb].append(step)
        for wave, is_circle in self._waves(verbs['add']):
            if is_circle:
                # One was added without the reference, and gets it then.
                self.is_settled = False
            self._make(wave)
        self._make(verbs['update'])

    def finish(self) -> None:
        """Make the removals.  Raises LeaseLost."""
        for wave, _ in reversed([*self._waves(self._removals)]):
            self._make(wave)
        # What a unique key has refused may go now.
        again, self._refused = self._refused, []
        if self._removals:
            self._make([step for step, _ in again])
            again = self._refused
        self._report.failed += again

    # Order

    def _waves(self, steps: list[Step]) -> Iterator[tuple[list[Step], bool]]:
        """Yield steps, after those whose items their items refer to.

        If there are none, references go in a circle.  Then one step is
        yielded, with True.
        """
        left = {step.place: step for step in steps}
        targets = {step.place: self._targets(step) for step in steps}
        while left:
            wave = [step for place, step in left.items()
                    if not any(target in left for target in targets[place])]
            is_circle = not wave
            if is_circle:
                wave = [next(iter(left.values()))]
            for step in wave:
                del left[step.place]
            yield wave, is_circle

    def _targets(self, step: Step) -> set[tuple[str, str, int]]:
        """Return the items that an item refers to, other than itself."""
        side = self._sides[step.store, step.type]
        fields = step.fields if step.verb == 'add' else side.items.load(
            step.key).agreed
        return {(step.store, target, fields[field])
                for field, target in side.type.references.items()
                if field in fields} - {step.place}

    # Calls

    def _make(self, steps: list[Step]) -> None:
        by_store: dict[str, list[Step]] = {}
        for step in steps:
            by_store.setdefault(step.store, []).append(step)
        for each in by_store.values():
            side = self._sides[each[0].store, each[0].type]
            size = side.store.batch_size
            for start in range(0, len(each), size):
                if not self._session.is_stopping():
                    self._make_batch(side, each[start:start + size])
            self._session.commit(0)

    def _make_batch(self, any_side: Side, steps: list[Step]) -> None:
        """Make steps of one store."""
        batch = []
        for step in steps:
            side = self._sides[step.store, step.type]
            state = side.items.get(step.key)
            if state is not None and side.is_available:
                self._records.forget_version(side)
                batch.append((step, self._intend(side, step, state), state))
        if batch:
            # Calls are made as long as this runner has the hub.
            self._records.touch(any_side.store, LEASE)
        # With this, the outcomes of the last batch are committed, too.
        self._session.commit(len(batch))
        refused = len(self._refused)
        try:
            with any_side.store.batch():
                done = [each[0] for each in batch if self._call(*each)]
                if batch:
                    self._session.check_or_take()
        except (LeaseLost, MemoryError):
            raise
        except Exception as error:  # stores have errors of their own
            # Nobody knows what was done, so the intents remain.
            self._session.abort()
            del self._refused[refused:]
            self._sides.fail(any_side, error)
            return
        if batch:
            self._records.touch(any_side.store)
        for step in done:
            self._report.note(step)
        count = self._report.count
        self._session.tell(f'{count:,} step{"s" * (count != 1)} done')

    def _intend(self, side: Side, step: Step, state: State) -> Intent:
        link = state.links.get(side.name)
        ready = side.to_store(step.fields)
        return self._intents.open(Intent(
            0, step.store, step.type, step.key, step.verb,
            link and link.id,
            {field: value for field, value in ready.items()
             if value is not ABSENT},
            [field for field, value in ready.items() if value is ABSENT]))

    def _call(self, step: Step, intent: Intent, state: State) -> bool:
        """Make one step; return whether it was done.

        If its outcome isn't known, the intent remains.
        """
        side = self._sides[step.store, step.type]
        if not side.is_available or self._session.is_stopping():
            # Nothing was done yet.
            self._intents.close(intent)
            return False
        self._session.check_or_take()
        try:
            done = self._change(side, intent, state)
        except MemoryError:
            raise
        except Refused as error:
            self._refused.append((step, str(error)))
            done = False
        except (Busy, _NotMade) as error:
            self._sides.fail(side, error)
            done = False
        except Exception as error:  # stores have errors of their own
            self._sides.fail(side, error)
            return False
        self._intents.close(intent)
        return done

    def _change(self, side: Side, intent: Intent, state: State) -> bool:
        """Return whether the store has done what was asked; else, it wasn't
        what was expected."""
        if intent.verb == 'add':
            self._add(side, state, intent)
            self._save(side, state)
            return True
        link = state.links[side.name]
        try:
            self._check(side, link)
            if intent.verb == 'remove':
                self._remove(side, state, link)
            else:
                self._update(side, link, intent)
        except (Gone, Stale) as error:
            if not side.store.settles:  # else this may be an old state
                self._look_again(side, link, error)
        else:
            self._save(side, state)
            return True
        side.items.save(state)
        side.items.remember(state.key, True)
        self.is_settled = False
        return False

    def _save(self, side: Side, state: State) -> None:
        """Store what was done, and note whether other stores wait."""
        side.items.save(state)
        side.items.remember(state.key, is_waiting(state, [
            each for (_, type), each in self._sides.items()
            if type == side.type.name], ()))

    def _look_again(self, side: Side, link: Link, error: Problem) -> None:
        """Keep what a store has instead of what was expected."""
        if isinstance(error, Gone):
            side.inbox.put(Seen(link.id, None))
        else:
            seen = side.get(link.id)
            link.token = seen.token
            side.keep(seen, link, is_new=True)

    def _check(self, side: Side, link: Link) -> None:
        """Read what is about to change, if the store doesn't compare tokens.

        Raises Stale, and Gone.
        """
        if not side.accessor.capabilities.conditional or link.token is None:
            try:
                seen = side.get(link.id)
            except (Unfit, Unreadable) as error:
                raise Refused(f'it has changed: {error}') from error
            except Exception as error:  # stores have errors of their own
                raise _NotMade(describe(error)) from error
            if seen.fields is None:
                raise Gone(link.id)
            if not side.is_expected(seen, link):
                raise Stale('changed meanwhile')
            link.token = seen.token

    def _add(self, side: Side, state: State, intent: Intent) -> None:
        seen = side.add(intent)
        link = state.links[side.name] = Link(
            seen.id, seen.token, dict(seen.fields or {}),
            set(state.agreed) - set(intent.fields))
        for field in self._unclear(side, link, intent, seen):
            link.behind.add(field)

    def _remove(self, side: Side, state: State, link: Link) -> None:
        side.accessor.remove(link.id, link.token)
        side.inbox.drop(link.id)
        del state.links[side.name]

    def _update(self, side: Side, link: Link, intent: Intent) -> None:
        seen = side.update(link.id, intent.sent, link.token)
        fields = seen.fields or {}
        unclear = self._unclear(side, link, intent, seen)
        for field in intent.sent:
            if field not in unclear:
                link.settle(field, fields.get(field, ABSENT))
        link.token = seen.token
        known = side.inbox.get(link.id)
        if side.keep(seen, link) and (
                known is None or known.fields != seen.fields):
            self.is_settled = False

    def _unclear(
            self, side: Side, link: Link, intent: Intent, seen: Seen,
    ) -> dict[str, Any]:
        """Return what was sent in fields that somebody may have changed
        since.

        It may also be that the store has made this of them.  The next round
        finds that out, as after a call whose outcome isn't known.
        """
        if not seen.is_reread:
            return {}
        unclear = {
            field: intent.sent[field]
            for field in side.different(seen, intent, link.shadow)}
        if unclear:
            for field, value in unclear.items():
                link.absorb(field, value)  # the store has had this
            self._intents.open(Intent(
                0, *intent.place, 'update', seen.id,
                {field: value for field, value in unclear.items()
                 if value is not ABSENT},
                [field for field, value in unclear.items()
                 if value is ABSENT]))
            self.is_settled = False
        return unclear
