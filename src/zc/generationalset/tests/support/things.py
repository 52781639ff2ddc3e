"""Items, and other helpers for tests of sets."""

import logging
import os
import traceback

import persistent
from ZODB.POSException import POSKeyError

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica


class Thing(persistent.Persistent):
    """An item; items with the same id and version are equal."""

    def __init__(self, id, version=0):
        self.id = id
        self.version = version

    def __repr__(self):
        return f'Thing({self.id!r}, {self.version!r})'


class Lost(Thing):
    """An item that can't be read."""

    def __wire__(self):
        raise POSKeyError(b'lost')


class Plain:
    """An item that is not persistent."""

    def __init__(self, id, version=0):
        self.id = id
        self.version = version

    def __repr__(self):
        return f'Plain({self.id!r}, {self.version!r})'


def add_subsets(gset):
    """Add the subsets a, b and c, each with a document x."""
    for name in 'abc':
        gset.add(GSet(name))
        gset[name].add(Document('x', name))


def state(gset):
    """Return what is in a set: id -> version, or a subset's state."""
    return {id: state(ob) if isinstance(ob, GSet) else ob.version
            for id, ob in gset.items()}


class Client(Replica):
    """A replica that is compared with the server at every update.

    Objects on the server change in place, so a client keeps copies.
    """

    def sync(self, gset):
        updates = gset.generational_updates(self.generation)
        self.apply(updates)
        if self.generation == 0:  # the replica was ahead of the server
            updates = gset.generational_updates(self.generation)
            self.apply(updates)
        if self.items != state(gset):
            raise AssertionError(
                f'{self.items} != {state(gset)} after {updates}')
        return updates

    def _with_id(self, ob):
        id, ob = super()._with_id(ob)
        return id, ob if isinstance(ob, dict) else ob.version


class ResolverErrors(logging.Handler):
    """Collects errors of conflict resolution that ZODB logs and hides."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.records = []

    def emit(self, record):
        self.records.append(self.format(record))

    def __enter__(self):
        logging.getLogger('ZODB.ConflictResolution').addHandler(self)
        return self

    def __exit__(self, *error):
        logging.getLogger('ZODB.ConflictResolution').removeHandler(self)
        if error[0] is None and self.records:
            raise AssertionError(self.records)


def forked(function):
    """Call a function in a child process; return the child's exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(updates):
    """Return updates with ids instead of items."""
    return {key: [plain(ob) if isinstance(ob, dict) else
                  getattr(ob, 'id', ob) for ob in value]
            if isinstance(value, list) else value
            for key, value in updates.items()}
