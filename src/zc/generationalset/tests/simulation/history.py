"""The contents of the server's set at each of its generations."""

from functools import lru_cache
from hashlib import blake2b

from zc.generationalset import GSet, wire
from zc.generationalset.replica import Subset
from zc.generationalset.replica.sqlite_items import StoredSet

#: The texts for no item, and for a set; no JSON text equals them.
GONE = b'-'
SET = b'+'


def of_set(gset, decoded=lambda key: key):
    """Return the contents of a set and its subsets: path -> text."""
    state = {}
    _collect_set(gset, (), state, decoded)
    return state


def _collect_set(gset, path, state, decoded):
    for id, ob in gset.items():
        inner = (*path, decoded(id))
        if isinstance(ob, GSet):
            state[inner] = SET
            _collect_set(ob, inner, state, decoded)
        else:
            state[inner] = ob.json


def of_replica(items, path=()):
    """Return the same for a replica's items."""
    state = {}
    for id, item in items.items():
        if isinstance(item, Subset | StoredSet):
            state[(*path, id)] = SET
            state.update(of_replica(item, (*path, id)))
        else:
            state[(*path, id)] = wire.encode_value(item)
    return state


@lru_cache(100_000)
def digest(path, text):
    """Return a number for an item; the sum of all represents a state."""
    data = repr(path).encode() + b'\0' + text
    return int.from_bytes(blake2b(data, digest_size=8).digest(), 'big')


class History:
    """Reads the set after each commit, independently of what is tested.

    db
        Knows each commit at once.
    """

    def __init__(self, report):
        self._report = report
        self.db = None
        self.state = {}
        self.position = None, 0
        #: Position and state before the last commit.
        self.before = self.position, self.state
        #: (epoch, generation) -> digest
        self.digests = {}
        #: Each (path, text) that ever was there, and each path.
        self._seen = set()
        self._paths = set()

    def read(self):
        with self.db.transaction() as connection:
            gset = connection.root()['set']
            return (gset.epoch, gset.generation), of_set(gset)

    def observe(self):
        """Note what the last commit has changed."""
        if self.db is not None:
            self.before = self.position, self.state
            self.look()
            self._report.count('commits in the database')

    def look(self):
        """Note what is there now."""
        before = self.state
        self.position, self.state = self.read()
        for path, text in self.state.items():
            if before.get(path) != text:
                self._seen.add((path, text))
                self._paths.add(path)
        for path in before:
            if path not in self.state:
                self._seen.add((path, GONE))
        number = sum(digest(*each) for each in self.state.items())
        known = self.digests.setdefault(self.position, number)
        if known != number:
            self._report.difference(f'{self.position} is two states')

    def had(self, change):
        """Tell whether a path ever had the text of a change, or was GONE."""
        path, text = change
        return change in self._seen or (
            text == GONE and path not in self._paths)

    def check(self, who, epoch, generation, number):
        """Compare what a replica has with what the server had."""
        if self.digests.get((epoch, generation)) != number:
            self._report.difference(
                f'{who}: differs at {epoch}:{generation}, the server is at '
                f'{self.position}')
