"""Trees of sets that change at random."""

from unittest import mock

import transaction
import ZODB
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, check
from zc.generationalset.sets.members import chain
from zc.generationalset.tests.support.things import Client, Plain, Thing, state

IDS = st.sampled_from('abcdef')
BOUNDS = st.sampled_from([0, 1, 3, 99])


class Tree(RuleBasedStateMachine):
    """A tree in memory, and a plain dictionary with what must be in it."""

    @initialize(maximum_removals=BOUNDS)
    def make(self, maximum_removals):
        self.version = 0
        self.root = GSet(maximum_removals=maximum_removals)
        self.expected = {}
        self.alone = []  # subsets that were removed, with what is in them
        self.clients = [Client(), Client(), Client()]

    def item(self, id, kind=Thing):
        self.version += 1
        return kind(id, self.version)

    def places(self):
        """Return all sets of the tree, and what must be in them."""
        places = [(self.root, self.expected)]
        for gset, items in places:
            places += [(gset[id], inside) for id, inside in items.items()
                       if isinstance(inside, dict)]
        return places

    def place(self, data):
        return data.draw(st.sampled_from(self.places()), 'set')

    def lose(self, gset, items, id):
        """Note that the object of an id goes."""
        ob = gset.get(id)
        if isinstance(ob, GSet):
            self.alone.append((ob, items[id]))

    @rule(data=st.data(), id=IDS, kind=st.sampled_from([Thing, Plain]))
    def add(self, data, id, kind):
        gset, items = self.place(data)
        self.put(gset, items, id, kind)

    def put(self, gset, items, id, kind=Thing):
        self.lose(gset, items, id)
        item = self.item(id, kind)
        gset.add(item)
        items[id] = item.version

    @rule(data=st.data(), id=IDS)
    def change(self, data, id):
        gset, items = self.place(data)
        if isinstance(items.get(id), int):
            item = gset[id]
            self.version += 1
            items[id] = item.version = self.version
            gset.changed(item)

    @rule(data=st.data(), id=IDS)
    def remove(self, data, id):
        gset, items = self.place(data)
        if id in items:
            self.lose(gset, items, id)
            del gset[id], items[id]

    @rule(data=st.data(), id=IDS, count=st.integers(0, 3), bound=BOUNDS)
    def add_subset(self, data, id, count, bound):
        gset, items = self.place(data)
        self.lose(gset, items, id)
        subset = GSet(id, maximum_removals=bound)
        for item_id in 'abcdef'[:count]:
            subset.add(self.item(item_id))
        if count > 2:
            del subset['a']
        gset.add(subset)
        items[id] = state(subset)

    @rule(data=st.data(), id=IDS)
    def make_subset_with_parent(self, data, id):
        gset, items = self.place(data)
        self.lose(gset, items, id)
        subset = GSet(id, gset, maximum_removals=1)
        generation = gset.generation
        subset.add(self.item('a'))
        assert gset.generation == generation + 1
        items[id] = state(subset)

    @precondition(lambda self: self.alone)
    @rule(data=st.data())
    def add_subset_again(self, data):
        gset, items = self.place(data)
        subset, inside = self.alone.pop()
        self.lose(gset, items, subset.id)
        gset.add(subset)
        items[subset.id] = inside

    @precondition(lambda self: self.alone)
    @rule(id=IDS)
    def change_removed_subset(self, id):
        subset, inside = self.alone[-1]
        self.put(subset, inside, id)

    @rule(data=st.data())
    def move(self, data):
        gset, items = self.place(data)
        moved, inside = self.place(data)
        if moved in chain(gset) or moved.parent is gset:
            return
        _, outside = next(place for place in self.places()
                          if place[0] is moved.parent)
        self.lose(gset, items, moved.id)
        gset.add(moved)
        del outside[moved.id]
        items[moved.id] = inside

    @rule(data=st.data(), bound=BOUNDS)
    def set_maximum_removals(self, data, bound):
        self.place(data)[0].maximum_removals = bound

    @rule(client=st.integers(0, 2))
    def sync(self, client):
        self.clients[client].sync(self.root)

    @rule(data=st.data(), id=IDS)
    def sync_subset_alone(self, data, id):
        """Update a client that knows only one subset."""
        gset, _ = self.place(data)
        client = Client()
        client.sync(gset)
        other, items = self.place(data)
        self.put(other, items, id)
        if any(gset is other for other, _ in self.places()):
            client.sync(gset)

    @invariant()
    def is_as_expected(self):
        assert state(self.root) == self.expected
        for gset, items in self.places():
            assert len(gset) == len(items)

    @invariant()
    def never_lists_more_removals_than_are_kept(self):
        for gset, _ in self.places():
            removals = gset.generational_updates(0).get('removals', ())
            assert len(removals) <= gset.maximum_removals

    def teardown(self):
        for client in [*self.clients, Client()]:
            client.sync(self.root)
            client.sync(self.root)
        assert check(self.root) == []
        for subset, inside in self.alone:
            if subset.parent is None:
                assert check(subset) == []
                assert state(subset) == inside


class StoredTree(Tree):
    """A tree in a database, with small journals."""

    @initialize(maximum_removals=BOUNDS)
    def make(self, maximum_removals):
        super().make(maximum_removals)
        self.patch = mock.patch.multiple(
            'zc.generationalset.sets.journal',
            SLICE=2, KEEP=1, BACKLOG=4, BULK=5)
        self.patch.start()
        self.db = ZODB.DB(DemoStorage())
        self.connection = self.db.open()
        self.connection.root.gset = self.root
        self.connection.root.alone = []
        transaction.commit()

    @rule()
    def commit(self):
        self.connection.root.alone = [subset for subset, _ in self.alone]
        transaction.commit()

    @rule()
    def forget(self):
        self.commit()
        self.connection.cacheMinimize()

    def teardown(self):
        self.commit()
        try:
            super().teardown()
        finally:
            transaction.abort()
            self.connection.close()
            self.db.close()
            self.patch.stop()


SETTINGS = settings(
    max_examples=50, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck))
Tree.TestCase.settings = StoredTree.TestCase.settings = SETTINGS
