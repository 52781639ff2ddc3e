"""Stores that show old states for a while, as if copies answered."""

import contextlib
import itertools

from zc.generationalset.tests.support.fake_stores import (
    FakeAccessor,
    FakeStore,
    Traits,
)

#: For how many seconds.
LAG = 5.0


class Lagging(Traits):
    """The traits of a store that lags."""


class LaggingAccessor(FakeAccessor):
    """``clock`` returns the time."""

    clock = None

    def __init__(self, type, fate, traits):
        super().__init__(type, fate, traits)
        self.states = []  # when each began, its items and their changes
        self.lags = itertools.cycle([LAG, LAG / 2, 0, LAG, 0])

    def note(self, id):
        super().note(id)
        self.states.append(
            (self.clock(), dict(self.items), dict(self.changed)))

    @contextlib.contextmanager
    def earlier(self):
        """Have an earlier state, which a copy still has."""
        now = self.items, self.changed
        since = self.clock() - next(self.lags)
        self.items, self.changed = next((
            (items, changed) for began, items, changed
            in reversed(self.states) if began <= since), ({}, {}))
        try:
            yield
        finally:
            self.items, self.changed = now

    def find(self, cursor=None):
        with self.earlier():
            return super().find(cursor)

    def count(self):
        with self.earlier():
            return super().count()

    def get(self, id):
        with self.earlier():
            return super().get(id)


class LaggingStore(FakeStore):

    make_accessor = LaggingAccessor
    settles = LAG

    def __init__(self, name, types, fate, traits, clock):
        super().__init__(name, types, fate, traits)
        for each in self.accessors.values():
            each.clock = clock
