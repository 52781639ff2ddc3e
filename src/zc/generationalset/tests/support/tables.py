"""SQL databases for tests."""

import json
import sqlite3
from contextlib import AbstractContextManager, closing

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position, SubsetUpdates
from zc.generationalset.replica import Replica
from zc.generationalset.sources import Write


def make(path, script):
    """Make an SQLite database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def track(database, *names, **options):
    """Begin to track tables of a database."""
    database.execute(database.plan_tracking(
        [table for table in database.tables() if str(table) in names],
        **options))


class Column:
    """A column of a table of a source, as a tree of its own.

    So what is tested with any source can be tested with tables.
    """

    def __init__(self, source, table, column):
        self._source = source
        self._place = table, column

    def __getattr__(self, name):
        return getattr(self._source, name)

    def snapshot(self):
        return _Snapshot(self._source.snapshot(), *self._place)

    def write(self, name, change):
        return self._source.write(name, self._change(change))

    def write_all(self, writes):
        return self._source.write_all([
            Write(name, self._change(change)) for name, change in writes])

    def _change(self, change):
        return lambda editor: change(_Editor(editor, *self._place))


class _View:

    def __init__(self, viewed, table, column):
        self._viewed = viewed
        self._table = table
        self._column = column

    def __getattr__(self, name):
        return getattr(self._viewed, name)

    def _value(self, item):
        value = item.value[self._column]
        return int(value) if value == int(value) else value


class _Snapshot(_View, AbstractContextManager):

    def __exit__(self, *error):
        return self._viewed.__exit__(*error)

    def updates(self, name, asked, parts=()):
        answer = self._viewed.updates(name, asked, parts)
        for listed in 'adds', 'contents':
            for entry in answer.pop(listed, ()):
                if isinstance(entry, SubsetUpdates):
                    answer |= self._updates(entry)
        return answer

    def _updates(self, updates):
        return {name: value if name == 'removals' else (
            (id, self._value(item)) for id, item in value)
            for name, value in updates.items() if name != 'id'}

    def item(self, name, path):
        return self._value(self._viewed.item(name, (self._table, *path)))

    def length(self, name, path):
        return self._viewed.length(name, (self._table, *path))


class _Editor(_View):

    def unchanged(self, path, position):
        return self._viewed.unchanged((self._table, *path), position)

    def item(self, path):
        return self._value(self._viewed.item((self._table, *path)))

    def length(self, path):
        return self._viewed.length((self._table, *path))

    def document(self, path):
        return json.dumps(self.item(path)).encode()

    def has(self, path, text):
        return self._viewed.has((self._table, *path), self._row(text))

    def put(self, path, text):
        return self._viewed.put((self._table, *path), self._row(text))

    def add(self, path, text):
        return self._viewed.add((self._table, *path), self._row(text))

    def _row(self, text):
        return json.dumps({self._column: json.loads(text)}).encode()

    def remove(self, path, is_set=None):
        self._viewed.remove((self._table, *path), is_set)


class Followers:
    """Replicas of a source, as far behind as you like.

    All must have what the tables have, whenever they ask.
    """

    def __init__(self, source, name=None):
        self._source = source
        self._name = name
        self.replicas = []

    def join(self):
        replica = Replica()
        self.replicas.append(replica)
        return replica

    def sync(self, *replicas):
        """Bring replicas up to date, and return the last answer."""
        with self._source.snapshot() as snapshot:
            whole = Replica()
            whole.apply(self._answer(snapshot, NOTHING))
            for replica in replicas or self.replicas:
                answer = self._answer(
                    snapshot, Position(replica.epoch, replica.generation))
                replica.apply(answer)
                if replica.items != whole.items:
                    raise AssertionError(
                        f'expected {whole.items}, got {replica.items} after '
                        f'{answer}')
        return answer

    def _answer(self, snapshot, position):
        return wire.decode(wire.encode(
            snapshot.updates(self._name, position)))
