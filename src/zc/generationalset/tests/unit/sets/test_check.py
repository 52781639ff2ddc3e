"""``check`` finds what is broken."""

import sys
import types
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.utils import p64

from zc.generationalset import GSet, check
from zc.generationalset.sets import btrees
from zc.generationalset.tests.support.things import Plain, Thing


class CheckTests(unittest.TestCase):

    def setUp(self):
        self.root = GSet()
        for id in 'abc':
            self.root.add(Thing(id))
        self.root.remove(Thing('c'))
        self.sub = GSet('sub')
        self.root.add(self.sub)
        self.sub.add(Thing('x'))
        self.sub.add(GSet('deep'))
        self.assertEqual(check(self.root), [])
        self.generations = self.root.generations

    def broken(self, *expected, gset=None):
        self.assertEqual(check(gset or self.root), list(expected))

    def test_index_without_object(self):
        del self.root.contents[self.generations['a']]
        self.broken("the set: 'a' has 2, where nothing is",
                    'the set: _length is 3, not 2')

    def test_object_without_index(self):
        self.root.contents[1] = Thing('d')
        self.broken('the set: contents has 1, which no id has',
                    'the set: _length is 3, not 4')

    def test_removal_without_index(self):
        self.root.removals[6] = 'd'
        self.broken('the set: removals has 6, which no id has',
                    'the set: _removed is 1, not 2')

    def test_removal_of_another_id(self):
        self.root.removals[5] = 'd'
        self.broken("the set: the removal at 5 is of 'd', not of 'c'")

    def test_object_and_removal(self):
        self.root.removals[2] = 'a'
        self.broken('the set: generation 2 is an object and a removal',
                    'the set: _removed is 1, not 2')

    def test_two_ids_at_one_generation(self):
        self.generations['b'] = 2
        self.broken("the set: 'b' and 'a' both have 2",
                    'the set: contents has 3, which no id has')

    def test_beyond_the_tree(self):
        self.root._journal.start = 7
        self.broken('the set: has 8, but the tree is at 7',
                    'sub: has 8, but the tree is at 7',
                    'sub/deep: joined at 8, which is yet to come')

    def test_floor(self):
        self.root._floor = 5
        self.broken('the set: the floor is 5, but the removal at 5 is not '
                    'forgotten')
        self.root._floor = 50
        self.broken('the set: the floor is 50, but the tree is at 8',
                    'the set: the floor is 50, but the removal at 5 is not '
                    'forgotten')

    def test_maximum_removals(self):
        self.root.__dict__['maximum_removals'] = None
        self.broken('the set: maximum_removals is None')

    def test_epoch(self):
        self.root._epoch = None
        self.broken('the tree has no epoch')

    def test_parents(self):
        self.sub.parent = None
        self.broken('sub: its parent is None, not its superset')

    def test_circle_of_parents(self):
        self.root.parent = self.sub
        self.assertIn('the supersets go in a circle', check(self.root))

    def test_id(self):
        self.sub.id = 'other'
        self.broken("sub: its id is 'other'",
                    'sub: has not joined its superset')

    def test_twice(self):
        self.root.contents[1] = self.sub
        self.generations['sub2'] = 1
        self.root._length += 1
        self.broken("sub2: its id is 'sub'", 'sub2: is in the tree twice')

    def test_journal_of_a_subset(self):
        self.sub._epoch = 'x'
        self.broken('sub: has a journal or an epoch, as only a root has')

    def test_not_joined(self):
        self.sub._born = None
        self.broken('sub: has not joined its superset')

    def test_records(self):
        journal = self.root._journal
        journal.records = ((('sub',), 'x', 1, 7, Plain('x')),
                           (('none',), 'x', 1, 0, Plain('x')),
                           ((), 'z', -1, 0, 99),
                           ((), 'new', 1, 5, GSet('new')))
        self.broken(
            "journal: at 9, (('sub',), 'x', 1, 7): the id was there before",
            "journal: at 10, (('none',), 'x', 1, 0): there is no such set",
            "journal: at 11, ((), 'z', -1, 0): the id was not there before",
            "journal: at 12, ((), 'new', 1, 5): a subset is in the journal",
            "journal: at 12, ((), 'new', 1, 5): the previous change was at 0, "
            "not 5")
        journal.records = (((), 'a', -1, 2, 99), ((), 'a', 1, 9, Plain('a')),
                           ((), 'a', 0, 10, Plain('a')))
        self.broken()
        journal.fixed = 12
        self.broken('journal: 12 was handed out, and is lost')

    def test_record_whose_previous_removal_is_forgotten(self):
        self.root._journal.records = (((), 'c', 1, 5, Plain('c')),)
        self.broken()
        btrees.forget(self.root, 5)
        self.broken()

    def test_backlog(self):
        journal = self.root._journal
        journal.records = (((), 'n', 1, 0, Plain('n')),)
        journal._move(self.root, journal.generation)
        self.broken()
        journal.start += 1
        self.broken('journal: starts at 10, its backlog ends at 9')

    def test_b_tree(self):
        with mock.patch('zc.generationalset.sets.audit.check_btree',
                        side_effect=AssertionError('bad')):
            self.broken(*(f'{path}: {name}: the B-tree is damaged: bad'
                          for path in ('the set', 'sub', 'sub/deep')
                          for name in ('contents', 'generations', 'removals')))

    def test_any_set_of_the_tree(self):
        self.sub._epoch = 'x'
        self.assertEqual(check(self.sub['deep']), check(self.root))

    def test_progress(self):
        gset = GSet()
        for number in range(25000):
            gset.add(Plain(number))
        counts = []
        self.assertEqual(check(gset, counts.append), [])
        self.assertEqual(counts, [10000, 20000])

    def test_missing_objects(self):
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        connection = db.open()
        self.addCleanup(transaction.abort)
        connection.root.gset = self.root
        transaction.commit()
        oid = self.sub.contents._p_oid
        connection.cacheMinimize()
        del db.storage._data[oid]
        self.broken(f'sub: an object is missing in the database, 0x'
                    f'{int.from_bytes(oid, "big"):02x}')
        self.assertEqual(p64(int.from_bytes(oid, 'big')), oid)

    def test_subsets_whose_class_is_not_loaded(self):
        """What is in them isn't checked, nor are records of it."""
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        shops = types.ModuleType('shops')
        shops.Shop = type('Shop', (GSet,), {'__module__': 'shops'})
        with mock.patch.dict(sys.modules, shops=shops):
            with db.transaction() as connection:
                connection.root.gset = self.root
                self.root.add(shops.Shop('shop'))
                self.root['shop'].add(GSet('inside'))
            for _ in range(2):
                with db.transaction() as connection:
                    gset = connection.root.gset['shop']
                    gset.add(Plain('a'))
                    gset['inside'].add(Plain('b'))
        db.cacheMinimize()
        with db.transaction() as connection:
            gset = connection.root.gset
            self.assertEqual(len(gset._journal.records), 4)
            self.broken('shop: not checked, since its class is not loaded: '
                        'shops.Shop', gset=gset)
