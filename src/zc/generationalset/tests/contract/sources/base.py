"""What the contract needs of a source, and what its tests need."""

import json

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.replica import Replica

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

    def write(self, *changes):
        """Change the tree, and return what the last change returns."""
        for change in changes:
            result = self.source.write(NAME, change)
        return result

    def write_elsewhere(self, change):
        """Change the tree, in another process if sources can do that."""
        self.write(change)

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
