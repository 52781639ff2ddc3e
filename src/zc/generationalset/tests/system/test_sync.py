"""Random histories of stores, people, and runs that are killed."""

import unittest

import ZODB
from hypothesis import given, note
from hypothesis import strategies as st

from zc.generationalset.merging import ABSENT, same
from zc.generationalset.sync import Hub, Synchronizer, Type
from zc.generationalset.tests.support.fake_stores import (
    FakeStore,
    Fate,
    Killed,
    Traits,
)
from zc.generationalset.tests.support.lagging_stores import (
    LAG,
    Lagging,
    LaggingStore,
)
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.synchronizing import (
    batches_of,
    mortal_commits,
)

FIELDS = 'text', 'number', 'extra'
TYPE = Type('note', {'name': 'str', 'text': 'str', 'number': 'int',
                     'extra': 'json'}, ['name'])
NAMES = st.sampled_from('abcd')
VALUES = {'text': st.sampled_from(['x', 'yyyy', 'yyyz', 'zzzzz', ABSENT]),
          'number': st.sampled_from([1, 2, ABSENT, None]),
          'extra': st.sampled_from([[1], {'a': True}, {'a': 1}, ABSENT])}
TRAITS = st.one_of(
    st.just(Traits()),
    st.just(Traits(conditional=True, deltas=True, repeatable=True,
                   tokens='good')),
    st.builds(
        Traits, conditional=st.booleans(), deltas=st.booleans(),
        repeatable=st.booleans(), answers=st.booleans(), lists=st.booleans(),
        batches=st.booleans(), versions=st.booleans(),
        tokens=st.sampled_from(['none', 'good', 'flaky']),
        cut=st.sampled_from([3, 100]), tells=st.just(True),
        drops=st.sampled_from([(), ('extra',)])))
#: Each may lag, too.
ANY_TRAITS = st.one_of(TRAITS, TRAITS, st.builds(
    Lagging, deltas=st.booleans(), repeatable=st.booleans(),
    cut=st.sampled_from([3, 100]), tells=st.just(True)))
STORES = st.integers(0, 2)


def edit_of(field):
    return st.tuples(st.just('edit'), STORES, NAMES, st.just(field),
                     VALUES[field])


EVENTS = st.one_of(
    st.tuples(st.just('add'), STORES, NAMES, st.fixed_dictionaries(
        {}, optional=VALUES)),
    *map(edit_of, FIELDS), *map(edit_of, FIELDS),
    st.tuples(st.just('remove'), STORES, NAMES),
    st.tuples(st.just('kill'), st.integers(0, 60)),
    st.tuples(st.just('lose_replies'), STORES, st.integers(0, 3)),
    st.tuples(st.just('away'), STORES),
    st.tuples(st.just('truncate'), STORES, st.integers(0, 2)),
    st.tuples(st.just('plan')),
    st.tuples(st.just('run_early'), st.sampled_from([0, 1, LAG / 2])),
    st.tuples(st.just('settle')))


class World:
    """Three stores, and what should be in them.

    ``expected`` has the fields of each name, as all stores should agree.
    ``shown`` is what each store had when all was settled.
    """

    def __init__(self, traits, names='ABC'):
        self.fate = Fate()
        self.now = 1e9
        self.stores = [self.made(name, each)
                       for name, each in zip(names, traits, strict=True)]
        self.notes = [store.accessors['note'] for store in self.stores]
        self.db = ZODB.DB(None)
        self.sync = Synchronizer(Hub(self.db), self.stores, [TYPE])
        self.sync.clock = self.clock
        self.sync.sleep = lambda seconds: None
        self.expected = {}
        self.shown = [{} for _ in self.stores]
        self.is_interrupted = False
        self.written = {}

    def made(self, name, traits):
        if isinstance(traits, Lagging):
            return LaggingStore(
                name, ['note'], self.fate, traits, self.clock)
        return FakeStore(name, ['note'], self.fate, traits)

    def clock(self):
        return self.now

    def run(self):
        """Run when all stores show what they have."""
        self.now += LAG
        return self.sync.run()

    # What people do

    def add(self, number, name, fields):
        notes = self.notes[number]
        if notes.traits.read_only or name in notes.by_name():
            return
        fields = {field: value for field, value in fields.items()
                  if value is not ABSENT}
        self.remember(name, fields)
        notes.person_adds(name=name, **fields)

    def edit(self, number, name, field, value):
        notes = self.notes[number]
        if name in notes.by_name():
            self.remember(name, {field: value})
            notes.person_edits(notes.by_name()[name], **{field: value})

    def remove(self, number, name):
        notes = self.notes[number]
        if name in notes.by_name():
            notes.person_removes(notes.by_name()[name])

    def remember(self, name, fields):
        for field, value in fields.items():
            self.written.setdefault((name, field), []).append(value)

    # Runs

    def kill(self, steps):
        """Run, and be killed at one of the calls and commits, if there are so
        many."""
        self.is_interrupted = True
        self.fate.left = steps
        try:
            self.sync.run()
        except Killed:
            self.now += 61
        self.fate.left = None

    def lose_replies(self, number, after):
        """Run; a store's replies are lost after so many changes."""
        self.is_interrupted = True
        self.notes[number].replies = after
        self.sync.run()
        self.notes[number].replies = None

    def away(self, number):
        """Run without a store."""
        self.is_interrupted = True
        self.stores[number].is_up = False
        assert self.sync.run().code == 2
        self.stores[number].is_up = True

    def truncate(self, number, limit):
        """Run; a store's listing ends early."""
        self.is_interrupted = True
        self.notes[number].limit = limit
        self.sync.run()
        self.notes[number].limit = None

    def run_early(self, seconds):
        """Run when stores that lag may still show what they had."""
        self.is_interrupted = True
        self.now += seconds
        self.sync.run()

    def plan(self):
        writes, last = self.fate.writes, self.db.lastTransaction()
        self.sync.plan()
        assert (writes, last) == (self.fate.writes, self.db.lastTransaction())

    def settle(self):
        """Run, resolve all conflicts, and look at everything."""
        expected = None if self.is_interrupted else self.foreseen()
        if self.is_interrupted:
            self.run()  # stores that lag are read only after what is repeated
        report = self.run()
        note(f'run: {report}')
        assert not report.failed + report.problems + report.held
        if expected is not None:
            conflicts = {(value['name'][0], value['field'])
                         for _, value in self.sync.status()['conflicts']}
            assert conflicts == expected.pop('conflicts'), expected
        for id in report.conflicts:
            [value] = [value for each, value
                       in self.sync.status()['conflicts'] if each == id]
            side = sorted([*value['sides'], *value['cleared']])[-1]
            self.sync.resolve_as(id, side)
            if expected is not None:
                fields = expected[value['name'][0]]
                fields[value['field']] = value['sides'].get(side, ABSENT)
        if report.conflicts:
            report = self.run()
            note(f'resolved: {report}')
        assert report.code == 0, report
        self.check_agreed(expected)
        self.check_quiet()
        self.shown = [self.contents(notes) for notes in self.notes]
        self.is_interrupted = False
        self.now += 86401

    def contents(self, notes):
        found = {fields['name']: dict(fields)
                 for fields in notes.items.values()}
        assert len(found) == len(notes.items), 'something was added twice'
        return found

    def agreed(self):
        with self.db.transaction() as connection:
            return {each.value['name']: each.value for each in
                    connection.root()['sync']['sets']['items']['note']}

    def check_agreed(self, expected):
        agreed = self.agreed()
        if expected is not None:
            plain = {name: {field: value for field, value in fields.items()
                            if value is not ABSENT}
                     for name, fields in expected.items()}
            assert same(agreed, plain), (agreed, plain)
        for name, fields in agreed.items():
            for field in FIELDS:
                value = fields.get(field, ABSENT)
                written = [ABSENT, *self.written.get((name, field), ())]
                assert any(same(value, each) or same(
                    value, each[:3] if isinstance(each, str) else each)
                    for each in written), (name, field, value)
        for notes in self.notes:
            contents = self.contents(notes)
            assert set(contents) == set(agreed), (contents, agreed)
            for name, fields in agreed.items():
                assert same(notes.stored(contents[name]),
                            notes.stored(fields)), (contents, agreed)

    def check_quiet(self):
        """Another run does nothing.

        The first one after changes sees echoes, and notes from where to read.
        """
        writes = self.fate.writes
        report = self.run()
        assert (report.steps, report.code) == ([], 0), report
        assert writes == self.fate.writes
        writes, last = self.fate.writes, self.db.lastTransaction()
        assert self.sync.plan().steps == []
        report = self.run()
        assert (report.steps, report.code) == ([], 0), report
        assert writes == self.fate.writes
        assert last == self.db.lastTransaction()

    # What should come of it

    def foreseen(self):
        """Return what stores should agree on, and where they can't."""
        result = {'conflicts': set()}
        shown = [self.contents(notes) for notes in self.notes]
        agreed = self.agreed() if 'sync' in self.names() else {}
        for name in {name for each in shown for name in each}:
            before = agreed.get(name)
            claims = self.claims(name, shown, before or {})
            gone = before is not None and any(
                name in old and name not in now
                for old, now in zip(self.shown, shown, strict=True))
            if gone and not claims:
                continue
            fields = {'name': name, **(before or {})}
            for field, values in claims.items():
                if any(not same(values[0], each) for each in values):
                    result['conflicts'].add((name, field))
                else:
                    fields[field] = values[0]
            result[name] = fields
        return result

    def names(self):
        with self.db.transaction() as connection:
            return set(connection.root())

    def claims(self, name, shown, before):
        """Return the new values of each field of a name."""
        found = {}
        for old, now in zip(self.shown, shown, strict=True):
            if name not in now:
                continue
            for field in FIELDS:
                value = now[name].get(field, ABSENT)
                if not same(value, old.get(name, {}).get(field, ABSENT)) \
                        and not same(value, before.get(field, ABSENT)):
                    found.setdefault(field, []).append(value)
        return found


class HistoryTests(unittest.TestCase):
    """These must hold, whatever stores can't do, and whenever runs are killed.

    All stores agree, but for what one can't hold; there is no value that
    nobody wrote (``World.check_agreed``).  A second run does nothing, and
    plans nothing (``check_quiet``).  Nothing is added twice (``contents``).
    No change is lost, unless it is in a conflict, and nothing else is
    (``foreseen``).  A plan writes nothing (``plan``).  After a kill, all this
    holds again.  The order of stores makes no difference, which is the second
    test.

    Guards and read-only stores have their tests in ``unit.sync``:
    ``test_guards``, and ``test_a_read_only_store`` in ``test_several``.
    """

    layer = Histories

    @tries(60)
    @given(st.tuples(ANY_TRAITS, ANY_TRAITS, ANY_TRAITS),
           st.lists(EVENTS, max_size=25))
    def test_histories(self, traits, events):
        world = World(traits)
        self.addCleanup(world.db.close)

        with batches_of(2), mortal_commits(world.fate):
            for name, *arguments in [*events, ('settle',)]:
                note(f'{name} {arguments}')
                getattr(world, name)(*arguments)

    @tries(20)
    @given(st.tuples(TRAITS, TRAITS, TRAITS), st.lists(EVENTS.filter(
        lambda event: event[0] not in ('kill', 'lose_replies')), max_size=15),
        st.permutations('ABC'))
    def test_the_order_of_stores_makes_no_difference(
            self, traits, events, names):
        outcomes = []
        for each in 'ABC', names:
            world = World(traits, each)
            for name, *arguments in events:
                if name == 'settle':
                    world.sync.run()
                else:
                    getattr(world, name)(*arguments)
            world.sync.run()
            outcomes.append((list(map(world.contents, world.notes)), {
                (value['name'][0], value['field'])
                for _, value in world.sync.status()['conflicts']}))
            world.db.close()
        self.assertTrue(same(outcomes[0][0], outcomes[1][0]), outcomes)
        self.assertEqual(outcomes[0][1], outcomes[1][1])
