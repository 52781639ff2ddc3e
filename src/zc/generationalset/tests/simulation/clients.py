"""Clients: they come and go, read and write, lose data and reload it."""

import asyncio
import os
from contextlib import aclosing, asynccontextmanager

from zc.generationalset import wire
from zc.generationalset.client import AsyncClient, ClientError
from zc.generationalset.replica import Replica, SQLiteReplica, Subset
from zc.generationalset.replica.sqlite_items import StoredSet
from zc.generationalset.tests.simulation.history import (
    GONE,
    SET,
    digest,
    of_replica,
)
from zc.generationalset.tests.simulation.network import HEARTBEAT, Transport

#: The number of items that a client writes.
OWN = 2
#: The number of changes in a burst.
BURST = 60


class Witness:
    """A replica that is compared with the server at every answer.

    That takes only O(answer), because each change of the answer updates the
    sum of all digests.
    """

    def __init__(self, who, history, report, replica):
        self._who = who
        self._history = history
        self._report = report
        self.replica = replica
        self._digests = {path: digest(path, text) for path, text
                         in of_replica(replica.items).items()}
        self._sum = sum(self._digests.values())

    @property
    def generation(self):
        return self.replica.generation

    @property
    def epoch(self):
        return self.replica.epoch

    @property
    def position(self):
        return self.epoch, self.generation

    def apply(self, updates):
        before = self.position
        changes = self.replica.apply(updates)
        for change in changes:
            self._follow(*change)
        after = self.position
        reset = updates.get('reset')
        if reset:
            self._report.count(f'resets, {reset}')
            if before[1] and before != (
                    updates.get('since_epoch', updates['epoch']),
                    updates['since']):
                self._report.difference(
                    f'{self._who}: a reset to another question at {before}')
        elif before[1] and (after[0] != before[0] or after[1] < before[1]):
            self._report.difference(
                f'{self._who}: from {before} to {after} without reset')
        self._history.check(self._who, *after, self._sum)
        self._report.count('updates delivered', bool(changes))
        self._report.note(self._who, *after, self._sum)
        return changes

    def _follow(self, kind, path, item):
        is_set = isinstance(item, Subset | StoredSet)
        if kind == 'removed':
            gone = [path]
            if is_set:  # its items are gone, too, without being listed
                gone += [inner for inner in self._digests
                         if inner[:len(path)] == path and inner != path]
            self._sum -= sum(self._digests.pop(each) for each in gone)
        else:
            self._sum -= self._digests.get(path, 0)
            text = SET if is_set else wire.encode_value(item)
            self._digests[path] = digest(path, text)
            self._sum += self._digests[path]


class Person:
    """A client, with habits.

    Each has a random source of its own, so what one person does has no
    influence on the habits of another.
    """

    def __init__(self, world, number, rnd):
        self.name = f'client-{number}'
        self.group = number % 4
        self.rnd = rnd
        self._world = world
        self._plan = world.plan
        self._is_watcher = number < self._plan.watchers
        self._is_writer = number < self._plan.writers
        self._is_on_disk = number % 50 == 7  # one of these watches
        self._numbers = 0
        self._path = os.path.join(world.directory, self.name)
        self._take(self._load())

    def _take(self, replica):
        self.replica = Witness(
            self.name, self._world.history, self._world.report, replica)

    def _load(self):
        if self._is_on_disk:
            return SQLiteReplica(f'{self._path}.sqlite')
        return Replica.load(f'{self._path}.json')

    async def live(self):
        while True:
            try:
                if self._world.is_checking:
                    await self._catch_up()
                elif self._is_watcher or self.rnd.random() < .05:
                    await self._watch()
                else:
                    await self._visit()
            except ClientError:
                self._world.report.count('errors that clients were told')
            self._restart()
            if not self._world.is_checking:
                away = self._plan.away / (20 if self._is_watcher else 1)
                await self._world.rest(self.rnd.expovariate(1 / away))

    @asynccontextmanager
    async def _client(self, host):
        self._transport = Transport(self._world.network, self)
        async with AsyncClient(
                host.url, replica=self.replica, heartbeat=HEARTBEAT,
                transport=self._transport) as client:
            yield client

    # What a person does

    async def _catch_up(self):
        """Become current for a comparison, and stay so until it is over."""
        async with self._client(self.rnd.choice(self._world.hosts)) as client:
            while self._world.is_checking:
                if not self._is_current():
                    await client.sync()
                await asyncio.sleep(self.rnd.uniform(5, 20))

    def _is_current(self):
        return self.replica.position == self._world.history.position

    async def _visit(self):
        """Ask once, and maybe write."""
        async with self._client(self.rnd.choice(self._world.hosts)) as client:
            await client.sync()
        if self._is_writer and self.rnd.random() < .5:
            await self._write()

    async def _watch(self):
        """Watch for some time, and write now and then."""
        end = self._world.loop.time() + self.rnd.expovariate(
            1 / self._plan.stay)
        async with self._client(self.rnd.choice(self._world.hosts)) as client:
            watching = asyncio.create_task(self._see(client))
            while not watching.done() and self._world.loop.time() < end:
                await self._world.rest(
                    self.rnd.expovariate(1 / self._plan.pause))
                if self._world.is_checking:
                    await self._until_resumed(watching)
                else:
                    await self._write()
            watching.cancel()
            await asyncio.wait([watching])

    async def _see(self, client):
        try:
            async with aclosing(client.watch()) as all_changes:
                async for _ in all_changes:
                    pass
        except ClientError:
            self._world.report.count('watches that ended')

    async def _until_resumed(self, watching):
        resumed = asyncio.create_task(self._world.resumed.wait())
        await asyncio.wait(
            [resumed, watching], return_when=asyncio.FIRST_COMPLETED)
        resumed.cancel()

    # Writing

    async def _write(self):
        kind = self.rnd.choices(
            [self._put, self._batch, self._add, self._remove, self._make_set,
             self._remove_set, self._burst], [60, 10, 4, 14, 4, 2, 1])[0]
        async with self._client(
                self.rnd.choice(self._world.workers)) as client:
            if self.rnd.random() < .9 and not self.replica.generation:
                await client.sync()
            await kind(client)
        if self.rnd.random() < .2:  # at once, and maybe elsewhere
            await self._write()

    async def _record(self, changes, awaitable):
        """Await a write, and enter its result into the ledger."""
        ledger = self._world.ledger
        write = ledger.begin(changes)
        transport = self._transport  # of the newest client
        transport.write = write
        try:
            await awaitable
            ledger.acknowledge(write)
        except ClientError as error:
            self._world.report.note(self.name, type(error).__name__)
            self._world.report.count(f'writes: {type(error).__name__}')
        finally:
            transport.write = None
            write.drop_copy()

    def _own(self):
        """Return the path of an item that nobody else writes."""
        id = f'{self.name}/{self.rnd.randrange(OWN)}'
        if self.rnd.random() < .3:
            return self._set(), id
        return id,

    def _set(self):
        return f'set {self.rnd.randrange(self._plan.sets)}'

    def _item(self):
        self._numbers += 1
        item = [self.name, self._numbers]
        return item if self.rnd.random() < .7 else {'by': item}

    def _put(self, client):
        path, item = self._own(), self._item()
        return self._record(
            {path: wire.encode_value(item)}, client.put(path, item))

    async def _batch(self, client):
        items = {self._own(): self._item() for _ in range(3)}
        await self._put_all(client, items)

    async def _burst(self, client):
        """Put many items, and remove them: more than the server remembers."""
        items = {(f'{self.name}/burst {number}',): self._item()
                 for number in range(BURST)}
        await self._put_all(client, items)
        await self._record(dict.fromkeys(items, GONE), client.batch(
            [('remove', path) for path in items]))

    def _put_all(self, client, items):
        texts = {path: wire.encode_value(item) for path, item in items.items()}
        return self._record(texts, client.batch(
            [('put', path, item) for path, item in items.items()]))

    def _add(self, client):
        """Add an item whose path is known only afterwards."""
        changes, superset, item = {}, (self._set(),), self._item()

        async def add():
            id = await client.add(superset, item)
            changes[(*superset, id)] = wire.encode_value(item)

        return self._record(changes, add())

    def _remove(self, client):
        path = self._own()
        return self._record(
            {path: GONE}, client.remove(path, missing_ok=True))

    def _make_set(self, client):
        path = self._set(),
        return self._record({path: SET}, client.make_set(path))

    def _remove_set(self, client):
        path = self._set(),
        return self._record(
            {path: GONE}, client.remove_set(path, missing_ok=True))

    # What happens to a person's replica

    def _restart(self):
        """Go on with a stored replica, or with nothing."""
        if self.rnd.random() > .05:
            return
        if self._is_on_disk:
            self.replica.replica.close()
        elif self.rnd.random() < .5:
            self.replica.replica.dump(f'{self._path}.json')
        if self.rnd.random() < .2:
            self._forget()
        self._world.report.count('restarts of clients')
        self._take(self._load())

    def _forget(self):
        for name in (f'{self._path}.json', f'{self._path}.sqlite'):
            if os.path.exists(name):
                os.remove(name)
