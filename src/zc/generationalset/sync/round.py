"""One round of a run: reads stores, and decides what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from zc.generationalset.chunks import chunks
from zc.generationalset.sync.conflicts import Conflicts
from zc.generationalset.sync.deciding import Deciding, Decision
from zc.generationalset.sync.guards import guard
from zc.generationalset.sync.hub import BATCH, LEASE, Session, portioned
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.intents import Intents
from zc.generationalset.sync.items import Items
from zc.generationalset.sync.matching import Matching
from zc.generationalset.sync.numbers import Numbers
from zc.generationalset.sync.planning import is_waiting, name_of, steps_for
from zc.generationalset.sync.reading import read, version_of
from zc.generationalset.sync.records import Progress, Records
from zc.generationalset.sync.recovery import Recovery
from zc.generationalset.sync.report import Report, Step, shown
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.sides import Sides
from zc.generationalset.sync.state import State
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.type import Type, in_order


class Round:
    """Reads all stores, and decides.

    sides
        The types in stores that take part, by the names of both.
    """

    def __init__(
            self, session: Session, stores: Iterable[Store],
            types: Sequence[Type], report: Report,
            sleep: Callable[[float], None]) -> None:
        self._session = session
        self._report = report
        self.intents = Intents(session)
        self._matching = Matching(session, self.intents)
        self._recovery = Recovery(session, self.intents)
        self._records = Records(session)
        #: The stores in which calls were interrupted.
        self._interrupted = {intent.store for intent in self.intents}
        self._conflicts = Conflicts(session, report)
        self._groups = in_order(types)
        self._items = {type.name: Items(session, type)
                       for group in self._groups for type in group}
        self.sides = Sides(
            session, self._items, self._records, report, sleep)
        for store in sorted(stores, key=lambda store: store.name):
            self.sides.open(store)

    # Reading

    def read(self) -> None:
        """Read all stores, and find out which items are the same."""
        self._let_settle()
        for side in self.sides.values():
            if not self._session.dry:
                self.sides.attempt(side, self._recovery.repeat_additions)
                if side.is_touched and side.store.settles:
                    self._records.touch(side.store)
                    self.sides.leave(side.name)
            self.sides.attempt(side, self._read)
        for name, items in self._items.items():
            sides = self.sides.of_type(name)
            self._matching.match(items, sides.values())
        for side in self.sides.values():
            if not self._session.dry:
                self.sides.attempt(side, self._recovery.settle)
            if side.is_available:
                self.sides.attempt(side, self._guard)
            else:
                self._guard(side)
            self._note_quarantine(side)
            if side.is_touched:
                self._records.touch(side.store)
        self._session.commit()

    def _let_settle(self) -> None:
        """Leave stores alone that may still show old states."""
        settling = {side.name for side in self.sides.values()
                    if self._records.is_settling(side.store)}
        for side in self.sides.values():
            if side.name in settling:
                self.sides.leave(side.name)
            elif side.name in self._interrupted:
                # What an interrupted run has written may be written again.
                self._records.touch(side.store, LEASE)
        self._session.commit()

    def _read(self, side: Side) -> None:
        """Read what a store has, unless it has what was read before."""
        is_first = self._records.is_new(side)
        before = self._records.progress(side)
        version = None
        if side.name not in self._interrupted:
            version = version_of(side, before.version)
            if version is not None and version == before.version:
                side.is_complete = True
                return
        # If this fails in the middle, some items are those of now.
        self._records.forget_version(side)
        self._records.put_progress(side, read(
            self._session, side, Progress(before.cursor, version), is_first))
        if side.is_touched:
            self._records.touch(side.store)
        self._session.commit()

    def _guard(self, side: Side) -> None:
        if guard(self._session, side, self._records.spent(side)):
            self._records.approve(side)

    def _note_quarantine(self, side: Side) -> None:
        session = self._session
        if side.is_complete:
            held, place = session.documents('held'), f'{side.label}/'
            for id in [id for id in held.ids() if id.startswith(place)
                       and id not in side.quarantined]:
                value = held.get(id).value
                if (value['store'], value['type']) == (
                        side.name, side.type.name):
                    session.drop('held', id)
        for id, value in side.quarantined.items():
            session.put('held', id, value)

    # Deciding

    def decide(self, prefer: str | None) -> Iterator[list[Step]]:
        """Decide about all items that have changed, or that stores are still
        to be told of; yield the steps.

        Steps may be made before there are more, so that not all of them are in
        memory.  Those of types whose items may refer to each other come
        together, as that says which to add first.
        """
        for group in self._groups:
            names = [type.name for type in group]
            steps = []
            for portion in (portion for name in names
                            for portion in self._decide_type(name, prefer)):
                steps += portion
                if not any(target in names for type in group
                           for target in type.references.values()):
                    yield steps
                    steps = []
            yield steps

    def _decide_type(
            self, name: str, prefer: str | None) -> Iterator[list[Step]]:
        items, sides = self._items[name], self.sides.of_type(name)
        keys = Numbers(portioned(items.todo))
        for side in sides.values():
            found = (items.key_of_id(side.name, id) for id in side.inbox.ids())
            keys.update(key for key in found if key is not None)
        interrupted = {intent.place for intent in self.intents}
        for batch in chunks(keys, BATCH):
            steps = []
            for key in batch:
                state = items.get(key)
                if state is None:
                    items.remember(key, False)
                else:
                    steps += self._decide_item(state, sides, {
                        store: side for store, side in sides.items()
                        if (store, name, key) not in interrupted}, prefer)
            self._records.save_spent()
            self._session.commit()
            yield steps

    def _decide_item(
            self, state: State, all: Mapping[str, Side],
            free: Mapping[str, Side], prefer: str | None) -> list[Step]:
        """Decide about one item; return the steps.

        free
            The stores in which no call was interrupted, for this item.
        """
        items = next(iter(all.values())).items
        sides, seen = self._taking_part(free, state)
        known = {store for store in seen if store in state.links}
        decision = Deciding(
            state, all, {store: seen[store] for store in sorted(known)},
            self._conflicts.policies(items.type, state.key, prefer)).decide()
        self._note(items.type, state, all, decision)
        origins = dict(decision.origins)
        origins[''] = ', '.join(decision.deleted_by)
        steps = [step for step in steps_for(
            state, sides.values(), decision.undecided, origins)
            if self._may_make(sides[step.store], items, state, step)]
        items.save(state)
        items.remember(state.key, is_waiting(
            state, all.values(), ()))
        return steps

    def _may_make(
            self, side: Side, items: Items, state: State, step: Step) -> bool:
        if step.verb == 'add':
            return side.may_add(items.type.key_of(state.agreed))
        link = state.links[side.name]
        return side.is_available and side.place(link.id) not in \
            side.quarantined

    def _taking_part(
            self, free: Mapping[str, Side], state: State,
    ) -> tuple[dict[str, Side], dict[str, Seen]]:
        """Return the stores that take part for an item, and what those have
        shown."""
        sides, seen = {}, {}
        for store, side in free.items():
            link = state.links.get(store)
            if link and state.key in side.held:
                continue
            sides[store] = side
            found = link and side.inbox.get(link.id)
            if found:
                seen[store] = found
        return sides, seen

    # Reports

    def _note(
            self, type: Type, state: State, sides: Mapping[str, Side],
            decision: Decision) -> None:
        """Note conflicts, and what was decided against a store."""
        name = f'{type.name} {name_of(next(iter(sides.values())), state)}'
        self._conflicts.note(type, state, decision.undecided)
        self._report.overruled += [
            f'{name}: its removal from {store or "all stores"} was undone, as '
            'it was changed elsewhere' for store in decision.kept]
        self._report.overruled += [
            f'{name} {each.field}: ' + ', '.join(
                f'{shown(value)} from {side}'
                for side, value in each.sides.items())
            + f' became {shown(each.outcome)}' for each in decision.overruled]
        for store in decision.deleted_by + decision.cleared_by:
            self._records.spend(store, type.name)
