"""Writers, for tests: in threads, or each in a process of its own.

``python -m zc.generationalset.tests.support.writers '{"kind": "zeo", ...}'``
is a writer; ``start_writers`` starts some.
"""

import copy
import json
import random
import subprocess
import sys
from collections import Counter
from unittest import mock

import transaction
from transaction.interfaces import TransientError

from zc.generationalset import GSet
from zc.generationalset.tests.support.storages import (
    open_db,
    python,
    stop,
)
from zc.generationalset.tests.support.things import (
    Client,
    Plain,
    ResolverErrors,
    Thing,
)

#: Constants of the journal that make everything happen often.
SMALL = {'SLICE': 4, 'KEEP': 2, 'TOO_MANY': 12, 'BACKLOG': 8, 'BULK': 20,
         'MEMORY': 12}

SHARED_SETS = 's0', 's1'
SHARED_ITEMS = 'n0', 'n1', 'n2'


def small_journal():
    return mock.patch.multiple(  # type: ignore[call-overload]
        'zc.generationalset.sets.journal', **SMALL)


class Session:
    """A connection with transactions of its own, and the tree in it."""

    def __init__(self, db):
        self.transactions = transaction.TransactionManager()
        self.connection = db.open(self.transactions)

    @property
    def tree(self):
        return self.connection.root.tree

    def begin(self):
        self.transactions.begin()

    def commit(self):
        self.transactions.commit()

    def abort(self):
        self.transactions.abort()

    def savepoint(self):
        return self.transactions.get().savepoint()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.abort()
        self.connection.close()


# Storages


def create(db, maximum_removals=5):
    """Store a tree, and return its generation."""
    with Session(db) as session:
        session.begin()
        tree = GSet(maximum_removals=maximum_removals)
        for id in SHARED_SETS:
            tree.add(GSet(id, maximum_removals=maximum_removals))
        for id in SHARED_ITEMS:
            tree.add(Plain(id))
        session.connection.root.tree = tree
        generation = tree.generation
        session.commit()
    return generation


class Writer:
    """Makes random changes, and knows what the result must be.

    All writers use the same sets.  Most ids begin with the number of their
    writer.  The others are counters, which show whether a change was lost.
    """

    def __init__(self, number, seed):
        self._number = number
        self._own_set = f'w{number}'
        self._random = random.Random(f'{seed}/{number}')
        self._client = Client()
        self.items = {}  # (id of subset or None, id) -> version
        self.counts = Counter()
        self.changes = 0
        self.conflicts = 0

    def run(self, db, transactions):
        with Session(db) as session:
            for _ in range(transactions):
                while not self.commit_changes(session):
                    self.conflicts += 1
                if self._random.random() < .2:
                    session.begin()
                    self._client.sync(session.tree)

    def commit_changes(self, session):
        """Try to commit a transaction; return whether that succeeded."""
        attempt = copy.copy(self)
        attempt.items = dict(self.items)
        attempt.counts = Counter(self.counts)
        attempt._client = copy.deepcopy(self._client)
        try:
            attempt.change(session)
            session.commit()
        except TransientError:
            session.abort()
            return False
        self.__dict__.update(attempt.__dict__)
        return True

    def change(self, session):
        """Make some changes in a new transaction."""
        session.begin()
        tree = session.tree
        for _ in range(self._random.randint(1, 3)):
            self._change(tree)
            if self._random.random() < .1:
                session.savepoint()
        self._respond(tree)

    def _change(self, tree):
        choice = self._random.random()
        if choice < .1:
            self._count(tree)
        elif choice < .12:
            self._replace_set(tree)
        else:
            self._change_item(tree)
        self.changes += 1

    def _respond(self, tree):
        """Now and then, give a client its updates as part of a change."""
        choice = self._random.random()
        since = self._client.generation
        if choice < .1:
            self._client.apply(tree.provisional_updates(since))
        elif choice < .15:
            self._client.sync(tree)

    def _count(self, tree):
        id = self._random.choice(SHARED_ITEMS)
        tree.add(Plain(id, tree[id].version + 1))
        self.counts[id] += 1

    def _replace_set(self, tree):
        """Remove a subset that only this writer uses, or add one."""
        name = self._own_set
        if name in tree:
            del tree[name]
            self.items = {key: version for key, version in self.items.items()
                          if key[0] != name}
        else:
            # The subset and its item join together, as one change.
            GSet(name, tree, maximum_removals=2).add(Thing('first', 1))
            self.items[name, 'first'] = 1

    def _change_item(self, tree):
        name = self._random.choice((None, *SHARED_SETS, self._own_set))
        if name not in tree:
            name = None
        gset = tree if name is None else tree[name]
        id = f'{self._number}-{self._random.randrange(12)}'
        version = self.items.get((name, id), 0)
        if version and self._random.random() < .4:
            gset.remove(gset[id])
            del self.items[name, id]
        else:
            self._put(gset, id, version + 1)
            self.items[name, id] = version + 1

    def _put(self, gset, id, version):
        item = gset.get(id)
        if isinstance(item, Thing):
            item.version = version
            gset.changed(item)
        else:
            # An object that isn't persistent is replaced.  If it were changed
            # in place, it would stay changed in the cache when this is
            # aborted.
            gset.add(self._random.choice((Thing, Plain))(id, version))


def expected_state(writers):
    """Return the state() that must result from what writers did."""
    expected = {id: {} for id in SHARED_SETS}
    for id in SHARED_ITEMS:
        expected[id] = sum(writer.counts[id] for writer in writers)
    for writer in writers:
        for (name, id), version in writer.items.items():
            where = expected
            if name is not None:
                where = expected.setdefault(name, {})
            where[id] = version
    return expected


# Writers in processes


def start_writers(case, count, **arguments):
    """Start writers; a test case stops them if it fails."""
    processes = []
    for number in range(count):
        processes.append(python(
            '-m', __name__, json.dumps({**arguments, 'number': number}),
            stdout=subprocess.PIPE, text=True))
        case.addCleanup(stop, processes[-1])
    return processes


def finished(process):
    """Return a writer as it was at the end of its process."""
    output, _ = process.communicate(timeout=300)
    if process.returncode:
        raise AssertionError(f'a writer ended with {process.returncode}')
    result = json.loads(output)
    writer = Writer(None, None)
    writer.items = {(name, id): version
                    for name, id, version in result.pop('items')}
    writer.counts = Counter(result.pop('counts'))
    writer.__dict__.update(result)
    return writer


def main(kind, address, number, seed, transactions):
    writer = Writer(number, seed)
    db = open_db(kind, address)
    try:
        with ResolverErrors(), small_journal():
            writer.run(db, transactions)
    finally:
        db.close()
    print(json.dumps({
        'items': [(*key, version) for key, version in writer.items.items()],
        'counts': writer.counts,
        'changes': writer.changes,
        'conflicts': writer.conflicts,
    }))


if __name__ == '__main__':
    main(**json.loads(sys.argv[1]))
