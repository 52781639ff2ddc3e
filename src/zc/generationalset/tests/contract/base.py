"""The base of the contract's tests: a storage, and helpers."""

from typing import Any

import ZODB
from ZODB.POSException import ConflictError
from zope.testing import setupstack

from zc.generationalset import GSet, check
from zc.generationalset.tests.support import writers
from zc.generationalset.tests.support.things import (
    Client,
    ResolverErrors,
    Thing,
    state,
)

#: The state() with which every test begins.
BEGINNING: dict[str, Any] = {'a': 0, 'b': 0, 'c': 0, 's': {'d': 0, 'e': 0}}


def put(id, version=0, of=None):
    """Return a function that puts an item into a tree, or into its subset."""
    def change(tree):
        (tree if of is None else tree[of]).add(Thing(id, version))
    return change


def touch(id, version, of=None):
    """Return a function that changes an item."""
    def change(tree):
        gset = tree if of is None else tree[of]
        gset[id].version = version
        gset.changed(gset[id])
    return change


def remove(id):
    """Return a function that removes an id, if it is there."""
    def change(tree):
        tree.discard(id)
    return change


class Base:
    """The base of the contract's tests: a storage, and helpers."""

    #: Whether conflicts are resolved at all.
    resolves = True
    resolves_plain_items = True

    def open_storage(self):
        raise NotImplementedError

    def open_dbs(self):
        """Open two databases, as clients of one storage if it has clients."""
        db = ZODB.DB(self.open_storage())
        return db, db

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.resolver_errors = ResolverErrors()
        setupstack.context_manager(self, self.resolver_errors)
        self.set_up_storage()
        self.open()
        self.clients = []
        self.client()  # a new client
        self.create_tree()
        self.sync(self.client())

    def create_tree(self):
        self.create_tree_in(self.dbs[0])

    def create_tree_in(self, db):
        with writers.Session(db) as session:
            session.begin()
            tree = session.connection.root.tree = GSet(maximum_removals=3)
            for id in 'abc':
                tree.add(Thing(id))
            subset = GSet('s', tree, maximum_removals=3)
            for id in 'de':
                subset.add(Thing(id))
            session.commit()

    def set_up_storage(self):
        """Prepare what the storage needs before it is opened."""

    def tear_down_storage(self):
        """Check what is left when the storage is closed."""

    def forget_resolver_errors(self):
        self.resolver_errors.records.clear()

    def tearDown(self):
        try:
            self.close()
            self.tear_down_storage()
        finally:
            setupstack.tearDown(self)

    def open(self):
        self.dbs = self.open_dbs()

    def close(self):
        for db in set(self.dbs):
            db.close()

    def client(self):
        client = Client()
        self.clients.append(client)
        return client

    def sync(self, client):
        with self.session() as session:
            return client.sync(session.tree)

    def settle(self):
        """Wait until all clients of the storage know of all commits."""

    def session(self, number=0):
        self.settle()
        session = writers.Session(self.dbs[number])
        session.begin()
        return session

    def transact(self, *changes):
        with self.session() as session:
            for change in changes:
                change(session.tree)
            session.commit()

    def generation(self):
        with self.session() as session:
            return session.tree.generation

    def race(self, first, second, between=lambda: None):
        """Let two transactions overlap.

        Return whether the second one conflicted, and was made again.
        """
        with self.session(0) as one, self.session(1) as two:
            first(one.tree)
            second(two.tree)
            one.commit()
            between()
            try:
                two.commit()
            except ConflictError:
                two.abort()
                self.settle()
                two.begin()
                second(two.tree)
                two.commit()
                return True
            return False

    def assert_resolved(self, conflicted):
        self.assertEqual(conflicted, not self.resolves)

    def verify(self, expected):
        """Assert that all is well.

        ``expected`` has the items that changed; None is for those that are
        gone.
        """
        expected = {id: what for id, what in (BEGINNING | expected).items()
                    if what is not None}
        for number in 0, 1:
            with self.session(number) as session:
                tree = session.tree
                self.assertEqual(check(tree), [])
                self.assertEqual(state(tree), expected)
                for client in [Client(), *self.clients]:
                    client.sync(tree)
