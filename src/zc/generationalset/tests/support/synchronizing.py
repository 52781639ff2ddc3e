"""A hub in memory, and fake stores with issues and people."""

from contextlib import ExitStack, contextmanager
from unittest import mock

import ZODB

from zc.generationalset.sync import (
    Hub,
    Synchronizer,
    Type,
    guards,
    hub,
    items,
    matching,
    reading,
    synchronizer,
)
from zc.generationalset.sync import round as rounds
from zc.generationalset.tests.support.fake_stores import (
    FakeStore,
    Fate,
    Killed,
    Traits,
)

PERSON = Type('person', {'name': 'str', 'boss': 'ref:person'}, ['name'])
ISSUE = Type('issue', {'title': 'str', 'state': 'str', 'by': 'ref:person',
                       'labels': 'set'}, ['title'])


class Synchronizing:
    """A mixin for tests: ``self.stores``, ``self.sync``, ``self.issues``."""

    types: tuple = (PERSON, ISSUE)
    traits: tuple = (Traits(), Traits())
    stores: list

    def setUp(self):
        super().setUp()
        self.fate = Fate()
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.now = 1e9
        self.make(*self.traits)

    def make(self, *traits):
        names = [type.name for type in self.types]
        self.stores = [
            FakeStore('ABCDEF'[number], names, self.fate, each)
            for number, each in enumerate(traits)]
        self.restart(self.types)

    def restart(self, types):
        self.sync = Synchronizer(Hub(self.db), self.stores, types)
        self.sync.clock = lambda: self.now
        self.sync.sleep = lambda seconds: None
        self.issues = [store.accessors['issue'] for store in self.stores
                       if 'issue' in store.accessors]
        self.people = [store.accessors['person'] for store in self.stores
                       if 'person' in store.accessors]

    def filled(self, count):
        for number in range(count):
            self.add(0, f'i{number}', state='open')
        self.settle()

    def add(self, number, title, /, **fields):
        return self.issues[number].person_adds(title=title, **fields)

    def edit(self, number, title, /, **fields):
        issues = self.issues[number]
        issues.person_edits(issues.by_name('title')[title], **fields)

    def remove(self, number, title):
        issues = self.issues[number]
        issues.person_removes(issues.by_name('title')[title])

    def run_killed(self, calls):
        """Run until so many calls and commits were made; tell whether there
        were so many."""
        self.fate.left = calls
        try:
            self.sync.run()
        except Killed:
            self.now += 61
            return True
        finally:
            self.fate.left = None
        return False

    def settle(self):
        """Run; everything must be right, and stay as it is."""
        report = self.sync.run()
        self.assertEqual(report.code, 0, report)
        again = self.sync.run()
        self.assertEqual((again.code, again.steps), (0, []), again)
        return report

    def contents(self, number=0, field='title'):
        """Return the items of a store by title, without references."""
        issues = self.issues[number].items.values()
        self.assertEqual(
            len({each[field] for each in issues}), len(issues))
        return {each[field]: {
            name: frozenset(value) if name == 'labels' else value
            for name, value in each.items() if name not in (field, 'by')}
            for each in issues}

    def assert_contents(self, contents):
        for number in range(len(self.issues)):
            self.assertEqual(self.contents(number), contents, number)


@contextmanager
def batches_of(size):
    """Commit after so many items."""
    with ExitStack() as stack:
        for module in guards, hub, items, matching, reading, rounds, \
                synchronizer:
            stack.enter_context(mock.patch.object(module, 'BATCH', size))
        yield


@contextmanager
def mortal_commits(fate):
    """Let runs be killed before and after commits, too."""
    commit = hub.Session._commit

    def mortal(session, seconds):
        fate.step()
        commit(session, seconds)
        fate.step()

    with mock.patch.object(hub.Session, '_commit', mortal):
        yield
