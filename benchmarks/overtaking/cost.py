"""Measures what the order of commits costs, on a ZEO server.

    python -m benchmarks.overtaking.cost [--rounds 60] [--commits 10]

One program commits in order, and the other doesn't; they take turns.  Each
transaction changes ten items of a set.  Then each program reads the updates
without a commit of its own.  The network takes no time, or 10 ms each way.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time

import transaction
import ZEO
import ZODB
from anyio.from_thread import start_blocking_portal
from benchmarks.lib.progress import Progress
from benchmarks.lib.table import framed

from zc.generationalset import GSet
from zc.generationalset.sets import zeo
from zc.generationalset.tests.support.storages import ZEOServer
from zc.generationalset.tests.support.things import Thing

ITEMS = 1000
CHANGES = 10
DELAYS = 0, 0.01

tell = Progress()


class Program:
    """A program that has its own set on the server."""

    def __init__(self, address, is_ordered):
        self.db = ZODB.DB(ZEO.client(address, wait_timeout=30))
        if not is_ordered:
            zeo._known.add(self.db)
        self._manager = transaction.TransactionManager()
        root = self.db.open(self._manager).root()
        root[f'set {is_ordered}'] = self._set = GSet()
        for number in range(ITEMS):
            self._set.add(Thing(number))
        self._manager.commit()
        self._count = 0

    def commit(self):
        for _ in range(CHANGES):
            self._count += 1
            self._set.changed(self._set[self._count % ITEMS])
        self._manager.commit()

    def read(self):
        self._manager.abort()
        self._set.generational_updates(self._set.generation - CHANGES)


@contextlib.contextmanager
def far(path, delay):
    """Yield the address of a server that is some seconds away."""
    async def pass_on(reader, writer):
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(delay, writer.write, data)
        loop.call_later(delay, writer.close)

    async def serve(reader, writer):
        its_reader, its_writer = await asyncio.open_unix_connection(path)
        with contextlib.suppress(asyncio.CancelledError):  # at the end
            await asyncio.gather(
                pass_on(reader, its_writer), pass_on(its_reader, writer))

    with start_blocking_portal() as portal:
        listening = portal.call(asyncio.start_server, serve, '127.0.0.1', 0)
        yield listening.sockets[0].getsockname()
        portal.call(listening.close)


def measured(call, times):
    """Return the seconds of a call."""
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


def rows(title, programs, options):
    for what in 'commit', 'read':
        times = [], []
        for number in range(options.rounds):
            tell(f'{what}, {title}: {number} of {options.rounds} rounds')
            for program, mine in zip(programs, times, strict=True):
                mine.append(measured(getattr(program, what), options.commits))
        without, having = map(statistics.median, times)
        yield (f'{what}, {title}', f'{without * 1e6:.0f}',
               f'{having * 1e6:.0f}', f'{having / without:.3f}')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rounds', type=int, default=60)
    parser.add_argument('--commits', type=int, default=10)
    options = parser.parse_args()
    table = [('', 'without, us', 'in order, us', 'ratio')]
    for delay in DELAYS:
        with tempfile.TemporaryDirectory() as directory:
            server = ZEOServer(directory=directory)
            with far(server.address, delay) as address:
                programs = [Program(address, is_ordered)
                            for is_ordered in (False, True)]
                table += rows(f'{delay * 1000:.0f} ms', programs, options)
                for program in programs:
                    program.db.close()
            server.stop()
    print('\n'.join(framed(table)))


if __name__ == '__main__':
    main()
