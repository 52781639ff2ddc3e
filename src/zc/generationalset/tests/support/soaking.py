"""A system that is used for a while, and what it still uses afterwards."""

import asyncio
import contextlib
import os
import random
import signal
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import httpx

from zc.generationalset.client import AsyncClient, Client
from zc.generationalset.tests.campaign.storages import ZEO
from zc.generationalset.tests.support.processes import (
    MirrorServer,
    Server,
    children,
    wait,
)
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: The number of items that writers change.
ITEMS = 500
#: Seconds within which everything open or kept must be given back.
PATIENCE = 120
#: Megabytes that caches and heaps of all processes may keep.
MEMORY = 100
#: Seconds between two looks at the processes.
PACE = 1


@dataclass
class Use:
    """The resources that processes use, all together."""

    memory: float = 0
    files: int = 0
    threads: int = 0
    disk: float = 0
    listeners: float = 0
    processes: int = 0

    def is_like(self, rest):
        """Tell whether the use is again what it was at rest."""
        return (self.processes == rest.processes
                and self.listeners == rest.listeners
                and self.memory <= rest.memory + MEMORY
                and self.files <= rest.files + 20
                and self.threads <= rest.threads + 30
                and self.disk <= rest.disk + 1)


@dataclass
class Soaked:
    """The results, in seconds and megabytes."""

    clients: int = 0
    kills: int = 0
    writes: list = field(default_factory=list)
    failures: int = 0
    rest: Use = None
    most: Use = None
    afterwards: Use = None
    returned: float = None
    differences: int = 0


class Soak:
    """A ZEO server, workers, a mirror; clients that come and go; writers."""

    def __init__(self, stack, *, clients, writers, seconds, kills, stay):
        self._clients, self._writers = clients, writers
        self._seconds, self._kills, self._stay = seconds, kills, stay
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        self._zeo = ZEO(directory, ENVIRONMENT)
        stack.callback(self._zeo.close)
        self._server = Server(
            self._zeo.uri, '--workers', '2', '--streams', '1000',
            log=subprocess.DEVNULL)
        stack.callback(self._server.kill)
        self._mirror = MirrorServer(
            self._server.url, os.path.join(directory, 'Mirror.fs'))
        stack.callback(self._mirror.kill)
        self._urls = self._server.url, self._mirror.url
        self._tls = ssl.create_default_context()
        self._random = random.Random(1)
        self.result = Soaked()

    def run(self):
        self._fill()
        self.result.rest = self.result.most = self._use()
        asyncio.run(self._load())
        begin = time.monotonic()
        while True:
            self.result.afterwards = use = self._use()
            self.result.returned = time.monotonic() - begin
            if use.is_like(self.result.rest) or (
                    self.result.returned > PATIENCE):
                break
            time.sleep(PACE)
        self.result.differences = self._differences()
        return self.result

    def _fill(self):
        with Client(self._server.url) as client:
            client.batch([('put', [f'{number}'], {'text': 'x' * 200})
                          for number in range(ITEMS)])
        with httpx.Client(timeout=90) as http:
            for url in self._urls * 20:
                http.get(f'{url}/updates')
        # A busy mirror may not listen yet, as it does when all is at rest.
        wait(lambda: self._use().listeners)

    async def _load(self):
        self._ending = time.monotonic() + self._seconds
        tasks = [self._come_and_go() for _ in range(self._clients)]
        tasks += [self._write(number) for number in range(self._writers)]
        await asyncio.gather(self._kill(), self._look(), *tasks)

    def _goes_on(self):
        return time.monotonic() < self._ending

    async def _come_and_go(self):
        while self._goes_on():
            rest = min(self._random.uniform(*self._stay),
                       max(0, self._ending - time.monotonic()))
            client = AsyncClient(
                self._random.choice(self._urls), verify=self._tls)
            self.result.clients += 1
            async with client:
                with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                    await asyncio.wait_for(self._watch(client), rest)

    async def _watch(self, client):
        async with contextlib.aclosing(client.watch()) as changes:
            async for _ in changes:
                pass

    async def _write(self, number):
        async with httpx.AsyncClient(
                base_url=self._server.url, verify=self._tls,
                timeout=90) as http:
            is_written = False
            while self._goes_on() or not is_written:
                is_written |= await self._put(http, number)
                await asyncio.sleep(self._random.uniform(0, .5))

    async def _put(self, http, number):
        begin = time.monotonic()
        id = self._random.randrange(ITEMS)
        try:
            response = await http.put(
                f'/items/{id}', json={'by': number, 'at': begin})
            is_written = response.status_code in (200, 201)
        except httpx.HTTPError:
            is_written = False  # its worker was killed
        if is_written:
            self.result.writes.append(time.monotonic() - begin)
        else:
            self.result.failures += 1
        return is_written

    async def _kill(self):
        for _ in range(self._kills):
            await asyncio.sleep(self._seconds / (self._kills + 1))
            workers = children(self._server.process.pid)
            if workers:
                os.kill(self._random.choice(workers), signal.SIGKILL)
                self.result.kills += 1

    async def _look(self):
        while self._goes_on():
            use = await asyncio.to_thread(self._use)
            self.result.most = Use(*[
                max(getattr(self.result.most, name), getattr(use, name))
                for name in vars(use)])
            await asyncio.sleep(PACE)

    def _use(self):
        first = self._server.process.pid
        use = Use()
        for pid in [first, *children(first), self._mirror.process.pid]:
            with contextlib.suppress(OSError):  # it was just killed
                add_process(use, pid)
                use.processes += 1
        for url in self._urls:
            with contextlib.suppress(httpx.HTTPError):
                use.listeners += listeners(
                    httpx.get(f'{url}/metrics', timeout=90).text)
        return use

    def _differences(self):
        """Count the items in which the mirror differs from its source."""
        deadline = time.monotonic() + PATIENCE
        while True:
            source, mirror = [
                {str(id): item for id, item in httpx.get(
                    f'{url}/updates', timeout=90).json()['contents']}
                for url in self._urls]
            different = sum(source.get(id) != mirror.get(id)
                            for id in source.keys() | mirror.keys())
            if not different or time.monotonic() > deadline:
                return different
            time.sleep(PACE)


def add_process(use, pid):
    """Add the resources of a process.

    Its disk is that of deleted files, which have large answers.
    """
    with open(f'/proc/{pid}/status') as status:
        for line in status:
            if line.startswith('VmRSS'):
                use.memory += int(line.split()[1]) / 1000
    use.threads += len(os.listdir(f'/proc/{pid}/task'))
    for name in os.listdir(f'/proc/{pid}/fd'):
        path = f'/proc/{pid}/fd/{name}'
        use.files += 1
        with contextlib.suppress(OSError):
            if os.readlink(path).endswith(' (deleted)'):
                use.disk += os.stat(path).st_size / 1e6


def listeners(metrics):
    return sum(float(line.split()[1]) for line in metrics.splitlines()
               if line.startswith(('gset_streams ', 'gset_long_polls ')))
