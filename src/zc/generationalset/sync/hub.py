"""The hub: what the synchronizer remembers, in a ZODB.

Its sets, with the items that all stores agree on, conflicts, and what is held,
can be served like any others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from transaction import TransactionManager
from ZODB.POSException import ConflictError

from zc.generationalset import GSet, wire
from zc.generationalset.documents import Document
from zc.generationalset.merging import canonical
from zc.generationalset.sync.errors import Problem

#: Seconds for which a runner has the hub, unless it asks again.
LEASE = 60.0
#: What is said to a runner that comes too early.
TAKEN = (f'another runner has the hub; if it was killed, wait {LEASE:g} '
         'seconds')
#: How often a decision is tried to be written.
TRIES = 10
#: How many runs are remembered.
RUNS = 1000
#: How many items are in memory between commits.  With each come the buckets of
#: B-trees that it is in, 30 to 50 KB.
BATCH = 300


class LeaseLost(Problem):
    """Another runner has the hub."""


class Stopped(Problem):
    """A run was asked to end before it was done."""


class Decided(Problem):
    """Somebody has decided something else, which no run has followed yet.

    decision
        What was decided: the ``value`` of a field, if it is to have one, or
        the ``key`` of an item.
    """

    def __init__(self, decision: dict[str, Any]) -> None:
        self.decision = decision
        if 'key' in decision:
            told = f'item {decision["key"]}' if decision['key'] \
                else 'a new item'
        else:
            told = canonical(decision['value']) if 'value' in decision \
                else 'no value'
        super().__init__(
            f'somebody has decided already: {told}; the next run follows it')


class Hub:
    """What a synchronizer remembers.

    db
        The ``ZODB.DB``.
    name
        Where in the root of the database it is.
    is_exclusive
        Whether nobody else can have the database open, as with a FileStorage.
        Then a runner that was killed has no lease any more.
    """

    def __init__(
            self, db: Any, name: str = 'sync', is_exclusive: bool = False,
    ) -> None:
        self.db = db
        self.name = name
        self.is_exclusive = is_exclusive

    def session(
            self, clock: Callable[[], float], dry: bool,
            is_stopping: Callable[[], bool] = lambda: False,
            tell: Callable[[str], None] = lambda text: None) -> Session:
        """Return a session; ``dry`` ones never commit."""
        return Session(self, clock, dry, is_stopping, tell)

    def decide(self, subject: str, decision: dict[str, Any]) -> None:
        """Note what a person has decided; the next run follows it.

        Raises Decided if somebody has decided something else about the same.
        """
        def change(tree: Any) -> None:
            found = tree['decisions'].get(subject)
            old = decision if found is None else wire.decode_trusted(found)
            if canonical(old) != canonical(decision) \
                    and old.get('digest') == decision.get('digest'):
                raise Decided(old)
            tree['decisions'][subject] = wire.encode_value(decision)

        self._change(change)

    def undo(self, id: str) -> None:
        """Forget what was decided about something, before a run has followed
        it.  Raises KeyError if nothing was."""
        def change(tree: Any) -> None:
            found = [subject for subject in tree['decisions']
                     if subject.partition('/')[2] == id]
            if not found:
                raise KeyError(f'decision about {id}')
            for subject in found:
                del tree['decisions'][subject]

        self._change(change)

    def prepare(self) -> None:
        """Make the hub, if there is none."""
        self._change(lambda tree: None)

    def _change(self, change: Callable[[Any], None]) -> None:
        """Change the tree, again if that is in conflict with a runner."""
        for left in reversed(range(TRIES)):
            try:
                with self.db.transaction() as connection:
                    change(_tree(connection, self.name))
                return
            except ConflictError:
                if not left:
                    raise

    def decisions(self) -> dict[str, bytes]:
        """Return what persons have decided, and no run has followed yet."""
        with self.db.transaction() as connection:
            if self.name not in connection.root():
                return {}
            return dict(connection.root()[self.name]['decisions'])

    def listed(self, name: str) -> list[tuple[Any, Any]]:
        """Return the ids and values of a set: ``conflicts``, ``held``,
        ``stores`` or ``runs``."""
        with self.db.transaction() as connection:
            if self.name not in connection.root():
                return []
            return [(each.id, each.value) for each in
                    connection.root()[self.name]['sets'][name]]


def _tree(connection: Any, name: str) -> Any:
    """Return the hub in a database; make it if there is none."""
    root = connection.root()
    if name not in root:
        root[name] = tree = PersistentMapping()
        tree['sets'] = sets = GSet(name)
        for each in 'items', 'conflicts', 'held', 'stores', 'runs':
            sets.add(GSet(each, parent=sets))
        tree['lease'] = PersistentMapping(token=0, until=0.0)
        tree['next'] = PersistentMapping(key=1)
        tree['intents'] = LOBTree()
        for each in (
                'states', 'ids', 'counts', 'names', 'todo', 'inbox',
                'decisions'):
            tree[each] = OOBTree()
    return root[name]


class Session:
    """A connection to the hub, for one run.

    ``changed`` says whether there is something to commit, ``is_stopping``
    whether the run should end soon.  ``tell`` takes a text that says how far
    it is.
    """

    def __init__(
            self, hub: Hub, clock: Callable[[], float], dry: bool,
            is_stopping: Callable[[], bool],
            tell: Callable[[str], None]) -> None:
        self.clock = clock
        self.dry = dry
        self.is_stopping = is_stopping
        self.tell = tell
        self.changed = False
        self._in_memory = 0
        self._manager = TransactionManager()
        self._connection = hub.db.open(self._manager)
        self._token: int | None = None
        self.tree = _tree(self._connection, hub.name)
        self._may_break = hub.is_exclusive
        if not dry and self._is_taken():
            self.close()
            raise LeaseLost(TAKEN)

    @property
    def _lease(self) -> Any:
        return self.tree['lease']

    def _is_taken(self) -> bool:
        return not self._may_break and bool(
            self._lease['until'] > self.clock())

    def commit(self, items: int = BATCH) -> None:
        """Commit what has changed, if this session has the lease.

        All objects leave the memory after a batch, whether something has
        changed or not.  What a dry session has changed goes to a temporary
        file.

        This is where a run ends that is asked to.  Raises LeaseLost, and then
        Stopped.

        items
            How many items are in memory since the last commit.
        """
        if self.changed and self.dry:
            self._manager.savepoint(optimistic=True)
            self.changed = False
        elif self.changed:
            self._commit(LEASE)
        self._in_memory += items
        if self._in_memory >= BATCH:
            self._connection.cacheMinimize()
            self._in_memory = 0
        if self.is_stopping():
            raise Stopped('stopped; the next run goes on')

    def abort(self) -> None:
        """Forget what has changed since the last commit."""
        self._manager.abort()
        self.changed = False

    def _commit(self, seconds: float) -> None:
        try:
            self._hold(seconds)
            self._manager.commit()
        except ConflictError as error:
            self.abort()
            raise LeaseLost('another runner has changed the hub') from error
        self.changed = False

    def _hold(self, seconds: float) -> None:
        """Take the lease, keep it, or make sure that it is still here."""
        lease, now = self._lease, self.clock()
        if self._token is None:
            if self._is_taken():
                raise LeaseLost(TAKEN)
            self._token = lease['token'] = lease['token'] + 1
        else:
            self._check_token()
            if seconds and lease['until'] - now > seconds / 2:
                self._connection.readCurrent(lease)
                return
        lease['until'] = now + seconds

    def _check_token(self) -> None:
        """Raise LeaseLost if another runner has had the lease since.

        After a commit, this session may already see what others have committed
        during a pause.
        """
        if self._lease['token'] != self._token:
            raise LeaseLost('another runner has taken the hub')

    def check_or_take(self) -> None:
        """Make sure that this runner has the lease.

        This comes before each call that changes a store.  Raises LeaseLost.
        """
        if self._token is None:
            self.changed = True
            self.commit()
        self._check_token()
        if self._lease['until'] <= self.clock():
            raise LeaseLost('this runner was too slow to keep the hub')

    def release(self) -> None:
        """Give the lease back."""
        if self._token is not None:
            self._commit(0.0)
            self._token = None

    def close(self) -> None:
        self._manager.abort()
        self._connection.close()

    # Documents

    def documents(self, name: str) -> Any:
        """Return a set of documents."""
        return self.tree['sets'][name]

    def put(self, name: str, id: Any, value: Any) -> None:
        """Put a document into a set, if it isn't there already."""
        documents = self.documents(name)
        old = documents.get(id)
        new = Document(id, value)
        if old is None:
            documents.add(new)
        elif old.json != new.json:
            documents.changed(new)
        else:
            return
        self.changed = True

    def drop(self, name: str, id: Any) -> None:
        """Remove a document, if it is there."""
        documents = self.documents(name)
        if documents.get(id) is not None:
            del documents[id]
            self.changed = True

    def log(self, run: dict[str, Any]) -> None:
        """Remember what a run has done, unless it has done nothing, and found
        all as the last one did."""
        runs = self.documents('runs')
        last = max(runs.ids(), default=0)
        before = runs.get(last)
        # Earlier releases didn't remember what a run has left.
        if not run['count'] and not run['overruled'] and run['left'] == (
                before.value.get('left') if before else {}):
            return
        self.put('runs', last + 1, run)
        self.drop('runs', last + 1 - RUNS)

    # Decisions

    def decision(self, subject: str) -> Any:
        """Return what a person has decided, None if nothing."""
        found = self.tree['decisions'].get(subject)
        return None if found is None else wire.decode_trusted(found)

    def forget_decision(self, subject: str) -> None:
        if subject in self.tree['decisions']:
            del self.tree['decisions'][subject]
            self.changed = True


def portioned(tree: Any) -> Iterator[Any]:
    """Yield the keys of a B-tree, which may change meanwhile.

    Of a large one, only a part is in memory.
    """
    keys = list(itertools.islice(tree, BATCH))
    while keys:
        yield from keys
        if tree._p_jar is not None:
            tree._p_jar.cacheMinimize()
        keys = list(itertools.islice(
            tree.keys(min=keys[-1], excludemin=True), BATCH))
