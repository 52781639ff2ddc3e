"""A source, its mirrors, and clients that ask any of them."""

import contextlib
from collections.abc import Mapping
from itertools import count

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, check, wire
from zc.generationalset.answers import Position, is_page
from zc.generationalset.mirror import Mirror, StoredMirror
from zc.generationalset.pages import LaterPlace, StalePlace
from zc.generationalset.replica import Misfit, Replica, SQLiteReplica
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import span_at
from zc.generationalset.tests.support.things import state


def ask(server, client):
    """Return the answer of a server to what a client has, as JSON."""
    updates = server.client_updates(client.generation, client.epoch)
    return wire.encode(updates, lambda thing: thing.version)


def plain(items):
    return {id: plain(item) if isinstance(item, Mapping) else item
            for id, item in items.items()}


def page(server, client, limit):
    """Return the next page of a server, as JSON, or else the first page.

    Raises LaterPlace if the server is behind.
    """
    def page_at(cursor):
        return server.client_page(
            client.generation, client.epoch,
            span_at(cursor, Position(server.epoch, server.generation), limit))

    try:
        updates = page_at(client.cursor)
        if client.cursor:
            updates['cursor'] = client.cursor
    except (StalePlace, StaleCursor):
        updates = page_at('')
    return wire.encode(updates, lambda thing: thing.version)


class InMemory:
    """A mirror that isn't stored."""

    def __init__(self):
        self.mirror = Mirror('http://source')
        self.replica = Asking(self.mirror)

    @contextlib.contextmanager
    def server(self):
        yield self.mirror

    close = audit = lambda self: None


class Asking:
    """A mirror, as the replica of a client."""

    def __init__(self, mirror):
        self.apply = mirror.apply
        self._mirror = mirror

    epoch = property(lambda self: self._mirror.asked.epoch)
    generation = property(lambda self: self._mirror.asked.generation)
    cursor = property(lambda self: self._mirror.cursor)


class Stored:
    """A mirror in a database, which is read anew each time."""

    def __init__(self):
        self.db = ZODB.DB(DemoStorage())
        self.replica = StoredMirror(self.db, 'mirror', 'http://source')

    @contextlib.contextmanager
    def server(self):
        connection = self.db.open(transaction.TransactionManager())
        try:
            yield connection.root().get(
                'mirror', Mirror('http://source'))
        finally:
            connection.transaction_manager.abort()
            connection.close()

    def audit(self):
        with self.server() as mirror:
            assert check(mirror.mirrored) == []
            assert plain(served(mirror)) == plain(items(mirror.mirrored))

    def close(self):
        self.db.close()


def served(server):
    replica = Replica()
    replica.apply(wire.decode(ask(server, replica)))
    return replica.items


def items(gset):
    """Return what is in the set of a mirror, read another way."""
    return {
        wire.decode_id(id): items(ob) if isinstance(ob, GSet) else ob.value
        for id, ob in gset.items()}


class World:
    """A source, its mirrors, and clients that ask any of them."""

    def __init__(self, source, kinds):
        self.source = source
        self.mirrors = [kind() for kind in kinds]
        self.clients = [Replica() for _ in range(6)]
        self.copiers = [
            Copier(Replica()), Copier(SQLiteReplica(':memory:'))]
        self.answers = []  # all that were given ...
        self.all = []  # ... and pages
        self.was = {}  # (epoch, generation) -> what the source had then
        self.remember()

    def remember(self):
        self.was[self.source.epoch, self.source.generation] = \
            state(self.source)

    @contextlib.contextmanager
    def server(self, number):
        """Have the source, number 0, or a mirror."""
        if number:
            with self.mirrors[number - 1].server() as mirror:
                yield mirror
        else:
            yield self.source

    def follow(self, number, source):
        """Let a mirror apply an answer of the source, or another mirror."""
        self.ask(self.mirrors[number - 1].replica, source)

    def turn_mirror(self, number, source, limit):
        """Let a mirror ask for a page."""
        self.remember()
        replica = self.mirrors[number - 1].replica
        with self.server(source) as server, contextlib.suppress(LaterPlace):
            if server.generation:
                self.all.append(page(server, replica, limit))
                replica.apply(wire.decode(self.all[-1]))
                assert replica.generation or replica.cursor

    def sync(self, client, number):
        self.ask(self.clients[client], number)
        self.compare(self.clients[client])

    def ask(self, replica, number):
        self.remember()
        with self.server(number) as server:
            if server.generation:
                self.answers.append(ask(server, replica))
                self.all.append(self.answers[-1])
                replica.apply(wire.decode(self.answers[-1]))
                assert replica.generation  # it lacks nothing

    def turn(self, copier, number, limit):
        """Let a client that takes pages ask for one."""
        self.remember()
        copier = self.copiers[copier]
        with self.server(number) as server, contextlib.suppress(LaterPlace):
            if server.generation:
                self.all.append(page(server, copier.replica, limit))
                copier.apply(self.all[-1])
                if copier.is_even:
                    self.compare(copier.replica)

    def compare(self, client):
        there = self.was.get((client.epoch, client.generation), {})
        if plain(client.items) != there:
            raise AssertionError(f'{client.items} != {there}')

    def deliver(self, client, age):
        """Let one of the last answers, to anybody, arrive at a client."""
        self.arrive(self.clients[client], self.answers[-1 - age:][:1])
        self.compare(self.clients[client])

    def deliver_to_copier(self, copier, age):
        """Let one of the last answers, or pages, arrive at a client."""
        with contextlib.suppress(Misfit):
            for answer in self.all[-1 - age:][:1]:
                self.copiers[copier].apply(answer)

    def deliver_to_mirror(self, number, age):
        self.arrive(self.mirrors[number - 1].replica, self.all[-1 - age:][:1])

    def arrive(self, replica, answers):
        with contextlib.suppress(Misfit):
            for answer in answers:
                replica.apply(wire.decode(answer))
                assert replica.generation or replica.cursor

    def converge(self):
        for number in range(1, len(self.mirrors) + 1):
            self.follow(number, number - 1)
            self.mirrors[number - 1].audit()
        for number in range(len(self.mirrors) + 1):
            for client in range(len(self.clients)):
                self.sync(client, number)
        for number in range(len(self.copiers)):
            self.turn_all(number)
        for client in [
                *self.clients, *[copier.replica for copier in self.copiers]]:
            assert client.epoch == self.source.epoch
            assert client.generation == self.source.generation

    def turn_all(self, number):
        """Let a client ask for pages, now here, now there, to the end."""
        copier = self.copiers[number]
        for turn in count():
            self.turn(number, turn % (len(self.mirrors) + 1), 2)
            if not copier.replica.cursor and turn > 99 and copier.is_even:
                break

    def close(self):
        for mirror in self.mirrors:
            mirror.close()
        self.copiers[1].replica.close()


class Copier:
    """A client that takes pages."""

    def __init__(self, replica):
        self.replica = replica
        self.epoch = None
        self.highest = 0  # the highest generation of a page

    def apply(self, answer):
        answer = wire.decode(answer)
        self.replica.apply(answer)
        assert self.replica.generation or self.replica.cursor
        if is_page(answer):
            if answer['epoch'] != self.epoch:
                self.epoch, self.highest = answer['epoch'], 0
            self.highest = max(self.highest, answer['generation'])

    @property
    def is_even(self):
        """Whether it has nothing that is newer than its generation."""
        replica = self.replica
        return not replica.cursor and (
            replica.epoch != self.epoch or replica.generation >= self.highest)
