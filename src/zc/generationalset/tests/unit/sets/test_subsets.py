"""Joining, leaving and moving."""

import unittest

import transaction
import ZODB

from zc.generationalset import GSet, SGSet, VGSet, check
from zc.generationalset.tests.support.things import Client, Thing, plain, state


class SubsetTests(unittest.TestCase):
    """In memory; a subclass stores everything."""

    def setUp(self):
        self.root = self.stored(GSet())
        self.client = Client()

    def stored(self, gset):
        return gset

    def tearDown(self):
        self.client.sync(self.root)
        Client().sync(self.root)
        self.assertEqual(check(self.root), [])

    def updates(self, generation=0, gset=None):
        return plain((self.root if gset is None else gset)
                     .generational_updates(generation))

    def filled(self, id, *ids, **options):
        subset = GSet(id, **options)
        for item_id in ids:
            subset.add(Thing(item_id))
        return subset

    def test_parent_is_joined_at_the_first_change(self):
        subset = GSet('sub', self.root)
        self.assertEqual(self.root.generation, 1)
        self.assertNotIn('sub', self.root)
        self.assertIs(subset.parent, self.root)
        self.assertEqual(subset.generation, 1)
        subset.add(Thing(1))
        self.assertEqual(self.updates(), {
            'generation': 2, 'adds': [{'id': 'sub', 'adds': [1]}]})
        self.assertIs(self.root['sub'], subset)

    def test_parents_are_joined_at_the_first_change(self):
        one = GSet('one', self.root)
        two = GSet('two', one)
        two.add(Thing(1))
        self.assertEqual(self.updates(), {
            'generation': 2,
            'adds': [{'id': 'one', 'adds': [{'id': 'two', 'adds': [1]}]}]})

    def test_parent_that_can_not_have_the_id(self):
        self.root.add(Thing('a'))
        subset = GSet(1, self.root)
        with self.assertRaisesRegex(TypeError, 'can be compared'):
            subset.add(Thing('b'))
        self.assertEqual((len(subset), self.root.generation), (0, 2))

    def test_nothing_moves_into_a_set_that_can_not_join(self):
        self.root.add(Thing('a'))
        other = self.stored(GSet())
        moved = self.filled('moved', 1)
        other.add(moved)
        pending = GSet(1, self.root)
        with self.assertRaisesRegex(TypeError, 'can be compared'):
            pending.add(moved)
        self.assertIs(moved.parent, other)
        self.assertEqual(state(other), {'moved': {1: 0}})

    def test_populated_subset_joins(self):
        self.root.add(Thing('a'))
        subset = self.filled('sub', *range(10))
        self.client.sync(self.root)
        self.root.add(subset)
        self.assertEqual(self.root.generation, 12)
        self.assertIsNone(subset._journal)
        self.assertEqual(self.updates(2), {
            'generation': 12,
            'adds': [{'id': 'sub', 'adds': list(range(10))}]})
        subset.remove(subset[3])
        self.assertEqual(self.updates(12), {
            'generation': 13, 'adds': [{'id': 'sub', 'removals': [3]}]})

    def test_one_that_replaces_another(self):
        self.root.add(self.filled('sub', 'a', 'b'))
        self.root['sub'].add(GSet('deep'))
        self.root['sub']['deep'].add(Thing('old'))
        self.client.sync(self.root)
        generation = self.root.generation
        old, new = self.root['sub'], self.filled('sub', 'b')
        new.add(self.filled('deep', 'new'))
        self.root.add(new)
        self.assertIsNone(old.parent)
        self.assertEqual(self.updates(generation)['adds'], [{
            'id': 'sub',
            'contents': ['b', {'id': 'deep', 'contents': ['new']}]}])
        old.add(Thing('z'))
        self.assertEqual(state(self.root),
                         {'sub': {'b': 0, 'deep': {'new': 0}}})

    def test_replaces_one_that_was_removed(self):
        self.root.add(self.filled('sub', 'a'))
        self.client.sync(self.root)
        del self.root['sub']
        self.root.add(GSet('sub'))
        self.assertEqual(
            self.updates(self.client.generation)['adds'],
            [{'id': 'sub', 'contents': []}])

    def test_replaces_one_whose_removal_is_forgotten(self):
        self.root.maximum_removals = 0
        self.root.add(self.filled('sub', 'a'))
        self.client.sync(self.root)
        del self.root['sub']
        self.root.add(GSet('sub'))
        self.assertEqual(
            self.updates(self.client.generation)['contents'],
            [{'id': 'sub', 'contents': []}])

    def test_replaces_an_item(self):
        self.root.add(Thing('sub'))
        self.client.sync(self.root)
        self.root.add(GSet('sub'))
        self.client.sync(self.root)
        self.root.add(Thing('sub', 2))
        self.client.sync(self.root)
        self.assertEqual(self.client.items, {'sub': 2})

    def test_removed_subset_is_on_its_own(self):
        subset = self.filled('sub', 'a')
        self.root.add(subset)
        generation, epoch = self.root.generation, self.root.epoch
        del self.root['sub']
        self.assertIsNone(subset.parent)
        self.assertEqual(subset.generation, generation + 1)
        self.assertNotIn(subset.epoch, (epoch, None))
        subset.add(Thing('b'))
        self.assertEqual(subset.generation, generation + 2)
        self.assertEqual(self.root.generation, generation + 1)
        self.assertEqual(len(self.root), 0)
        self.assertEqual(check(subset), [])

    def test_joins_again(self):
        subset = self.filled('sub', 'a')
        self.root.add(subset)
        self.client.sync(self.root)
        epoch = subset.epoch
        del self.root['sub']
        subset.remove(subset['a'])
        subset.add(Thing('b'))
        self.root.add(subset)
        self.client.sync(self.root)
        self.assertEqual(self.client.items, {'sub': {'b': 0}})
        self.assertNotEqual(subset.epoch, epoch)

    def test_moves_to_another_superset(self):
        for id in 'ab':
            self.root.add(GSet(id))
        a, b = self.root['a'], self.root['b']
        moved = self.filled('moved', 1, 2)
        a.add(moved)
        self.client.sync(self.root)
        generation = self.root.generation
        b.add(moved)
        self.assertIs(moved.parent, b)
        self.assertEqual(self.root.generation, generation + 2)
        self.assertEqual(state(self.root),
                         {'a': {}, 'b': {'moved': {1: 0, 2: 0}}})

    def test_moves_to_another_tree(self):
        other = self.stored(GSet(maximum_removals=2))
        moved = self.filled('moved', 1)
        other.add(moved)
        client = Client()
        client.sync(other)
        self.root.add(moved)
        client.sync(other)
        self.assertEqual(client.items, {})
        self.assertEqual(check(other), [])

    def test_moves_before_it_joined(self):
        other = self.stored(GSet())
        subset = GSet('sub', other)
        self.root.add(subset)
        subset.add(Thing(1))
        self.assertEqual(len(other), 0)
        self.assertEqual(state(self.root), {'sub': {1: 0}})

    def test_added_again(self):
        subset = self.filled('sub', 'a')
        self.root.add(subset)
        generation = self.root.generation
        self.root.add(subset)
        self.root.changed(subset)
        self.assertEqual(self.root.generation, generation + 2)
        self.assertEqual(self.updates(generation)['adds'], [{'id': 'sub'}])

    def test_changed_with_another_subset(self):
        self.root.add(self.filled('sub', 'a'))
        self.client.sync(self.root)
        self.root.changed(self.filled('sub', 'b'))
        self.client.sync(self.root)
        self.assertEqual(self.client.items, {'sub': {'b': 0}})
        with self.assertRaises(KeyError):
            self.root.changed(GSet('other'))

    def test_ids(self):
        with self.assertRaisesRegex(TypeError, 'expected an id for <Gen'):
            self.root.add(GSet())
        with self.assertRaisesRegex(
                ValueError, "expected the id of the subset, 'a', got 'b'"):
            self.root.add(GSet('a'), 'b')
        subset = GSet()
        self.root.add(subset, 'b')
        self.assertEqual(subset.id, 'b')
        self.root.remove(subset)
        self.root.add(subset, 'b')
        strings = SGSet('strings')
        self.root.add(strings)
        strings.add(GSet(5))
        self.assertEqual(strings['5'].id, 5)
        strings['5'].add(Thing(1))
        values = VGSet('values')
        self.root.add(values)
        values.add(GSet('x'))
        self.assertEqual(list(values.ids()), ['x'])
        values.clear()
        strings.clear()

    def test_circles(self):
        one, two = GSet('one'), GSet('two')
        self.root.add(one)
        one.add(two)
        generation = self.root.generation
        for subset, superset in (one, one), (one, two):
            with self.assertRaisesRegex(ValueError, 'into itself'):
                superset.add(subset)
        with self.assertRaisesRegex(ValueError, 'into itself'):
            self.root.add(self.root, 'root')
        self.assertEqual(self.root.generation, generation)
        self.assertIsNone(self.root.id)

    def test_a_deep_tree(self):
        gset = self.root
        for depth in range(20):
            subset = GSet(depth)
            gset.add(subset)
            gset = subset
        gset.add(Thing('bottom'))
        self.client.sync(self.root)
        gset.changed(gset['bottom'])
        self.client.sync(self.root)


class StoredSubsetTests(SubsetTests):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.addCleanup(transaction.abort)
        self.connection = self.db.open()
        super().setUp()

    def stored(self, gset):
        self.connection.root.sets = [
            *getattr(self.connection.root, 'sets', ()), gset]
        transaction.commit()
        return gset

    def updates(self, generation=0, gset=None):
        transaction.commit()
        self.connection.cacheMinimize()
        return super().updates(generation, gset)


class AlgebraTests(unittest.TestCase):

    def make(self, *ids, version=0, **options):
        gset = GSet(**options)
        for id in ids:
            gset.add(Thing(id, version))
        return gset

    def setUp(self):
        self.left = self.make('a', 'b', 'c', version=1, maximum_removals=5)
        self.right = self.make('b', 'c', 'd', version=2)

    def operate(self, expected, changes, new, in_place):
        left = state(self.left), self.left.generation
        right = state(self.right), self.right.generation
        result = new(self.left, self.right)
        self.assertEqual(state(result), expected)
        self.assertIsNone(result.parent)
        self.assertIs(type(result), GSet)
        self.assertEqual(result.maximum_removals, 5)
        self.assertEqual((state(self.left), self.left.generation), left)
        gset = self.left
        result = in_place(gset, self.right)
        self.assertIs(result, gset)
        self.assertEqual(state(gset), expected)
        self.assertEqual(gset.generation, left[1] + changes)
        self.assertEqual((state(self.right), self.right.generation), right)
        self.assertEqual(check(gset), [])

    def test_union(self):
        self.operate({'a': 1, 'b': 1, 'c': 1, 'd': 2}, 1,
                     GSet.__or__, GSet.__ior__)

    def test_intersection(self):
        self.operate({'b': 1, 'c': 1}, 1, GSet.__and__, GSet.__iand__)

    def test_difference(self):
        self.operate({'a': 1}, 2, GSet.__sub__, GSet.__isub__)

    def test_symmetric_difference(self):
        self.operate({'a': 1, 'd': 2}, 3, GSet.__xor__, GSet.__ixor__)

    def test_with_itself(self):
        gset = self.left
        for operator in GSet.__ior__, GSet.__iand__:
            operator(gset, gset)
            self.assertEqual((len(gset), gset.generation), (3, 4))
        gset -= gset
        self.assertEqual((len(gset), gset.generation), (0, 7))
        gset = self.right
        gset ^= gset
        self.assertEqual(len(gset), 0)

    def test_comparisons(self):
        small, same, big = (self.make(*ids) for ids in ('ab', 'ab', 'abc'))
        self.assertTrue(small <= same and small >= same and small <= big)
        self.assertTrue(small < big and big > small and big >= small)
        self.assertFalse(small < same or small > same or big <= small)
        self.assertFalse(self.left <= self.right or self.left >= self.right)
        self.assertNotEqual(small, same)
        self.assertEqual(small, small)
        self.assertEqual(len({small, same}), 2)

    def test_isdisjoint(self):
        self.assertFalse(self.left.isdisjoint(self.right))
        self.assertTrue(self.left.isdisjoint(self.make('x', 'y')))
        self.assertTrue(self.left.isdisjoint(self.make(1, 2)))
        self.assertTrue(self.left.isdisjoint(['x', Thing('y')]))
        self.assertFalse(self.left.isdisjoint([Thing('a')]))

    def test_other_things_are_no_operands(self):
        for other in {'a'}, [], None:
            for operation in (
                    '__or__', '__and__', '__sub__', '__xor__', '__ior__',
                    '__iand__', '__isub__', '__ixor__', '__le__', '__ge__',
                    '__lt__', '__gt__'):
                self.assertIs(getattr(self.left, operation)(other),
                              NotImplemented)

    def test_type_and_settings_of_the_left(self):
        strings = SGSet(id_attribute='version')
        strings.add(Thing('a', 5))
        result = strings | self.right
        self.assertIs(type(result), SGSet)
        self.assertEqual(result.id_attribute, 'version')
        self.assertEqual(list(result.ids()), ['5', 'b', 'c', 'd'])

    def test_explicit_ids_are_kept(self):
        self.left.add(None, 'none')
        self.assertIn('none', self.left | self.right)

    def test_subsets_are_copied(self):
        for gset, ids in (self.left, 'pq'), (self.right, 'qr'):
            for id in ids:
                subset = self.make('x', id=id)
                subset.add(self.make('y', id='deep'))
                gset.add(subset)
        inside = {'x': 0, 'deep': {'y': 0}}
        result = self.left | self.right
        self.assertEqual(state(result), {
            'a': 1, 'b': 1, 'c': 1, 'd': 2,
            'p': inside, 'q': inside, 'r': inside})
        self.assertIs(self.left['p'].parent, self.left)
        self.assertIs(self.right['r'].parent, self.right)
        self.assertIs(result['r'].parent, result)
        self.left |= self.right
        self.assertIs(self.right['r'].parent, self.right)
        self.assertEqual(check(self.left), [])
        self.assertEqual(check(self.right), [])
        self.left ^= self.right
        self.assertEqual(list(self.left.ids()), ['a', 'p'])
