"""The journal: which conflicts resolve, and what is written when."""

import ast
import inspect
import io
import itertools
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.ConflictResolution import PersistentReference
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError

from zc.generationalset import GSet, check
from zc.generationalset.sets import journal as journals
from zc.generationalset.sets import transactions
from zc.generationalset.sets.journal import Journal
from zc.generationalset.sets.records import pack, unpack
from zc.generationalset.tests.support.things import (
    Client,
    Plain,
    ResolverErrors,
    Thing,
)


def side(start, *ids, path=(), **more):
    """Return the state of a journal with records of some ids."""
    objects = (PersistentReference((b'%8d' % number, Thing))
               for number in itertools.count())
    records = tuple((path, id, 1, 0, ob)
                    for id, ob in zip(ids, objects, strict=False))
    return {'start': start, **pack(records), **more}


def records_of(state):
    return unpack(state)


def ids(state):
    return [id for _, id, *_ in unpack(state)]


class RuleTests(unittest.TestCase):
    """Each rule of conflict resolution, without a database."""

    def resolve(self, old, committed, new):
        return Journal.__new__(Journal)._p_resolveConflict(
            old, committed, new)

    def conflict(self, why, old, committed, new):
        with self.assertRaisesRegex(ConflictError, why):
            self.resolve(old, committed, new)

    def test_different_ids(self):
        state = self.resolve(
            side(5, 'a'), side(5, 'a', 'b'), side(5, 'a', 'c', 'd'))
        self.assertEqual((state['start'], ids(state)), (5, list('abcd')))
        self.assertEqual(state['resolved'], 7)

    def test_same_id(self):
        self.conflict('both transactions changed', side(5, 'a'),
                      side(5, 'a', 'b'), side(5, 'a', 'c', 'b'))

    def test_same_id_in_different_sets(self):
        state = self.resolve(side(5), side(5, 'b', path=('x',)),
                             side(5, 'b', path=('y',)))
        self.assertEqual(ids(state), ['b', 'b'])

    def test_ids_that_can_not_be_compared(self):
        self.conflict('not be compared', side(5), side(5, 'b'), side(5, 1))

    def test_ids_that_are_references(self):
        one, other = (PersistentReference((b'%8d' % number, Thing))
                      for number in (1, 2))
        self.conflict('not be compared', side(5), side(5, one),
                      side(5, other))
        self.conflict('both', side(5), side(5, one), side(5, one))

    def test_handed_out(self):
        self.conflict('handed out', side(5, 'a'), side(5, 'a', 'b'),
                      side(5, 'a', 'c', fixed=7))
        self.resolve(side(5, 'a', fixed=6), side(5, 'a', 'b', fixed=7),
                     side(5, 'a', 'c', fixed=6))

    def test_committed_side_moved_records_of(self):
        self.conflict('new records were moved', side(5, 'a'), side(7),
                      side(5, 'a', 'c'))

    def test_own_new_records_moved(self):
        self.conflict('new records were moved', side(5, 'a'),
                      side(5, 'a', 'b'), side(7))

    def test_committed_side_moved_old_records(self):
        state = self.resolve(
            side(5, 'a', 'b'), side(6, 'b', 'c', backlog=1),
            side(5, 'a', 'b', 'd', backlog=0))
        self.assertEqual((state['start'], state['backlog'], ids(state)),
                         (6, 1, list('bcd')))

    def test_own_side_moved_old_records(self):
        state = self.resolve(
            side(5, 'a', 'b'), side(5, 'a', 'b', 'c', backlog=0),
            side(6, 'b', 'd', backlog=1))
        self.assertEqual((state['start'], state['backlog'], ids(state)),
                         (6, 1, list('bcd')))

    def test_both_sides_moved_records(self):
        self.conflict('both transactions moved', side(5, 'a', 'b'),
                      side(6, 'b', 'c'), side(7, 'd'))
        self.conflict('both transactions moved', side(5, 'a', 'b'),
                      side(6, 'b', 'c'), side(6, 'b', 'd'))

    def test_undo(self):
        self.conflict('undo', side(5, 'a', 'b'), side(5, 'a', 'b', 'c'),
                      side(5, 'a'))
        self.conflict('undo', side(5, 'a', 'b'), side(5, 'a'),
                      side(5, 'a', 'b', 'c'))

    def test_previous_changes(self):
        """They are renumbered too, if they are this transaction's own."""
        new = {'start': 5, **pack((
            ((), 'a', 1, 3, None), ((), 'b', 1, 2, None),
            ((), 'b', 0, 7, None), ((), 'a', 0, 6, None)))}
        old = {'start': 5, **pack(records_of(new)[:1])}
        state = self.resolve(old, {**old, **pack(
            (*records_of(old), ((), 'c', 1, 0, None)))}, new)
        self.assertEqual(
            [(id, previous)
             for _, id, _, previous, _ in records_of(state)],
            [('a', 3), ('c', 0), ('b', 2), ('b', 8), ('a', 6)])

    def test_turns(self):
        old = side(5, 'a')
        for before, theirs, mine, after in [
                (None, None, (1, 5), (1, 5)),
                (None, (2, 5), (1, 5), (2, 5)),
                (None, (2, 5), None, (2, 5)),
                ((3, 4), (3, 4), None, None),
                ((3, 4), None, (3, 4), None),
                ((3, 4), (2, 5), (1, 5), (2, 5))]:
            state = self.resolve(
                {**old, 'turn': before}, side(5, 'a', 'b', turn=theirs),
                side(5, 'a', 'c', turn=mine))
            self.assertEqual(state['turn'], after)

    def test_paths_are_pickled_once(self):
        committed = side(5, 'a', path=('long path',))
        new = side(5, 'b', path=('long path',))
        state = self.resolve(side(5), committed, new)
        self.assertEqual(state['ids'].count(b'long path'), 1)


class MutationTests(unittest.TestCase):
    """Without any one of its rules, the resolver fails a test."""

    def run_rules(self, source):
        namespace = dict(vars(journals))
        exec(compile(source, '<mutated>', 'exec'), namespace)
        mutated = namespace['Journal']._p_resolveConflict
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(RuleTests)
        with mock.patch.object(Journal, '_p_resolveConflict', mutated):
            return unittest.TextTestRunner(io.StringIO()).run(suite)

    def test_rules(self):
        tree = ast.parse(inspect.getsource(journals))
        self.assertTrue(self.run_rules(ast.unparse(tree)).wasSuccessful())
        raises = [node for node in ast.walk(tree) if isinstance(
            node, ast.Raise) and 'ConflictError' in ast.unparse(node)]
        self.assertEqual(len(raises), 6)
        for node in raises:
            mutated = ast.unparse(tree).replace(ast.unparse(node), 'pass')
            self.assertNotEqual(mutated, ast.unparse(tree))
            with self.subTest(removed=ast.unparse(node)):
                self.assertFalse(self.run_rules(mutated).wasSuccessful())


class StoredJournalTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        self.addCleanup(transaction.abort)
        self.connection = self.db.open()
        self.gset = self.connection.root.gset = GSet()
        self.gset.add(GSet('sub'))
        transaction.commit()
        errors = ResolverErrors()
        errors.__enter__()
        self.addCleanup(errors.__exit__, None, None, None)

    @property
    def journal(self):
        return self.gset._journal

    def written(self):
        """Commit, and return what kinds of objects were written."""
        seen = []
        with mock.patch.object(
                self.db.storage.changes, 'store',
                side_effect=self.db.storage.changes.store) as store:
            transaction.commit()
            for call in store.mock_calls:
                seen.append(type(self.connection.get(call.args[0])).__name__)
        return sorted(seen)

    def test_a_change_writes_the_journal_alone(self):
        self.gset['sub'].add(Plain('a'))
        self.assertEqual(self.written(), ['Journal'])
        self.gset['sub'].remove(Plain('a'))
        self.assertEqual(self.written(), ['Journal'])

    def test_first_change_of_a_stored_tree(self):
        self.gset.add(Plain('a'))
        self.assertEqual(len(self.journal.records), 1)
        other = self.connection.root.other = GSet()
        other.add(Plain('a'))
        transaction.commit()
        self.assertEqual(other._journal.records, ())
        other.changed(other['a'])
        self.assertEqual(len(other._journal.records), 1)

    def test_items_that_equal_anything(self):
        self.gset.add(mock.ANY, 'a')
        transaction.commit()
        self.gset.changed(mock.ANY, 'a')
        self.assertEqual(len(self.gset), 2)

    def test_turns_of_connections(self):
        me = transactions.token(self.connection)
        for token in me - 1, me + 1:
            self.journal.turn = token, 5
            self.assertFalse(self.journal._is_my_turn(5))
            self.assertFalse(self.journal._is_my_turn(68))
            self.assertEqual(self.journal.turn, (token, 5))
            self.assertFalse(self.journal._is_my_turn(69))
            self.assertEqual(self.journal.turn, (me, 70))
        self.assertFalse(self.journal._is_my_turn(69))
        self.assertTrue(self.journal._is_my_turn(70))

    def test_records_go_to_the_backlog_and_then_to_the_b_trees(self):
        longest = backlog = settled = 0
        for number in range(300):
            self.gset['sub'].add(Plain(number))
            transaction.commit()
            longest = max(longest, len(self.journal.records))
            backlog = max(backlog, len(self.journal.backlog.records)
                          if self.journal.backlog is not None else 0)
            settled = len(self.gset['sub'].contents)
        self.assertEqual(longest, journals.SLICE)
        self.assertEqual(backlog, journals.BACKLOG)
        self.assertGreater(settled, 150)
        self.assertEqual(len(self.gset['sub']), 300)
        self.assertEqual(check(self.gset), [])

    def test_bulk(self):
        for number in range(journals.BULK + 10):
            self.gset.add(Plain(str(number)))
        self.assertEqual(self.journal.records, ())
        self.assertGreater(self.journal.start, journals.BULK)
        transaction.commit()
        self.gset.add(Plain('one more'))
        self.assertEqual(len(self.journal.records), 1)
        self.assertEqual(check(self.gset), [])

    def test_bulk_with_an_id_that_can_not_be_compared(self):
        for number in range(journals.BULK + 10):
            self.gset.add(Plain(str(number)))
        generation = self.gset.generation
        with self.assertRaisesRegex(TypeError, 'can be compared'):
            self.gset.add(Plain(5))
        self.assertEqual(self.gset.generation, generation)
        self.assertEqual(check(self.gset), [])

    def test_old_clients_and_new_ones_cost_what_they_should(self):
        for number in range(50):
            self.gset['sub'].add(Thing(number))
            transaction.commit()
        generation = self.gset.generation
        self.connection.cacheMinimize()
        self.gset.generational_updates(generation)
        self.gset.generational_updates(generation - 1)
        self.assertEqual(self.loaded(), {'GenerationalSet', 'Journal'})
        self.gset.generational_updates(generation - 30)
        self.assertEqual(self.loaded(),
                         {'GenerationalSet', 'Journal', 'Backlog'})

    def test_clients_behind_the_checkpoint_do_not_load_the_index(self):
        for number in range(1000):
            self.gset.add(Thing(number), str(number))
        transaction.commit()
        for number in range(0, 1000, 6):
            self.gset.changed(self.gset[str(number)], str(number))
            transaction.commit()
        generation = self.gset.generation
        self.connection.cacheMinimize()
        for lag in 30, 90, 150:
            updates = self.gset.generational_updates(generation - lag)
            self.assertEqual(len(updates['adds']), lag)
        self.assertLess(self.gset._journal.base, generation - 30)
        self.assertGreater(self.gset._journal.base, generation - 150)
        self.assertNotIn('OLBucket', self.loaded())

    def loaded(self):
        return {type(ob).__name__
                for _, ob in self.connection._cache.lru_items()
                if ob is not self.connection.root()}

    def writers(self, count):
        managers = [transaction.TransactionManager() for _ in range(count)]
        for manager in managers:
            self.addCleanup(manager.abort)
        return [(manager, self.db.open(manager).root.gset)
                for manager in managers]

    def test_writers_take_turns(self):
        """While writers compete, only one of them moves records."""
        writers = self.writers(4)
        moved = []
        move = Journal._move

        def moving(self, root, upto):
            moved.append(self._p_jar)
            move(self, root, upto)

        with mock.patch.object(Journal, '_move', moving):
            for number in range(40):
                for writer, (_, gset) in enumerate(writers):
                    gset.add(Thing(f'{number}-{writer}'))
                before = len(moved)
                for manager, _ in writers:
                    manager.commit()
                self.assertLessEqual(len(moved) - before, 1)
        self.assertGreater(len(moved), 4)
        writers[0][0].abort()
        client = Client()
        client.sync(writers[0][1])
        self.assertEqual(len(client.items), 161)
        self.assertEqual(check(writers[0][1]), [])

    def test_writers_that_do_not_come_back(self):
        for number in range(journals.TOO_MANY + 20):
            (one, first), (other, second) = self.writers(2)
            first.add(Thing(f'{number}-1'))
            second.add(Thing(f'{number}-2'))
            other.commit()
            try:
                one.commit()
            except ConflictError:
                one.abort()  # both moved records
            self.assertLessEqual(
                len(first._journal.records), journals.TOO_MANY + 2)
        self.assertGreater(first._journal.start, journals.TOO_MANY)

    def test_writers_stop_competing(self):
        (one, first), (other, second) = self.writers(2)
        first.add(Thing('a'))
        second.add(Thing('b'))
        one.commit()
        other.commit()
        other.abort()
        for number in range(journals.MEMORY + 40):
            first.add(Thing(str(number)))
            one.commit()
        self.assertLessEqual(len(first._journal.records), journals.SLICE)

    def test_an_abandoned_journal_conflicts(self):
        """Its set joined a tree while somebody changed it."""
        with self.db.transaction() as connection:
            connection.root.alone = GSet('alone')
        (one, first), (other, second) = self.writers(2)
        first.add(first._p_jar.root.alone)
        second._p_jar.root.alone.add(Thing('lost'))
        one.commit()
        with self.assertRaises(ConflictError):
            other.commit()

    def test_structure_conflicts_with_changes(self):
        for structural in (
                lambda gset: gset.add(GSet('new')),
                lambda gset: gset.remove(gset['sub']),
                lambda gset: GSet('newer', gset).add(Thing('a'))):
            for order in (0, 1), (1, 0):
                (one, first), (other, second) = pairs = self.writers(2)
                structural(first)
                second.add(Thing('x'))
                pairs[order[0]][0].commit()
                with self.assertRaises(ConflictError):
                    pairs[order[1]][0].commit()
                one.abort(), other.abort()
                with self.db.transaction() as connection:
                    gset = connection.root.gset
                    for id in list(gset.ids()):
                        gset.discard(id)
                    gset.add(GSet('sub'))
