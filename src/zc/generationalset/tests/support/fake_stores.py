"""Stores with the faults and limits that real ones have."""

import contextlib
import copy
import itertools
from dataclasses import dataclass

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync import (
    Accessor,
    Capabilities,
    Changes,
    Data,
    Gone,
    Listed,
    Stale,
    Store,
    Unavailable,
)


class Killed(BaseException):
    """The process was killed."""


class Fate:
    """Kills the runner before or after so many calls and commits.

    ``meanwhile`` is called before each call.
    """

    def __init__(self):
        self.left = None
        self.meanwhile = lambda: None
        self.writes = 0

    def step(self):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed


@dataclass(frozen=True)
class Traits:
    """What a store is like.

    cut
        How many letters of a text it keeps.
    tells
        Whether it declares what it makes of what it is given.
    answers
        Whether an update answers with what is stored.
    lists
        Whether it lists tokens instead of items, if they are good.
    drops
        Fields that it doesn't keep.
    versions
        Whether it tells a version, the same whenever its items are the same.
    batches
        Whether it stores what a batch has done when the batch ends.
    """

    conditional: bool = False
    deltas: bool = False
    repeatable: bool = False
    tokens: str = 'none'  # or 'good', or 'flaky'
    cut: int = 100
    tells: bool = False
    answers: bool = True
    lists: bool = False
    drops: tuple = ()
    read_only: bool = False
    batches: bool = False
    versions: bool = False


class FakeStore(Store):

    @staticmethod
    def make_accessor(type, fate, traits):
        return FakeAccessor(type, fate, traits)

    def __init__(self, name, types, fate, traits=Traits()):
        super().__init__(name, {
            type: self.make_accessor(type, fate, traits) for type in types},
            traits.read_only)
        self.is_up = True
        self.number = 1
        self.traits = traits
        self.fate = fate
        self.writes_batches = lambda: None

    def identity(self):
        if not self.is_up:
            raise Unavailable('down')
        return f'{self.name} {self.number}'


    @contextlib.contextmanager
    def batch(self):
        if not self.traits.batches:
            yield
            return
        before = [(each, copy.deepcopy(
            (each.items, each.added, each.changed)))
            for each in self.accessors.values()]
        try:
            yield
            self.fate.step()
            self.writes_batches()
        except BaseException:
            for each, state in before:
                each.items, each.added, each.changed = state
            raise
        self.fate.step()


class FakeAccessor(Accessor):
    """A store's items.  ``items`` has what is stored; people write with
    ``person_adds``, ``person_edits`` and ``person_removes``."""

    def __init__(self, type, fate, traits):
        self.capabilities = Capabilities(
            traits.conditional, traits.deltas, traits.repeatable)
        self.type = type
        self.fate = fate
        self.traits = traits
        self.items = {}
        self.hidden = set()  # ids that a listing leaves out
        self.limit = None  # of how many items a listing has
        self.refused = lambda data: None
        self.added = {}
        self.changed = {}  # the number of the last change, for deltas
        self.count_of_changes = itertools.count(1)
        self.calls = []
        self.flakes = itertools.count()
        self.replies = None  # how many are not lost

    # People

    def person_adds(self, **fields):
        id = len(self.changed) + 1
        self.items[id] = self.stored(fields)
        self.note(id)
        return id

    def person_edits(self, id, **fields):
        kept = {field: value
                for field, value in {**self.items[id], **fields}.items()
                if value is not ABSENT}
        self.items[id] = self.stored(kept)
        self.note(id)

    def person_removes(self, id):
        del self.items[id]
        self.note(id)

    def by_name(self, field='name'):
        return {fields[field]: id for id, fields in self.items.items()}

    def stored(self, fields):
        return {field: value[:self.traits.cut]
                if isinstance(value, str) and field != 'name' else value
                for field, value in fields.items()
                if field not in self.traits.drops}

    def note(self, id):
        self.changed[id] = next(self.count_of_changes)

    # The synchronizer

    def call(self, name, *arguments):
        self.fate.meanwhile()
        self.fate.step()
        self.calls.append((name, *arguments))

    def done(self):
        self.fate.writes += 1
        self.fate.step()
        if self.replies is not None:
            self.replies -= 1
            if self.replies < 0:
                raise Unavailable('the reply was lost')

    def data(self, id):
        token = {'none': None, 'good': str(self.changed[id]),
                 'flaky': f'{self.changed[id]}.{next(self.flakes)}'}[
                     self.traits.tokens]
        return Data(self.type, id, self.items[id], token)

    def normal(self, fields):
        return self.stored(fields) if self.traits.tells else fields

    def version(self, known):
        if not self.traits.versions:
            return None
        self.call('version', known)
        return canonical([[id, self.items[id]] for id in sorted(self.items)])

    def find(self, cursor=None):
        self.call('find', cursor)
        now = str(max(self.changed.values(), default=0))
        if cursor is None or not self.traits.deltas:
            listed = [id for id in self.items if id not in self.hidden]
            return Changes([self.found(id) for id in listed[:self.limit]],
                           True, lambda: now)
        return Changes(
            [self.found(id) if id in self.items else Gone(id)
             for id, number in self.changed.items() if number > int(cursor)],
            False, lambda: now)

    def found(self, id):
        data = self.data(id)
        is_listed = self.traits.lists and self.traits.tokens == 'good'
        return Listed(id, data.token) if is_listed else data

    def count(self):
        self.call('count')
        return len(self.items)

    def get(self, id):
        self.call('get', id)
        if id not in self.items:
            raise Gone(id)
        return self.data(id)

    def add(self, data, key):
        self.call('add', data)
        assert not self.traits.read_only
        self.refused(data)
        id = self.added.get(key) if self.traits.repeatable else None
        if id not in self.items:
            id = self.added[key] = self.person_adds(**data.fields)
        self.done()
        return self.data(id)

    def update(self, id, patch, token):
        self.call('update', id, patch)
        assert not self.traits.read_only
        self.check(id, token)
        self.person_edits(id, **patch)
        self.done()
        return self.data(id) if self.traits.answers else None

    def remove(self, id, token):
        self.call('remove', id)
        assert not self.traits.read_only
        self.check(id, token)
        self.person_removes(id)
        self.done()

    def check(self, id, token):
        if id not in self.items:
            raise Gone(id)
        if self.traits.conditional and token is not None \
                and token.split('.')[0] != str(self.changed[id]):
            raise Stale(token)
