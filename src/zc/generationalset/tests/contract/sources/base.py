"""What the contract needs of a source, and what its tests need."""

import json
import random

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.replica import Replica
from zc.generationalset.sources import Write

#: The name of the tree.
NAME = 'things'


def put(*path, value=0):
    return lambda editor: editor.put(path, json.dumps(value).encode())


def make_set(*path):
    return lambda editor: editor.make_set(path)


def remove(*path, is_set=None):
    return lambda editor: editor.remove(path, is_set)


def several(*changes):
    return lambda editor: [change(editor) for change in changes]


class Base:
    """What the contract needs of a test."""

    #: The source that is tested; it has an empty tree of this name.
    source = None
    #: Whether each write has a generation of its own.
    numbers_writes = True

    def write(self, *changes):
        """Change the tree, and return what the last change returns."""
        for change in changes:
            result = self.source.write(NAME, change)
        return result

    def write_all(self, *changes):
        """Make changes; return the result of each, or the error's type."""
        outcomes = self.source.write_all([
            Write(NAME, change) for change in changes])
        return [outcome.result if outcome.error is None
                else type(outcome.error) for outcome in outcomes]

    def write_elsewhere(self, change):
        """Change the tree, in another process if sources can do that."""
        self.write(change)

    def check_clients_from_everywhere(self, random_change):
        """Check that clients of any generation have the same after changes.

        random_change
            Called with a ``random.Random``; returns a change that is valid.
        """
        chance = random.Random(4)
        replicas = [Replica()]
        for _ in range(60):
            self.write_elsewhere(random_change(chance))
            self.source.catch_up()
            replica = Replica()
            self.sync(replica)
            for other in chance.sample(replicas, len(replicas) // 3):
                self.sync(other)
                self.assertEqual(other.items, replica.items)
            replicas.append(replica)

    def check_numbers(self, before, writes):
        """Check the generation after so many writes that changed something."""
        if not self.numbers_writes:
            writes = min(writes, self.position().generation - before) or 1
        self.assertEqual(self.position().generation, before + writes)

    def position(self):
        with self.source.snapshot() as snapshot:
            return snapshot.position(NAME)

    def read(self, asked):
        """Return an answer as a client gets it."""
        with self.source.snapshot() as snapshot:
            return wire.decode(wire.encode(snapshot.updates(NAME, asked)))

    def sync(self, replica):
        answer = self.read(Position(replica.epoch, replica.generation))
        replica.apply(answer)
        return answer

    def contents(self):
        replica = Replica()
        self.sync(replica)
        return replica.items

    def read_item(self, *path):
        with self.source.snapshot() as snapshot:
            return json.loads(wire.encode_value(snapshot.item(NAME, path)))

    def length(self, *path):
        with self.source.snapshot() as snapshot:
            return snapshot.length(NAME, path)

    def unchanged(self, position, *paths):
        """Return those of some paths that are as they were at a position."""
        return self.write(lambda editor: [
            path for path in paths if editor.unchanged(path, position)])
