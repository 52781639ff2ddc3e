"""The whole simulation: a database, hosts, a network, clients, faults."""

import asyncio
import contextlib
import gc
import os
import random
import tempfile
from dataclasses import dataclass

import transaction
import ZODB

from zc.generationalset import GSet, check
from zc.generationalset.documents import Document
from zc.generationalset.mirror import Mirror as Copy
from zc.generationalset.tests.simulation.clients import Person
from zc.generationalset.tests.simulation.faults import Faults
from zc.generationalset.tests.simulation.history import (
    History,
    of_replica,
    of_set,
)
from zc.generationalset.tests.simulation.hosts import Mirror, Worker
from zc.generationalset.tests.simulation.injection import injected
from zc.generationalset.tests.simulation.ledger import Ledger
from zc.generationalset.tests.simulation.loop import Clock, Loop
from zc.generationalset.tests.simulation.network import Network
from zc.generationalset.tests.simulation.report import Report
from zc.generationalset.tests.simulation.storage import Engine, Remote
from zc.generationalset.wire import decode_id, encode_value

#: Seconds within which all must be current after the last fault.
PATIENCE = 1800
#: Seconds between two collections of garbage.
COLLECTION = 600
#: The probability that an application writes while a worker does.
CONFLICTS = .2
#: The probability of each fault of a request, in good weather.
BADNESS = .003


@dataclass(frozen=True)
class Plan:
    """The numbers of a simulation; times are in seconds.

    seed
        Two runs of one seed are equal.
    hours
        How long it lasts.
    checks
        How often all replicas are compared, at equal intervals.
    watchers
        Clients that watch nearly always; the others ask now and then.
    writers
        Clients that write; they include those that watch.
    sets, items
        What the set begins with.
    faults
        How many there are in an hour; faults of requests come on top.
    away
        How long a client is away, on average.
    stay
        How long it watches, on average.
    pause
        How long it waits between writes, on average.
    """

    seed: int
    hours: float = .25
    checks: int = 1
    clients: int = 25
    watchers: int = 8
    writers: int = 25
    mirrors: int = 2
    workers: int = 2
    sets: int = 5
    items: int = 40
    faults: float = 200.0
    away: float = 60.0
    stay: float = 300.0
    pause: float = 30.0


#: The plan of a day.
DAY = Plan(
    seed=0, hours=24, checks=4, clients=2000, watchers=30, writers=60,
    faults=12, away=7200, stay=1800, pause=1200)


class World:
    """Everything in a simulation, and its time."""

    def __init__(self, plan, directory, loop, report):
        self.plan = plan
        self.directory = directory
        self.loop = loop
        self.clock = loop.clock
        self.report = report
        self.is_checking = False
        #: Set unless a comparison is going on.
        self.resumed = asyncio.Event()
        self.slowness = 0.0
        #: Seconds that a group of writes waits for the disk, on average.
        self.waiting = .002
        self._resting = {}  # a dictionary, to keep the order
        self._rnd = self.rnd('world')
        self._disk = self.rnd('disk')
        self.history = History(report)
        self.ledger = Ledger(self.history, report)
        self.network = Network(loop, self.rnd('network'), report)
        self.engine = Engine(
            os.path.join(directory, 'Data.fs'), loop, self._lag,
            self.history.observe, self._meanwhile)
        self.open_database(is_new=True)

    def rnd(self, name):
        return random.Random(f'{self.plan.seed} {name}')

    def _lag(self):
        return self._rnd.expovariate(1 / (.005 + self.slowness))

    def disk(self):
        return self._disk.expovariate(1 / self.waiting)

    # The database

    def _meanwhile(self):
        """Let an application write, so that other writes conflict."""
        if self._rnd.random() > CONFLICTS or self.network.held:
            return
        id = f'application {self._rnd.randrange(5)}'
        item = self.report.counts['commits in the database']
        write = self.ledger.begin({(id,): encode_value(item)})
        with self.changing() as root:
            gset = root['set']
            document = gset.get(id)
            if document is None:
                gset.add(Document(id, item))
            else:  # others may have this item in their caches
                document.value = item
                gset.changed(document)
        self.ledger.acknowledge(write)
        write.drop_copy()

    def open_database(self, is_new=False):
        if not is_new:
            self.engine.open()
        self.history.db = None
        self._db = ZODB.DB(Remote(self.engine, prompt=True))
        if is_new:
            self._fill()
        self.history.db = self._db
        self.history.look()

    def close_database(self):
        self.history.db = None
        self._db.close()
        self.engine.close()

    def _fill(self):
        with self.changing() as root:
            gset = root['set'] = GSet(maximum_removals=50)
            for number in range(self.plan.items):
                gset.add(Document(f'old {number}', number))
            for number in range(self.plan.sets):
                gset.add(GSet(f'set {number}', maximum_removals=number))

    @contextlib.contextmanager
    def changing(self):
        """Change something in a transaction of the operator."""
        manager = transaction.TransactionManager()
        connection = self._db.open(manager)
        try:
            yield connection.root()
            manager.commit()
        finally:
            manager.abort()
            connection.close()

    # Everything that runs

    async def run(self, progress):
        plan = self.plan
        self.resumed.set()
        self._open_hosts()
        people = self.rnd('people')
        self.people = [Person(self, number, random.Random(people.random()))
                       for number in range(plan.clients)]
        lives = [self.loop.create_task(person.live())
                 for person in self.people]
        lives.append(self.loop.create_task(self._tell(progress)))
        faults = Faults(self, self.rnd('faults'))
        for _ in range(plan.checks):
            self.network.badness += BADNESS
            await faults.begin(plan.hours * 3600 / plan.checks)
            self.network.badness -= BADNESS
            await self._compare(lives)
        for host in self.hosts:
            await host.stop(True)
        self.close_database()
        self.report.count('conflicts resolved', self.engine.resolved)

    async def _tell(self, progress):
        while True:
            await asyncio.sleep(3600)
            progress(self.loop.time() / 3600, self.report)

    def _open_hosts(self):
        self.workers = [Worker(self, f'worker-{number}')
                        for number in range(self.plan.workers)]
        self.mirrors = []
        self.hosts = list(self.workers)
        for number in range(self.plan.mirrors):
            # The first mirror follows a worker, each other the mirror before.
            mirror = Mirror(self, f'mirror-{number}', self.hosts[-1], number)
            self.mirrors.append(mirror)
            self.hosts.append(mirror)
            self.network.hosts = {host.name: host for host in self.hosts}

    async def rest(self, seconds):
        """Wait, but only until a comparison begins."""
        if self.is_checking:
            return
        woken = self.loop.create_future()
        timer = self.loop.call_later(
            seconds, lambda: woken.done() or woken.set_result(None))
        self._resting[woken] = None
        try:
            await woken
        finally:
            timer.cancel()
            del self._resting[woken]

    # Comparisons

    async def _compare(self, lives):
        """Let everything come to rest, and compare it."""
        self.is_checking = True
        self.resumed.clear()
        for woken in list(self._resting):
            if not woken.done():
                woken.set_result(None)
        await self._until(lambda: not self.ledger.writes, 'writes to end')
        await self._until(self._is_current, 'all to be current')
        for life in lives:
            if life.done():
                self.report.difference(f'a client died: {life.exception()!r}')
        self._compare_all()
        self.is_checking = False
        self.resumed.set()

    async def _until(self, condition, what):
        end = self.loop.time() + PATIENCE
        while not condition():
            if self.loop.time() > end:
                self.report.difference(
                    f'waited {PATIENCE} seconds for {what}')
                return
            await asyncio.sleep(1)

    def _is_current(self):
        position = self.history.position
        return all(
            (each.epoch, each.generation) == position for each in [
                *[person.replica for person in self.people],
                *[mirror.stored for mirror in self.mirrors]])

    def _compare_all(self):
        position, state = self.history.read()
        self._compare_one('history', self.history.position, position,
                          self.history.state, state)
        for person in self.people:
            self._compare_one(
                person.name, person.replica.position, position,
                of_replica(person.replica.replica.items), state)
        with self.changing() as root:
            self._check('the set', root['set'])
        for mirror in self.mirrors:
            with mirror.db.transaction() as connection:
                copy = connection.root().get('mirror', Copy(mirror.source.url))
                self._compare_one(
                    mirror.name, (copy.epoch, copy.generation), position,
                    of_set(copy.mirrored, decode_id), state)
                self._check(mirror.name, copy.mirrored)
        self.ledger.verify()

    def _compare_one(self, name, position, expected_position, state, expected):
        self.report.count('replicas compared')
        if position != expected_position:
            self.report.difference(
                f'{name}: is at {position}, not at {expected_position}')
        elif state != expected:
            wrong = [path for path in {**state, **expected}
                     if state.get(path) != expected.get(path)]
            self.report.difference(f'{name}: differs in {wrong[:5]}')

    def _check(self, name, gset):
        for problem in check(gset):
            self.report.difference(f'{name}: {problem}')


def simulate(plan, progress=lambda hours, report: None):
    """Run a simulation, and return its report.

    ``progress`` is called after each simulated hour.
    """
    report = Report(plan.seed)
    report.counts.update(
        hours=plan.hours, clients=plan.clients, mirrors=plan.mirrors,
        workers=plan.workers)
    clock = Clock()
    loop = Loop(clock, random.Random(f'{plan.seed} loop'))
    loop.set_exception_handler(
        lambda loop, context: report.error(f'a task died: {context}'))
    with tempfile.TemporaryDirectory() as directory, _garbage(loop):
        world = None

        def sleep(seconds):
            world.engine.sleep(seconds)

        def disk():
            return world.disk()

        async def run():
            nonlocal world
            world = World(plan, directory, loop, report)
            await world.run(progress)

        with injected(loop, sleep, disk, plan.seed, report):
            try:
                loop.run_until_complete(run())
            finally:
                _end(loop)
    return report


@contextlib.contextmanager
def _garbage(loop):
    """Collect garbage at the same moments in each run.

    Garbage may have to be closed, and that has visible effects.
    """
    def collect():
        gc.collect(1)
        loop.call_later(COLLECTION, collect)

    was_enabled = gc.isenabled()
    gc.disable()
    loop.call_later(COLLECTION, collect)
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _end(loop):
    loop.set_exception_handler(lambda loop, context: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
