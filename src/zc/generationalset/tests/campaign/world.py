"""A system under load."""

import contextlib
import json
import os
import random
import signal
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import NamedTuple

import transaction
from ZODB.FileStorage.FileStorage import FileIterator

from zc.generationalset import GSet
from zc.generationalset.check import check
from zc.generationalset.client import Client
from zc.generationalset.replica import SQLiteReplica
from zc.generationalset.tests.campaign.audience import (
    Listener,
    Polling,
    Watching,
)
from zc.generationalset.tests.campaign.authors import GONE, SETS, Author
from zc.generationalset.tests.campaign.clock import Clock
from zc.generationalset.tests.campaign.replicas import Answers
from zc.generationalset.tests.campaign.storages import File
from zc.generationalset.tests.support.followers import state
from zc.generationalset.tests.support.processes import (
    MirrorServer,
    Server,
    wait,
)
from zc.generationalset.tests.support.serving import ENVIRONMENT


@dataclass
class Report:
    """The results of a system."""

    seed: int
    faults: int
    acknowledged: int
    found: int
    sent_again: int
    updates: int
    replicas: int
    differences: list

    def __post_init__(self):
        if self.found != self.acknowledged:
            self.differences.append(
                f'{self.acknowledged - self.found} acknowledged writes are '
                'not there')

    def row(self):
        return {**asdict(self), 'differences': len(self.differences)}


class Stored(NamedTuple):
    """The contents of a database."""

    epoch: str
    generation: int
    items: dict
    differences: list


class World:
    """A storage, a server of it, a mirror, authors and an audience.

    stack
        An ExitStack: at its end everything ends.
    storage
        A class of ``storages``.
    way
        A function that takes the world, and returns the URL for authors and
        audience; by default, that is the URL of the server itself.
    clock
        Whether the clock of the servers can be set.
    """

    def __init__(self, stack, seed, storage, *, workers=1, authors=3,
                 mirror=True, way=None, clock=False):
        self.stack = stack
        self.seed = seed
        self.random = random.Random(seed)
        self.faults = 0
        self.directory = stack.enter_context(tempfile.TemporaryDirectory())
        self.clock = Clock(self.directory) if clock else None
        environment = self.clock.environment if clock else ENVIRONMENT
        self.storage = storage(self.directory, environment)
        stack.callback(self.storage.close)
        self.log = os.open(
            self.path('log'), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        stack.callback(os.close, self.log)
        self.server = self._started(Server(
            self.storage.uri, '--workers', str(workers), log=self.log,
            environment=environment))
        self.url = way(self) if way else self.server.url
        self.mirrors = [self._started(MirrorServer(
            self.url, self.path('Mirror.fs')))] if mirror else []
        self._make_sets()
        self.answers = Answers()
        self.authors = [Author(number, self.url, seed, self.answers)
                        for number in range(authors)]
        self._gather()
        for author in self.authors:
            stack.callback(author.stop)
            author.start()

    def path(self, name):
        return os.path.join(self.directory, name)

    def _started(self, server):
        self.stack.callback(server.kill)
        return server

    def _make_sets(self):
        with Client(self.server.url) as client:
            for path in SETS[1:]:
                client.make_set(path)

    def _gather(self):
        """Make replicas of all kinds."""
        last = self.mirrors[0].url if self.mirrors else self.url
        self.audience = []
        for kind, name, urls, is_stored in [
                (Polling, 'asks', [self.url], False),
                (Polling, 'asks any', [self.url, last], False),
                (Watching, 'listens', [self.url], True),
                (Watching, 'listens to the last', [last], False),
                (Listener, 'comes seldom', [self.url], True),
                (Listener, 'comes seldom to any', [self.url, last], False),
                (Listener, 'was here once', [self.url], False),
                (Listener, 'was at the last once', [last], True)]:
            replica = None
            if is_stored:
                replica = SQLiteReplica(self.path(f'{name}.sqlite'))
                self.stack.callback(replica.close)
            self.audience.append(kind(name, urls, self.answers, replica))
            self.stack.callback(self.audience[-1].stop)
        *_, seldom, seldom_to_any, once, last_once = self.audience
        self._seldom = seldom, seldom_to_any
        for listener in once, last_once:
            self.stay(listener)

    def stay(self, listener):
        """Wait until a listener has got something."""
        wait(lambda: listener.sync() or listener.replica.generation)

    # Load

    def acknowledged(self):
        return sum(author.acknowledged.total() for author in self.authors)

    def sent_again(self):
        return sum(author.sent_again for author in self.authors)

    def go_on(self, least=1, most=40):
        """Wait for some more acknowledged writes, and a moment longer."""
        self.look()
        target = self.acknowledged() + self.random.randint(least, most)
        wait(lambda: self.look() or self.acknowledged() >= target)
        time.sleep(self.random.uniform(0, 0.02))

    def look(self):
        """Raise an error that an author or listener had."""
        for each in *self.authors, *self.audience:
            if each.error is not None:
                raise each.error

    def strike(self, fault, most=40):
        """Cause a fault in the system, under load."""
        self.go_on(most=most)
        fault(self)
        self.faults += 1
        for listener in self._seldom:
            if self.random.random() < .15:
                listener.sync(self.random)

    @contextlib.contextmanager
    def resting(self):
        """Make all authors rest, after their current writes."""
        with contextlib.ExitStack() as stack:
            for author in self.authors:
                stack.enter_context(author.turn)
            yield

    # While authors rest

    def remember(self):
        """Return what a backup has that is made now."""
        return [author.remember() for author in self.authors]

    def take_back(self, remembered):
        """Expect what a backup has."""
        for author, part in zip(self.authors, remembered, strict=True):
            author.take_back(part)

    # Results

    def differences(self):
        """Return what is wrong, in the database or any replica.

        Everything gets some time to become equal.  What replicas had after
        each answer is compared, too.
        """
        with self.resting():
            truth = self._stored()
            self.answers.note('the database', *truth[:3])
            differences = [*truth.differences, *different(
                truth.items, self._expected())]
            for listener in *self.authors, *self.audience:
                differences += [f'{listener.name}: {text}' for text
                                in self._compare(listener, truth)]
        return differences + self.answers.differences

    def report(self):
        """End the system, and return a Report."""
        for author in self.authors:
            author.finish()
        new = Listener('is new', [(self.mirrors or [self.server])[0].url],
                       self.answers)
        self.stack.callback(new.stop)
        self.audience.append(new)
        differences = self.differences()
        self.end()
        items = self._stored().items
        replicas = [each.replica for each in (*self.authors, *self.audience)]
        return Report(
            self.seed, self.faults, self.acknowledged(),
            sum(author.found(items) for author in self.authors),
            self.sent_again(), sum(replica.updates for replica in replicas),
            len(replicas), differences)

    def _stored(self):
        """Return what the database has.

        This reads the database itself, because a worker may be behind others.
        """
        alone = (isinstance(self.storage, File)
                 and self.server.process.poll() is None)
        if alone:
            self.server.stop(signal.SIGTERM)
        with closing(self.storage.open()) as db, closing(
                db.open(transaction.TransactionManager())) as connection:
            things = connection.root()['things']
            differences = [*map(str, check(things))]
            if hasattr(self.storage, 'path'):
                differences += falls(self.storage.path)
            stored = Stored(things.epoch, things.generation, walk(things),
                            differences)
        if alone:
            self.server.start()
        return stored

    def _compare(self, listener, truth):
        """Yield the differences of a replica that had time to become equal."""
        replica = listener.replica

        def is_there():
            if not listener.follows:
                listener.sync(self.random)
            return listener.error is not None or (
                replica.epoch, replica.generation) == truth[:2]
        try:
            wait(is_there)
        except wait.TimeOutWaitingFor:
            yield (f'is at {replica.epoch}:{replica.generation}, expected '
                   f'{truth.epoch}:{truth.generation}')
        if listener.error is not None:
            yield str(listener.error)
        yield from different(state(replica.items), truth.items)

    def end(self):
        """End all processes in order."""
        for each in *self.authors, *self.audience:
            each.stop()
        for server in *self.mirrors, self.server:
            if server.stop(signal.SIGTERM):
                raise AssertionError('a server did not end in order')

    def _expected(self):
        """Return what must be in the set, from the acknowledged writes."""
        expected = {}
        for path in SETS[1:]:
            inside(expected, path[:-1])[path[-1]] = {}
        for author in self.authors:
            for (*sets, id), item in author.expected.items():
                if item is not GONE:
                    inside(expected, sets)[id] = item
        return expected


def inside(items, path):
    for id in path:
        items = items[id]
    return items


def walk(gset):
    """Return the contents of a set, without the package's own encoding."""
    return {id: walk(ob) if isinstance(ob, GSet) else json.loads(ob.json)
            for id, ob in gset.items()}


def falls(path):
    """Yield transactions of a file whose ids don't rise."""
    last = b''
    with closing(FileIterator(path)) as transactions:
        for each in transactions:
            if each.tid <= last:
                yield f'{each.tid.hex()} comes after {last.hex()}'
            last = each.tid


def different(one, other):
    """Yield the differences of two dictionaries."""
    for id in one.keys() | other.keys():
        mine, its = (each.get(id, GONE) for each in (one, other))
        if mine != its:
            if isinstance(mine, dict) and isinstance(its, dict):
                for text in different(mine, its):
                    yield f'{id}/{text}'
            else:
                yield f'{id}: {mine} and {its}'
