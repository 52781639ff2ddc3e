"""Databases written by releases 0.3.0 and 0.4.0.

``data/gset-*.fs`` have sets with histories.  The JSON files beside them say
what is in these sets, and what clients at various generations have.
"""

import json
import pickletools
import shutil
import unittest
from pathlib import Path
from unittest import mock

import transaction
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from zope.testing import setupstack

from zc.generationalset import GSet, SGSet, VGSet, check, track
from zc.generationalset.replica import Replica, Subset
from zc.generationalset.tests.support.places import DATA
from zc.generationalset.tests.support.things import Thing


def get_id(item):
    return item['id'] if isinstance(item, PersistentMapping) else item


def contents(gset):
    return {id: contents(ob) if isinstance(ob, GSet) else dict(ob)
            for id, ob in gset.items()}


def as_replica(generation, items):
    """Make a replica that has what the truth says."""
    replica = Replica(get_id)
    replica.generation, replica.items = generation, subset(items)
    return replica


def subset(items):
    """Tell subsets, as a replica does, from items, which have an id."""
    return Subset(
        (id, item if 'id' in item else subset(item))
        for id, item in items.items())


def plain(items):
    return {id: plain(ob) if isinstance(ob, Subset) else dict(ob)
            for id, ob in items.items()}


class OldDatabase:

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        shutil.copy(DATA / f'gset-{self.version}.fs', 'data.fs')
        truth = DATA / f'gset-{self.version}.json'
        self.truth = json.loads(truth.read_text())
        self.db = ZODB.DB('data.fs')
        self.addCleanup(self.db.close)
        self.connection = self.db.open()
        self.addCleanup(transaction.abort)

    def clients(self, name):
        return [as_replica(client['generation'], client['items'])
                for client in self.truth[name]['clients']]

    def converge(self, name, replicas):
        gset = self.connection.root()[name]
        for replica in replicas:
            with self.subTest(name, generation=replica.generation):
                replica.apply(gset.generational_updates(replica.generation))
                self.assertEqual(plain(replica.items), contents(gset))
                self.assertEqual(replica.generation, gset.generation)

    def test_tracked(self):
        """Sets have no journal before their first change."""
        tree = self.connection.root()['flat']
        before = tree.generation
        item = next(iter(tree))
        track(self.connection, lambda ob: tree if ob is item else None)
        item['x'] = 1
        with mock.patch.object(GSet, 'get_id', lambda self, ob: ob['id']):
            transaction.commit()
        self.assertEqual(
            tree.generational_updates(before)['adds'], [item])

    def changes(self, name):
        """Change everything about a set, one commit at a time."""
        gset = self.connection.root()[name]
        sets = [gset]
        for other in sets:
            sets += [ob for ob in other if isinstance(ob, GSet)]
        for number in range(12):
            for other in sets:
                id = f'new{number % 5}'
                if id in other:
                    del other[id]
                else:
                    other.add(PersistentMapping(id=id, v=number), id)
                items = [ob for ob in other if not isinstance(ob, GSet)]
                if items:
                    items[0]['v'] = -number
                    other.changed(items[0], items[0]['id'])
                yield transaction.commit()
                self.connection.cacheMinimize()
                self.assertEqual(check(gset), [])

    def test_truth(self):
        root = self.connection.root()
        for name in 'flat', 'tree':
            self.assertEqual(contents(root[name]), self.truth[name]['items'])
            self.assertEqual(root[name].generation,
                             self.truth[name]['generation'])
            self.assertEqual(len(root[name]), len(self.truth[name]['items']))
            self.assertEqual(check(root[name]), [])
            self.assertIsNone(root[name].epoch)
        self.assertEqual(sorted(root['values'].ids()),
                         [tuple(id) for id in self.truth['values']['items']])
        self.assertIs(type(root['values']), VGSet)
        self.assertIs(type(root['strings']), SGSet)

    def test_reading_writes_nothing(self):
        size = Path('data.fs').stat().st_size
        self.test_truth()
        for name in 'flat', 'tree':
            self.converge(name, self.clients(name))
        transaction.commit()
        self.assertEqual(Path('data.fs').stat().st_size, size)

    def test_clients_before_and_after_changes(self):
        for name in 'flat', 'tree':
            started = self.clients(name)
            self.converge(name, self.clients(name))
            self.converge(name, started[::2])
            for number, _ in enumerate(self.changes(name)):
                self.converge(name, started[::2])
                if number % 5 == 1:
                    # A client that was away is as old as it was.
                    self.converge(name, self.clients(name))
            self.converge(name, started)

    def test_current_clients_get_deltas(self):
        tree = self.connection.root()['tree']
        generation = tree.generation
        item = next(iter(tree['messages']))
        tree['messages'].changed(item, item['id'])
        transaction.commit()
        self.assertEqual(
            tree.generational_updates(generation),
            {'generation': generation + 1,
             'adds': [{'id': 'messages', 'adds': [item]}]})
        for _ in range(400):
            tree['messages'].changed(item, item['id'])
        self.assertEqual(
            tree.generational_updates(generation)['adds'],
            [{'id': 'messages', 'adds': [item]}])

    def test_epoch_with_the_first_change(self):
        tree = self.connection.root()['tree']
        subsets = tree['tasks'], tree['messages']
        before = {subset.epoch for subset in subsets}
        self.assertEqual(len(before), 2)
        tree['tasks']['deep'].add(Thing('x'))
        epoch = tree.epoch
        self.assertTrue(epoch)
        after = [subset.epoch for subset in subsets]
        self.assertFalse(before & {*after, epoch})
        tree.add(Thing('y'))
        tree['messages'].add(Thing('z'))
        self.assertEqual(tree.epoch, epoch)
        self.assertEqual([subset.epoch for subset in subsets], after)
        values = self.connection.root()['values']
        values.renew()
        self.assertTrue(values.epoch)
        self.assertEqual(values.generation, 12)

    def test_provisional_updates(self):
        flat = self.connection.root()['flat']
        self.assertEqual(flat.provisional_updates(121), {'generation': 121})

    def test_first_change_in_a_new_tree(self):
        tree, flat = (self.connection.root()[name]
                      for name in ('tree', 'flat'))
        tree.add(flat)
        messages = tree['messages']
        tree.remove(messages)
        messages.add(Thing('z'))
        transaction.commit()
        for gset in tree, messages:
            self.assertEqual(check(gset), [])
        self.converge('tree', self.clients('tree'))

    def test_removed_before_anything_else(self):
        tree = self.connection.root()['tree']
        tasks = tree['tasks']
        generation = tree.generation
        del tree['tasks']
        self.assertEqual(tasks.generation, generation + 1)
        self.assertEqual(check(tasks), [])
        self.converge('tree', self.clients('tree'))

    def test_pickled_names(self):
        for _ in self.changes('tree'):
            pass
        shutil.copy('data.fs', 'copy.fs')
        storage = FileStorage('copy.fs', read_only=True)
        names = set()
        for record in (record for committed in storage.iterator()
                       for record in committed):
            names.update(
                argument for op, argument, _ in pickletools.genops(record.data)
                if op.name == 'GLOBAL' and 'generationalset' in str(argument))
        storage.close()
        self.assertEqual(names, {
            'zc.generationalset GenerationalSet',
            'zc.generationalset StringIdGenerationalSet',
            'zc.generationalset ValueGenerationalSet',
            'zc.generationalset Journal',
            'zc.generationalset Backlog'})


class Database030Tests(OldDatabase, unittest.TestCase):
    version = '0.3.0'


class Database040Tests(OldDatabase, unittest.TestCase):
    version = '0.4.0'


class OldSetTests(unittest.TestCase):
    """States of old sets that are not in the databases."""

    def old(self, generation, *items, removals=(), **more):
        """Make a set like one that release 0.4.0 has stored."""
        gset = GSet.__new__(GSet)
        fresh = GSet()
        state = {name: getattr(fresh, name)
                 for name in ('contents', 'generations', 'removals')}
        for number, item in items:
            state['contents'][number] = item
            state['generations'][item.id] = number
        for number, id in removals:
            state['removals'][number] = id
            state['generations'][id] = number
        gset.__setstate__({
            'id': None, 'parent': None, 'maximum_removals': 99,
            'id_attribute': 'id', 'generation': generation, **state, **more})
        for _, item in items:
            if isinstance(item, GSet):
                item.parent = gset
        return gset

    def test_subset_numbered_beyond_its_tree(self):
        """Numbers that were given already are not given again."""
        subset = self.old(50, *((number, Thing(number))
                                for number in range(2, 50)), id='sub')
        root = self.old(3, (2, Thing('a')), (3, subset))
        _, updates = root.generational_updates(2)['contents']
        self.assertEqual(len(updates['contents']), 48)
        for number in range(100, 160):
            subset.add(Thing(number))
        self.assertEqual(len(subset), 108)
        self.assertEqual(check(root), [])

    def test_nothing_known_about_removals(self):
        root = self.old(9, (4, Thing('a')))
        self.assertIn('contents', root.generational_updates(5))
        root = self.old(9, (4, Thing('a')), removals=[(6, 'b')])
        self.assertEqual(root.generational_updates(5),
                         {'generation': 9, 'removals': ['b']})
        self.assertIn('contents', root.generational_updates(3))

    def test_subset_that_has_not_joined(self):
        root = self.old(5, (2, Thing('a')))
        subset = self.old(5, id='sub', parent=root)
        self.assertNotIn('sub', root)
        subset.add(Thing('b'))
        self.assertIn('sub', root)
        self.assertEqual(root.generation, 6)
        self.assertEqual(check(root), [])

    def test_subset_that_joins_elsewhere(self):
        root, other = self.old(5, (2, Thing('a'))), GSet()
        subset = self.old(5, id='sub', parent=root)
        other.add(subset)
        subset.add(Thing('b'))
        self.assertNotIn('sub', root)
        self.assertEqual(len(other['sub']), 1)
        self.assertEqual(check(other), [])

    def removed(self, **more):
        """Make a set that release 0.4.0 removed from its superset.

        Release 0.4.0 didn't change it.  Its own numbers are beyond those of
        the superset.
        """
        root = self.old(4, (2, Thing('a')))
        subset = self.old(
            13, *((number, Thing(f'i{number}')) for number in range(5, 12)),
            removals=[(12, 'i3')], id='s', parent=root, maximum_removals=1,
            **more)
        return root, subset

    def test_subset_that_was_removed(self):
        root, subset = self.removed()
        self.assertEqual(subset.generation, 13)
        self.assertIn('contents', subset.generational_updates(3))
        self.assertEqual(subset.generational_updates(11),
                         {'generation': 13, 'removals': ['i3']})
        subset.add(Thing('new'))
        self.assertIsNone(subset.parent)
        self.assertEqual(subset.generation, 14)
        self.assertEqual(len(subset), 8)
        self.assertEqual((root.generation, len(root)), (4, 1))
        self.assertEqual(check(subset), [])

    def test_subset_that_was_removed_joins(self):
        for other in GSet(), None:
            root, subset = self.removed()
            root = root if other is None else other
            root.add(subset)
            for number in range(100):
                subset.add(Thing(f'new{number}'))
            self.assertEqual(len(subset), 107)
            self.assertEqual(check(root), [])

    def test_subset_that_is_removed_or_replaced_now(self):
        for replace in False, True:
            subset = self.old(
                13, (5, Thing('a')), removals=[(12, 'i3')], id='s',
                maximum_removals=1)
            root = self.old(13, (13, subset))
            if replace:
                root.add(GSet('s'))
            else:
                del root['s']
            self.assertIsNone(subset.parent)
            self.assertIn('contents', subset.generational_updates(5))
            subset.add(GSet('deep'))
            subset['deep'].add(Thing('x'))
            self.assertEqual(check(subset), [])
            self.assertEqual(check(root), [])
