"""The faults that happen to systems."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from zc.generationalset.client import Client
from zc.generationalset.process.workers import SHORT
from zc.generationalset.tests.campaign import storages
from zc.generationalset.tests.campaign.network import Line
from zc.generationalset.tests.campaign.world import World
from zc.generationalset.tests.support.databases import undo
from zc.generationalset.tests.support.processes import children, wait
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: Bytes that a commit of authors hardly ever exceeds.
LONGEST = 3000
#: Items that are more than a client's socket takes, and their bytes.
LARGE, SIZE = 30, 200_000

# Processes


def kill_worker(world):
    """Kill the oldest worker, because others may just be starting."""
    os.kill(min(children(world.server.process.pid)), signal.SIGKILL)


def kill_old_worker(world):
    """Kill the oldest worker when it is old enough to be restarted at once."""
    wait(lambda: _age(min(children(world.server.process.pid))) > SHORT)
    kill_worker(world)


def kill_in_group(world):
    """Kill the server while it makes the writes of several authors.

    They write while the server is stopped.  So it makes the first write, and
    then all others together.
    """
    _group(world, [world.server.process.pid])
    world.server.stop(signal.SIGKILL)
    world.server.start()


def kill_worker_in_group(world):
    """Do the same to a worker that is old enough to be restarted at once."""
    workers = children(world.server.process.pid)
    wait(lambda: _age(min(workers)) > SHORT)
    _group(world, workers)
    os.kill(min(workers), signal.SIGKILL)


def _group(world, pids):
    """Let the file grow by one or several transactions with many writes."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait(lambda: world.look() or all(
        author.turn.locked() for author in world.authors), wait=.002)
    size = os.path.getsize(world.storage.path)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for _ in range(world.random.randint(1, 3)):
        wait(lambda before=size: world.look()
             or os.path.getsize(world.storage.path) != before, wait=.0005)
        size = os.path.getsize(world.storage.path)
    time.sleep(world.random.uniform(0, .003))


def _age(pid):
    """Return the age of a process in seconds."""
    return int(subprocess.run(
        ['ps', '-o', 'etimes=', '-p', str(pid)], capture_output=True,
        check=True).stdout)


def kill_storage(world):
    world.storage.kill()


def restart(world):
    world.server.stop(signal.SIGTERM)
    world.server.start()


# The network


def by_line(world):
    """Let clients come through a network that fails."""
    world.line = Line(('127.0.0.1', world.server.port), world.seed)
    world.stack.callback(world.line.close)
    return 'http://{}:{}'.format(*world.line.address)


def strike_line(world):
    world.line.strike()


def strike_line_of_storage(world):
    world.storage.line.strike()


def stop_reading(world):
    """Let a client stop reading within an event that it shares with others.

    Then come more bytes than the system keeps for it.
    """
    path = 'large',
    with world.line.unread(), Client(world.server.url) as client:
        for number in range(LARGE):
            client.put(path, f'{number:<{SIZE}}')
        client.remove(path)


# The disk


def fill_disk(world):
    """Let the file grow only by some bytes, until a write fails.

    The number of bytes differs each time, from 0 to more than a commit has.
    """
    free = world.faults * 37 % LONGEST
    pid = world.server.process.pid
    before = world.sent_again()
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    size = os.path.getsize(world.storage.path)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + free, most))
    wait(lambda: world.look() or world.sent_again() > before, wait=.002)
    if world.random.random() < .01:
        world.server.stop(signal.SIGKILL)
        world.server.start()
    else:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


# The clock


def set_clock_back(world):
    """Set it back by up to two hours, sometimes while nothing runs."""
    world.clock.turn(-world.random.uniform(0, 7200))
    if world.random.random() < .2:
        restart(world)


# Packing


def pack(world):
    world.storage.pack(world.resting)


# Changes that are taken back


def restore_backup(world):
    """Restore a backup as docs/deployment.txt says."""
    with world.resting():
        remembered = world.remember()
        world.storage.back_up()
    world.go_on()
    with world.resting():
        world.server.stop(signal.SIGTERM)
        world.storage.restore()
        subprocess.run(
            [sys.executable, '-m', 'zc.generationalset', 'renew',
             world.storage.uri], env=ENVIRONMENT, check=True,
            stdout=subprocess.DEVNULL)
        world.server.start()
        world.take_back(remembered)


def undo_writes(world):
    """Undo the last transactions, and let the server notice."""
    with contextlib.closing(world.storage.open()) as db:
        with world.resting():
            remembered = world.remember()
            [last, *_] = _transactions(db)
        world.go_on(least=2, most=8)
        with world.resting():
            before = _epoch(world)
            undo(db, _transactions(db).index(last))
            wait(lambda: _epoch(world) != before)
            world.take_back(remembered)


def _transactions(db):
    """Return the ids of the last transactions, the newest first."""
    return [log['id'] for log in db.undoLog(0, 1000)]


def _epoch(world):
    return httpx.get(f'{world.server.url}/updates', params={
        'generation': 2 ** 50}, timeout=90).json()['epoch']


class Fault(NamedTuple):
    """A fault, and the system that it happens to."""

    title: str
    #: Causes the fault in a world.
    strike: Callable[[World], None]
    storage: type
    #: How often it happens in a campaign.
    count: int = 50
    #: The most writes between two of these faults.
    most: int = 40
    #: Options of the world.
    options: dict[str, Any] = {}


FAULTS = {
    'worker on ZEO': Fault(
        'kill -9 of a worker, on ZEO', kill_old_worker, storages.ZEO,
        options={'workers': 4}),
    'worker on PostgreSQL': Fault(
        'kill -9 of a worker, on PostgreSQL', kill_old_worker,
        storages.PostgreSQL, options={'workers': 4}),
    'group': Fault(
        'kill -9 while writes share a transaction, a file', kill_in_group,
        storages.File, options={'authors': 8, 'mirror': False}),
    'group on ZEO': Fault(
        'kill -9 while writes share a transaction, on ZEO',
        kill_worker_in_group, storages.ZEO,
        options={'authors': 8, 'workers': 2}),
    'ZEO': Fault(
        'kill -9 of the ZEO server', kill_storage, storages.ZEO,
        options={'workers': 2}),
    'PostgreSQL': Fault(
        'PostgreSQL stopped, -m immediate', kill_storage, storages.PostgreSQL,
        options={'workers': 2}),
    'network': Fault(
        'network between clients and server', strike_line, storages.File,
        200, 8, {'way': by_line}),
    'network of ZEO': Fault(
        'network between server and ZEO', strike_line_of_storage,
        storages.FarZEO, options={'workers': 2}),
    'reader': Fault(
        'a client stops reading within an event', stop_reading, storages.File,
        20, 8, {'way': by_line, 'mirror': False}),
    'disk': Fault(
        'disk full, a file', fill_disk, storages.File, 500, 3),
    'clock': Fault(
        'clock set back, a file', set_clock_back, storages.File, 20,
        options={'clock': True}),
    'clock on PostgreSQL': Fault(
        'clock set back, PostgreSQL', set_clock_back, storages.PostgreSQL, 20,
        options={'clock': True, 'workers': 2}),
    'pack': Fault('packed, ZEO', pack, storages.ZEO, 20),
    'pack of PostgreSQL': Fault(
        'packed, PostgreSQL', pack, storages.PostgreSQL, 20),
    'backup': Fault('restored by repozo, and renewed', restore_backup,
                    storages.ZEO, 8),
    'backup of PostgreSQL': Fault(
        'restored by pg_restore, and renewed', restore_backup,
        storages.PostgreSQL, 5),
    'undo': Fault('writes undone, on ZEO', undo_writes, storages.ZEO, 20),
}


def run(name, seed, count=None, told=lambda done, count: None, **options):
    """Cause a fault in a new system again and again; return a Report.

    count
        How often; by default, as often as in a campaign.
    told
        Called after each fault, with the number of faults so far, and of all.
    options
        Options of the world, instead of the fault's own.
    """
    fault = FAULTS[name]
    count = count or fault.count
    with contextlib.ExitStack() as stack:
        world = World(stack, seed, fault.storage, **{
            **fault.options, **options})
        for number in range(count):
            world.strike(fault.strike, fault.most)
            told(number + 1, count)
        return world.report()
