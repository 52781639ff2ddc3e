"""Changes of items without a call of ``changed``."""

import unittest
import warnings

import persistent
import transaction
import ZODB
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.Connection import Connection

import zc.generationalset
from zc.generationalset import (
    Forgotten,
    ForgottenWarning,
    GSet,
    SGSet,
    track,
)
from zc.generationalset.tests.support.things import Plain, Thing


class Part(persistent.Persistent):
    """What an item is made of."""

    number = 0

    def __init__(self, parent=None):
        self.__parent__ = parent


class Mappings(GSet):
    """A set whose items are mappings."""

    def get_id(self, ob):
        return ob['id'] if isinstance(ob, PersistentMapping) else ob[0]


class TrackingTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.connection = self.db.open()
        self.addCleanup(transaction.abort)
        self.tree = self.connection.root.tree = GSet()
        self.people = GSet('people')
        self.tree.add(self.people)
        self.ann, self.bob = self.add('ann'), self.add('bob')
        transaction.commit()

    def add(self, id, gset=None):
        gset = self.people if gset is None else gset
        thing = Thing(id)
        thing.__parent__ = gset
        gset.add(thing)
        return thing

    def commit(self):
        """Commit; return the updates."""
        before = self.tree.generation
        transaction.commit()
        return self.told(before)

    def told(self, before):
        updates = self.tree.generational_updates(before)
        return [ob.id for subset in updates.get('adds', ())
                for ob in subset['adds']]

    def test_recorded(self):
        track(self.db)
        before = self.tree.generation
        self.ann.version = 1
        self.assertEqual(self.commit(), ['ann'])
        self.assertEqual(self.tree.generation, before + 1)
        self.bob.version = self.ann.version = 2
        self.assertCountEqual(self.commit(), ['ann', 'bob'])
        self.assertEqual(self.commit(), [])

    def test_connections_that_are_opened_later(self):
        track(self.db)
        with self.db.transaction() as connection:
            connection.root.tree['people']['bob'].version = 1
        transaction.begin()
        self.assertEqual(self.tree.generation, 5)

    def test_one_connection(self):
        track(self.connection)
        with self.db.transaction() as other:
            other.root.tree['people']['bob'].version = 1
        transaction.begin()
        self.ann.version = 1
        self.assertEqual(self.commit(), ['ann'])

    def test_changes_before_it_is_said(self):
        self.ann.version = 1
        track(self.db)
        self.assertEqual(self.commit(), ['ann'])

    def test_what_was_told_is_not_told_again(self):
        track(self.db, forgotten='raise')
        before = self.tree.generation
        for change in (lambda: self.people.changed(self.ann),
                       lambda: self.people.remove(self.bob),
                       lambda: self.add('cyd'),
                       lambda: self.people.add(GSet('team'))):
            self.ann.version += 1
            self.people.changed(self.ann)
            change()
            self.ann.version += 1
            transaction.commit()
        self.bob.version = 1  # which isn't an item any more
        transaction.commit()
        self.assertEqual(self.tree.generation, before + 8)

    def test_another_item_was_told(self):
        track(self.db)
        self.ann.version = self.bob.version = 1
        before = self.tree.generation
        self.people.changed(self.bob)
        transaction.commit()
        self.assertCountEqual(self.told(before), ['ann', 'bob'])

    def test_raised(self):
        track(self.db, forgotten='raise')
        self.ann.version = 1
        with self.assertRaisesRegex(
                Forgotten, "expected a call of changed for the item 'ann' "):
            transaction.commit()
        transaction.abort()
        self.assertEqual(self.ann.version, 0)

    def test_warned(self):
        track(self.db, forgotten='warn')
        self.ann.version = 1
        with self.assertWarnsRegex(ForgottenWarning, "'ann'"):
            self.assertEqual(self.commit(), [])

    def test_parts(self):
        self.ann.address = Part(self.ann)
        self.ann.address.street = Part(self.ann.address)
        self.people.changed(self.ann)
        transaction.commit()
        track(self.db)
        self.ann.address.street.number = 7
        self.assertEqual(self.commit(), ['ann'])
        self.ann.address.__parent__ = self.ann.address  # a circle
        transaction.commit()
        self.ann.address.number = 8
        self.assertEqual(self.commit(), [])

    def test_nobody_asks_whose_a_set_is(self):
        asked = []

        def owner(ob):
            asked.append(ob)
            return getattr(ob, '__parent__', None)

        self.ann.part = Part(self.ann)
        self.connection.root.alone = Part()
        transaction.commit()
        track(self.db, owner=owner)
        self.ann.part.number = self.connection.root.alone.number = 1
        self.assertEqual(self.commit(), ['ann'])
        self.assertNotIn(None, asked)
        self.assertNotIn(self.people, asked)

    def test_another_owner(self):
        self.ann.address = PersistentMapping()
        self.people.changed(self.ann)
        transaction.commit()
        track(self.db, owner=lambda ob: getattr(
            ob, '__parent__', self.ann if ob is self.ann.address else None))
        self.ann.address['street'] = 1
        self.assertEqual(self.commit(), ['ann'])

    def test_sets_that_are_told_of(self):
        friends, team = GSet('friends'), SGSet('team')
        for gset in friends, team:
            self.tree.add(gset)
            gset.add(self.ann)
        del self.bob.__parent__
        transaction.commit()
        track(self.db, lambda ob: [
            self.people, friends, team] if isinstance(ob, Thing) else None)
        self.ann.version = self.bob.version = 1
        self.assertEqual(
            sorted(self.commit()), ['ann', 'ann', 'ann', 'bob'])
        track(self.db, lambda ob: self.people)
        self.ann.version = self.bob.version = 2
        self.assertCountEqual(self.commit(), ['ann', 'bob'])

    def test_what_is_no_item(self):
        root = self.connection.root()
        track(self.db, lambda ob: self.people)
        root['other'] = Thing('ann')
        root['methods'] = Part(), OOBTree()
        self.people.add(Plain('cyd'))
        self.tree.maximum_removals = 5
        before = self.tree.generation
        transaction.commit()
        root['other'].version = 5
        root['methods'][1]['x'] = 1
        transaction.commit()
        self.assertEqual(self.tree.generation, before)

    def test_objects_without_a_right_id(self):
        self.tree.add(mappings := Mappings('mappings'))
        track(self.db, lambda ob: [mappings, self.people])
        root = self.connection.root()
        for id in [], None, 5:
            root['things'] = Thing(id), Part(), PersistentMapping()
            self.bob.version += 1
            self.assertEqual(self.commit(), ['bob'])

    def test_savepoints(self):
        track(self.db)
        self.ann.version = 1
        savepoint = transaction.savepoint()
        self.bob.version = 1
        transaction.savepoint()
        self.connection.cacheMinimize()
        savepoint.rollback()
        self.assertEqual(self.commit(), ['ann'])
        self.assertEqual((self.ann.version, self.bob.version), (1, 0))

    def test_a_savepoint_takes_what_was_told_back(self):
        track(self.db)
        self.ann.version = 1
        savepoint = transaction.savepoint()
        self.people.changed(self.ann)
        savepoint.rollback()
        self.assertEqual(self.commit(), ['ann'])

    def test_aborts(self):
        track(self.db)
        self.ann.version = 1
        transaction.abort()
        self.assertEqual(self.commit(), [])
        self.bob.version = 1
        self.assertEqual(self.commit(), ['bob'])

    def test_changes_by_later_hooks(self):
        track(self.db)

        def hook():
            self.bob.version = 1
        self.ann.version = 1
        transaction.get().addBeforeCommitHook(hook)
        self.assertCountEqual(self.commit(), ['ann', 'bob'])

    def test_changes_by_who_is_told(self):
        track(self.db)

        def notify(tree):
            if not self.bob.version:
                self.bob.version = 1
        self.addCleanup(
            setattr, zc.generationalset, 'notify', zc.generationalset.notify)
        zc.generationalset.notify = notify
        self.ann.version = 1
        self.assertCountEqual(self.commit(), ['ann', 'bob'])

    def test_sets_that_are_not_stored_yet(self):
        track(self.db, forgotten='raise')
        new = self.connection.root.new = GSet()
        thing = self.add('cyd', new)
        transaction.savepoint()
        thing.version = 1
        transaction.commit()
        self.assertEqual(len(new), 1)

    def test_it_is_said_again(self):
        track(self.db, forgotten='raise')
        track(self.db, forgotten='warn')
        self.assertEqual(len([kind for kind in type(self.connection).__mro__
                              if kind.__name__ == 'TrackedConnection']), 1)
        self.ann.version = 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            transaction.commit()
        self.assertEqual(len(caught), 1)

    def test_it_is_said_again_of_connections_of_another_class(self):
        class Own(Connection):
            pass
        self.db.klass = Own
        for _ in range(2):
            track(self.db)
            self.assertTrue(issubclass(self.db.klass, Own))

    def test_wrong_arguments(self):
        for database in None, self.connection.root(), self.tree:
            with self.assertRaisesRegex(TypeError, 'expected a ZODB.DB or'):
                track(database)
        with self.assertRaisesRegex(ValueError, "'record', 'raise', 'warn'"):
            track(self.db, forgotten='tell')
        self.assertIs(self.db.klass, Connection)
