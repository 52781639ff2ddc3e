"""Keeps any number of stores equal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.applying import Applying
from zc.generationalset.sync.hub import (
    BATCH,
    Hub,
    LeaseLost,
    Session,
    Stopped,
    portioned,
)
from zc.generationalset.sync.planning import is_waiting
from zc.generationalset.sync.report import Report
from zc.generationalset.sync.round import Round
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.type import Type
from zc.generationalset.sync.watching import PULSE, Watch

#: How many steps of a run are remembered.
LOGGED = 100
#: How often stores are read in one run, as long as something comes up.
ROUNDS = 3


class Synchronizer:
    """Keeps stores equal, by way of a hub.

    hub
        Remembers what the stores agreed on.
    stores
        The stores; their names are different.  ``synchronizer.stores`` has
        them by name.  A write through one of them, such as
        ``stores['files'].add(data)``, reaches the others at once.
    types
        The types of items; a store may lack some.

    Raises ValueError if two stores, or two types, have the same name, or a
    type refers to one that isn't there.
    """

    def __init__(
            self, hub: Hub, stores: Iterable[Store],
            types: Iterable[Type]) -> None:
        self.hub = hub
        all = list(stores)
        self.stores = {store.name: store for store in all}
        self.types = tuple(types)
        _check_names('store', [store.name for store in all])
        check_types(self.types)
        self._lock = threading.RLock()
        self._is_stopped = False
        for store in all:
            store.listen(self._propagate)
        #: Called now and then with a text that says how far a run is.
        self.tell: Callable[[str], None] = lambda text: None
        #: These are for tests.
        self.clock: Callable[[], float] = time.time
        self.sleep: Callable[[float], None] = self._rest

    def plan(self, prefer: str | None = None) -> Report:
        """Return what a run would do now.  Nothing is written anywhere.

        prefer
            The name of a store whose values win if several have changed a
            field, or differ when they are seen first.
        """
        with self._session(dry=True) as (session, report):
            round = Round(
                session, self.stores.values(), self.types, report,
                self.sleep)
            if list(round.intents):
                report.problems.append(
                    'a run was interrupted; the next one finds out what was '
                    'done')
            round.read()
            for steps in round.decide(prefer):
                report.steps += steps
            report.count = len(report.steps)
            self._finish(session, round, report)
        return report

    def run(
            self, prefer: str | None = None,
            only: Mapping[str, str] | None = None) -> Report:
        """Bring all stores up to date.

        A run that is killed at any moment is finished by the next one.

        prefer
            As for ``plan``.
        only
            The steps of a plan, as ``Report.digests`` has them.  What has
            changed since is left for another run.

        Raises LeaseLost if another runner has the hub.
        """
        with self._session(dry=False) as (session, report):
            self._rounds(session, report, prefer, only)
        return report

    def watch(
            self, interval: float = 60.0, prefer: str | None = None,
    ) -> Iterator[Report]:
        """Run until ``stop`` is called; yield the report of each run.

        A run begins as soon as a store shows that it has changed, or somebody
        has decided something, and at least once in each interval.  A store
        that can't be reached is tried again within seconds at first, then
        less often.  If another runner has the hub, this one waits.

        interval
            In seconds.
        prefer
            As for ``plan``.
        """
        return Watch(lambda: self.run(prefer), self.hub, self.stores.values(),
                     interval, lambda: self._is_stopped).reports()

    def _propagate(self) -> None:
        """Bring all stores up to date after a write through one of them."""
        with suppress(LeaseLost):  # the runner that has the hub finds it
            self.run()

    def stop(self) -> None:
        """End what goes on, soon, and for good.

        A run ends between two calls of a store, and the next one goes on.
        Any thread, and a handler of signals, may call this.
        """
        self._is_stopped = True

    def _rest(self, seconds: float) -> None:
        """Sleep, unless this is stopped."""
        until = time.monotonic() + seconds
        while not self._is_stopped and time.monotonic() < until:
            time.sleep(min(PULSE, seconds))

    @contextmanager
    def _session(self, dry: bool) -> Iterator[tuple[Session, Report]]:
        """Begin a report; only one at a time, as stores expect no threads."""
        with self._lock:
            report = Report()
            session = self.hub.session(
                self.clock, dry, lambda: self._is_stopped, self.tell)
            try:
                try:
                    yield session, report
                except Stopped as error:
                    report.problems.append(str(error))
                session.release()
            finally:
                session.close()

    def _rounds(
            self, session: Session, report: Report, prefer: str | None,
            only: Mapping[str, str] | None) -> None:
        wanted = None if only is None else dict(only)
        for number in range(1, ROUNDS + 1):
            report.failed.clear()
            round = Round(
                session, self.stores.values(), self.types, report,
                self.sleep)
            round.read()
            applying = Applying(
                session, round.intents, round.sides, report)
            for steps in round.decide(prefer):
                applying.apply(step for step in steps if wanted is None
                               or wanted.pop(step.digest, ''))
            applying.finish()
            if applying.is_settled or number == ROUNDS:
                break
        report.problems += [f'no longer what was planned: {step}'
                            for step in (wanted or {}).values()]
        self._finish(session, round, report)
        session.log({
            'at': self.clock(), 'count': report.count,
            'steps': [*map(str, report.steps)][:LOGGED],
            'overruled': report.overruled, 'code': report.code,
            'left': report.left})
        session.commit()

    def _finish(
            self, session: Session, round: Round, report: Report) -> None:
        """Say what is left."""
        report.conflicts = list(session.documents('conflicts').ids())
        conflicts = set(report.conflicts)
        report.held = list(session.documents('held').ids())
        planned = {(step.type, step.key) for step in report.steps
                   if session.dry}
        for type in self.types:
            sides = round.sides.of_type(type.name)
            if not sides:
                continue
            items = next(iter(sides.values())).items
            for number, key in enumerate(portioned(items.todo), 1):
                if number % BATCH == 0:
                    session.commit()
                state = items.get(key)
                if state is None or not is_waiting(state, sides.values(), ()):
                    items.remember(key, False)
                elif (type.name, key) not in planned and is_waiting(
                        state, sides.values(), [
                            field for field in type.fields
                            if f'{type.name}/{key}/{field}' in conflicts]):
                    report.waiting += 1

    def resolve(
            self, conflict: str, value: Any = ABSENT,
            digest: str | None = None) -> None:
        """Resolve a conflict in the next run.

        conflict
            Its id, as a report has it.
        value
            What the field should be; ABSENT if it should have none.  If a
            store changes the field again before, that is another conflict.
        digest
            That of the conflict which was looked at; None stands for what it
            is now.

        Raises KeyError if there is no such conflict, ValueError if the value
        isn't of the field's kind, and Decided if somebody has resolved it to
        another value, and ``Hub.undo`` wasn't called.
        """
        found = dict(self.hub.listed('conflicts'))[conflict]
        decision = {'digest': digest or found['digest']}
        if value is not ABSENT:
            [type] = [each for each in self.types
                      if each.name == found['type']]
            decision['value'] = type.fields[found['field']].normal(value)
        self.hub.decide(f'conflict/{conflict}', decision)

    def resolve_as(
            self, conflict: str, store: str, digest: str | None = None,
    ) -> None:
        """Resolve a conflict with the value of a store.

        Raises KeyError if there is no such conflict, or the store has no part
        in it, and Decided as ``resolve`` does.
        """
        found = dict(self.hub.listed('conflicts'))[conflict]
        value = ABSENT if store in found['cleared'] else found['sides'][store]
        self.resolve(conflict, value, digest)

    def release(self, held: str, digest: str) -> None:
        """Let go what is held, in the next run.

        held
            The id of what is held, such as ``files/issue``.
        digest
            Its digest.  If more is to be deleted then, it is held again.

        Raises KeyError if nothing of this id is held, and ValueError if it is
        held for another reason than deletions.
        """
        self._check_held(held, 'deletions')
        self.hub.decide(f'held/{held}', {'digest': digest})

    def match(self, quarantined: str, key: int | None) -> None:
        """Say which item one in quarantine is.

        quarantined
            Its id, such as ``files/issue/17``.
        key
            The number of the item in the hub; None if it is a new one.

        Raises KeyError if there is none of this id, ValueError if it is there
        for another reason, and Decided if somebody has said something else.
        """
        self._check_held(quarantined, 'unmatched')
        self.hub.decide(f'quarantine/{quarantined}', {'key': key or 0})

    def _check_held(self, id: str, kind: str) -> None:
        found = dict(self.hub.listed('held'))[id]['kind']
        if found != kind:
            raise ValueError(f'expected {id} to be held as {kind}, '
                             f'it is {found}')

    def status(self) -> dict[str, list[tuple[Any, Any]]]:
        """Return what the hub knows: conflicts, what is held, stores and the
        latest runs, each as pairs of an id and a document."""
        return {name: self.hub.listed(name)
                for name in ('conflicts', 'held', 'stores', 'runs')}


def check_types(types: Iterable[Type]) -> None:
    """Raise ValueError if types don't go together."""
    types = list(types)
    names = [type.name for type in types]
    _check_names('type', names)
    for type in types:
        for field, target in type.references.items():
            if target not in names:
                raise ValueError(
                    f'expected {type.name}.{field} to refer to a type, '
                    f'got {target!r}')


def _check_names(noun: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'expected one {noun} {name!r}, got several')
        if not name or '/' in name:
            raise ValueError(f'expected the name of a {noun}, without a '
                             f'slash, got {name!r}')
