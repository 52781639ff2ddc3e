"""What goes wrong, and what operators do."""

import asyncio
import os
import shutil
from contextlib import asynccontextmanager, suppress

from ZODB.POSException import UndoError
from ZODB.serialize import referencesf

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.tests.simulation.history import SET

#: Seconds within which a server notices that changes were taken back.
NOTICED = 5.0
#: Seconds that writes wait for the disk when it is slow, on average.
STALL = 10.0
#: Seconds within which several writes should have come to a worker.
PATIENCE = 100.0


class Faults:
    """Chooses faults, and lets several of them happen at the same time."""

    def __init__(self, world, rnd):
        self._world = world
        self._rnd = rnd
        self._report = world.report
        self._running = {}  # a dictionary, to keep the order
        self._backup = None
        #: Held by changes of the database: there is only one operator.
        self._operator = asyncio.Lock()

    async def begin(self, seconds):
        """Cause faults for some time, and wait until they are mended."""
        plan, loop = self._world.plan, self._world.loop
        end = loop.time() + seconds
        faults, weights = zip(
            (self.kill_worker, 10), (self.kill_writing, 10),
            (self.stop_worker, 5), (self.stall, 10), (self.stop_reading, 10),
            (self.kill_mirror, 6), (self.lose_mirror, 1),
            (self.save_mirror, 2), (self.kill_all, 3), (self.partition, 10),
            (self.weather, 8), (self.lag, 8), (self.pack, 2),
            (self.back_up, 3), (self.restore, 1), (self.undo, 3),
            (self.renew, 1), (self.replace_set, 5), (self.set_clock, 2),
            strict=True)
        while loop.time() < end:
            await asyncio.sleep(min(
                self._rnd.expovariate(plan.faults / 3600), end - loop.time()))
            self._start(self._rnd.choices(faults, weights)[0])
        await asyncio.gather(*self._running)

    def _start(self, fault):
        task = self._world.loop.create_task(self._run(fault))
        self._running[task] = None
        task.add_done_callback(self._running.pop)

    async def _run(self, fault):
        self._report.faults[fault.__name__.replace('_', ' ')] += 1
        self._report.note(self._world.loop.time(), fault.__name__)
        await fault()

    def _seconds(self):
        return self._rnd.expovariate(1 / self._rnd.choice([1, 10, 100]))

    # Processes

    async def _restart(self, host, is_kind, meanwhile=lambda: None):
        async with host.lock:
            await host.stop(is_kind)
            meanwhile()
            await asyncio.sleep(self._seconds())
            host.start()

    async def kill_worker(self):
        await self._restart(self._rnd.choice(self._world.workers), False)

    async def kill_writing(self):
        """Kill a worker while it makes writes that have waited."""
        worker = self._rnd.choice(self._world.workers)
        how_far = self._rnd.choice(['voted', 'finished'])
        async with worker.lock, self._stalled():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(worker.die_writing(how_far), PATIENCE)
                self._report.count('groups that were killed')
            await worker.stop(False)
            await asyncio.sleep(self._seconds())
            worker.start()

    async def stop_worker(self):
        await self._restart(self._rnd.choice(self._world.workers), True)

    async def kill_mirror(self):
        await self._restart(
            self._rnd.choice(self._world.mirrors), self._rnd.random() < .3)

    async def lose_mirror(self):
        mirror = self._rnd.choice(self._world.mirrors)
        await self._restart(mirror, True, mirror.lose)

    async def save_mirror(self):
        mirror = self._rnd.choice(self._world.mirrors)
        await self._restart(mirror, True, mirror.save)

    async def kill_all(self):
        """The machine of the server goes down."""
        async with self._operator:
            await self._without_workers(lambda: None)

    async def _without_workers(self, meanwhile):
        workers = self._world.workers
        for worker in workers:
            await worker.lock.acquire()
        try:
            for worker in workers:
                await worker.stop(False)
            self._world.close_database()
            meanwhile()
            self._world.open_database()
            await asyncio.sleep(self._seconds())
            for worker in workers:
                worker.start()
        finally:
            for worker in workers:
                worker.lock.release()

    # The disk

    @asynccontextmanager
    async def _stalled(self):
        """Let writes wait for the disk, so that more come meanwhile."""
        self._world.waiting += STALL
        try:
            yield
        finally:
            self._world.waiting -= STALL

    async def stall(self):
        async with self._stalled():
            await asyncio.sleep(self._seconds())

    # The network

    async def partition(self):
        network = self._world.network
        groups = self._rnd.sample(range(4), self._rnd.randrange(1, 5))
        partition = network.part(
            self._rnd.choice(self._world.hosts).name, groups)
        await asyncio.sleep(self._seconds())
        network.partitions.remove(partition)

    async def stop_reading(self):
        """Let a client read half of the next event, and the rest later."""
        streams = [exchange for host in self._world.hosts
                   for exchange in host.exchanges if exchange.is_shared]
        if streams:
            stream = self._rnd.choice(streams)
            stream.stop_reading()
            await asyncio.sleep(self._seconds())
            stream.go_on()

    async def weather(self):
        network = self._world.network
        network.badness += .05
        await asyncio.sleep(self._seconds())
        network.badness -= .05

    async def lag(self):
        self._world.slowness += 1.0
        await asyncio.sleep(self._seconds())
        self._world.slowness -= 1.0

    async def set_clock(self):
        """Set the clock of the machine, mostly back."""
        self._world.clock.error = self._rnd.uniform(-7200, 60)

    # The database

    async def pack(self):
        wall = self._world.clock.wall()
        self._world.engine.storage.pack(
            wall - self._rnd.choice([0, 60, 3600]), referencesf)

    async def back_up(self):
        world = self._world
        shutil.copyfile(world.engine.path, f'{world.engine.path}.backup')
        self._backup = dict(world.history.state)

    async def restore(self):
        if self._backup is not None:
            async with self._operator:
                await self._without_workers(self._put_back)

    def _put_back(self):
        path = self._world.engine.path
        os.remove(f'{path}.index')
        shutil.copyfile(f'{path}.backup', path)
        self._world.open_database()
        with self._world.changing() as root:
            root['set'].renew()
        self._rewound(self._backup)
        self._world.close_database()

    def _rewound(self, expected):
        if self._world.history.state != expected:
            self._report.difference('what was taken back is not as it was')
        self._world.ledger.rewind()

    async def undo(self):
        """Undo the last transaction, while nobody writes.

        If no server notices, because none has seen what was undone, the
        operator renews the epoch.
        """
        world = self._world
        async with self._operator:
            world.network.held = True
            try:
                while any(exchange.writes for worker in world.workers
                          for exchange in worker.exchanges):
                    await asyncio.sleep(.1)
                await self._undo()
            finally:
                world.network.held = False

    async def _undo(self):
        history = self._world.history
        (epoch, _), state = history.before
        if epoch != history.position[0]:
            return  # an operator wouldn't undo a renewal
        is_renewed = self._rnd.random() < .5
        try:
            with self._world.changing() as root:
                db = root._p_jar.db()
                last, = db.undoLog(0, 1)
                db.undo(last['id'], root._p_jar.transaction_manager.get())
        except (UndoError, ValueError):  # the database was packed
            self._report.count('undos that were refused')
            return
        self._rewound(state)
        if not is_renewed:
            await asyncio.sleep(NOTICED)
            noticed = history.position[0] != epoch
            self._report.count('undos that were noticed', noticed)
        if history.position[0] == epoch:
            self._report.count('undos that the operator renewed')
            self._renew()

    async def renew(self):
        async with self._operator:
            self._renew()

    def _renew(self):
        with self._world.changing() as root:
            root['set'].renew()

    async def replace_set(self):
        """Let an application replace a subset by another with the same id."""
        name = f'set {self._rnd.randrange(self._world.plan.sets)}'
        async with self._operator:
            write = self._world.ledger.begin({(name,): SET}, (name,))
            with self._world.changing() as root:
                subset = GSet(name, maximum_removals=self._rnd.randrange(20))
                for number in range(self._rnd.randrange(5)):
                    subset.add(Document(f'new {number}', ['new', number]))
                root['set'].add(subset)
            self._world.ledger.acknowledge(write)
            write.drop_copy()
