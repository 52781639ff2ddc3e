"""One set, apart from its updates."""

import enum
import math
import unittest
from unittest import mock

import transaction
import ZODB
from zope.interface.verify import verifyClass, verifyObject

import zc.generationalset
from zc.generationalset import GSet, SGSet, VGSet, check
from zc.generationalset.interfaces import IGenerationalSet
from zc.generationalset.tests.support.things import Plain, Thing


class Incomparable:
    id = 'incomparable'

    def __init__(self, error):
        self.error = error

    def __lt__(self, other):
        raise self.error

    __gt__ = __eq__ = __lt__
    __hash__ = None


class Colour(enum.Enum):
    RED = 1


class SetTests(unittest.TestCase):
    """In memory; a subclass stores everything in a database."""

    def make(self, kind=GSet, **options):
        return kind(**options)

    def filled(self, *ids, **options):
        gset = self.make(**options)
        for id in ids:
            gset.add(Thing(id))
        return gset

    def tearDown(self):
        self.assertEqual(check(self.make()), [])

    def test_contract(self):
        for kind in GSet, SGSet, VGSet:
            self.assertTrue(verifyClass(IGenerationalSet, kind))
            self.assertTrue(verifyObject(IGenerationalSet, self.make(kind)))

    def test_names(self):
        self.assertEqual(GSet.__name__, 'GenerationalSet')
        self.assertEqual(
            [(kind.__module__, kind.__name__)
             for kind in (GSet, SGSet, VGSet)],
            [('zc.generationalset', 'GenerationalSet'),
             ('zc.generationalset', 'StringIdGenerationalSet'),
             ('zc.generationalset', 'ValueGenerationalSet')])

    def test_bad_options(self):
        for bad in -1, 1.5, '3', None:
            with self.assertRaisesRegex(
                    ValueError, 'expected maximum_removals.* 0 or more, got'):
                GSet(maximum_removals=bad)
        with self.assertRaisesRegex(TypeError, 'expected a Generat.*got 42'):
            GSet('a', 42)
        with self.assertRaisesRegex(TypeError, 'expected an id for'):
            GSet(parent=GSet())

    def test_generation_counts_changes(self):
        gset = self.make()
        self.assertEqual(gset.generation, 1)
        thing = Thing('a')
        for number, change in enumerate([
                gset.add, gset.changed, gset.add, gset.remove], 2):
            change(thing)
            self.assertEqual(gset.generation, number)

    def test_look_up(self):
        gset = self.filled('a', 'b')
        thing = gset['a']
        self.assertIs(gset.get('a'), thing)
        self.assertIsNone(gset.get('z'))
        self.assertEqual(gset.get('z', 1), 1)
        self.assertIn('a', gset)
        self.assertIn(thing, gset)
        self.assertIn(Thing('a'), gset)
        self.assertNotIn(Thing('z'), gset)
        for absent in 'z', 1, None, (1, 'a'), [], {}, object(), 1j:
            with self.subTest(absent=absent):
                self.assertNotIn(absent, gset)
                self.assertEqual(gset.get(absent, 'no'), 'no')
                with self.assertRaises(KeyError) as caught:
                    gset[absent]
                self.assertIs(caught.exception.args[0], absent)
                with self.assertRaises(KeyError):
                    del gset[absent]
                gset.discard(absent)
        self.assertEqual(len(gset), 2)

    def test_objects_with_odd_comparison_are_not_in(self):
        gset = self.filled('a')
        for error in AttributeError, ValueError, TypeError:
            self.assertNotIn(Incomparable(error()), gset)

    def test_strings_that_have_the_attribute(self):
        gset = self.make(id_attribute='title')
        gset.add(Plain('x'), 'a')
        self.assertIn('a', gset)
        gset = self.make(id_attribute='name')
        gset.add(Colour.RED)
        self.assertIn(Colour.RED, gset)
        self.assertIn('RED', gset)

    def test_changed(self):
        gset = self.filled('a')
        other = Thing('a', 5)
        gset.changed(other)
        self.assertIs(gset['a'], other)
        for absent in Thing('z'), Thing(1):
            with self.assertRaises(KeyError) as caught:
                gset.changed(absent)
            self.assertEqual(caught.exception.args, (absent.id,))
        self.assertEqual(gset.generation, 3)
        gset.remove(other)
        with self.assertRaises(KeyError):
            gset.changed(other)

    def test_remove(self):
        gset = self.filled('a', 'b', 'c', 'd')
        gset.remove(Thing('a'))
        del gset['b']
        gset.discard(gset['c'])
        gset.discard('d')
        gset.discard('d')
        self.assertEqual((len(gset), list(gset), gset.generation),
                         (0, [], 9))
        with self.assertRaises(KeyError) as caught:
            gset.remove(Thing('a'))
        self.assertEqual(caught.exception.args, ('a',))
        self.assertEqual(gset.generation, 9)

    def test_clear(self):
        gset = self.filled('a', 'b')
        gset.clear()
        self.assertEqual((len(gset), gset.generation), (0, 5))
        gset.clear()
        self.assertEqual(gset.generation, 5)
        self.assertFalse(gset)

    def test_explicit_ids(self):
        gset = self.make()
        thing = Thing('a')
        gset.add(thing, 'other')
        gset.changed(thing, 'other')
        self.assertIs(gset['other'], thing)
        self.assertEqual(list(gset.ids()), ['other'])
        with self.assertRaises(KeyError):
            gset.changed(thing)
        gset.remove(thing, 'other')
        self.assertEqual(gset.generational_updates(0),
                         {'generation': 4, 'removals': ['other']})
        gset.add(None, 'none')
        self.assertIsNone(gset['none'])
        self.assertIn('none', gset)

    def test_ids_that_are_no_ids(self):
        gset = self.make()
        for bad in None, float('nan'), [], object(), {}, 1j:
            with self.subTest(bad=bad), self.assertRaises(TypeError):
                gset.add(Thing(bad))
        with self.assertRaisesRegex(
                AttributeError, "attribute 'id', got 42; an id may be"):
            gset.add(42)
        self.assertEqual((gset.generation, len(gset)), (1, 0))

    def test_ids_that_can_not_be_compared(self):
        gset = self.filled('a')
        for bad in 1, ('a',), b'a':
            with self.subTest(bad=bad), self.assertRaisesRegex(
                    TypeError, 'that can be compared with the ids in <Gen'):
                gset.add(Thing(bad))
        with self.assertRaises(TypeError):
            gset.add(GSet(1))
        self.assertEqual((gset.generation, list(gset.ids())), (2, ['a']))
        gset.add(Thing('b'))

    def test_order(self):
        gset = self.filled('a', 'b', 'c')
        gset.changed(gset['a'])
        self.assertEqual(list(gset.ids()), ['b', 'c', 'a'])
        self.assertEqual([thing.id for thing in gset], ['b', 'c', 'a'])
        self.assertEqual([thing.id for thing in gset.values()],
                         ['b', 'c', 'a'])
        self.assertEqual([thing.id for thing in gset.values(4)], ['c', 'a'])
        self.assertEqual([id for id, _ in gset.items()], ['b', 'c', 'a'])
        self.assertEqual(gset.values(6), [])

    def test_repr(self):
        self.assertEqual(repr(self.make()), '<GenerationalSet, 0 items>')
        self.assertEqual(repr(self.filled('a', id='b')),
                         "<GenerationalSet 'b', 1 item>")
        self.assertEqual(repr(self.make(VGSet, id=4)),
                         '<ValueGenerationalSet 4, 0 items>')

    def test_string_ids(self):
        gset = self.make(SGSet)
        gset.add(Thing(2 ** 60))
        gset.add(Plain(0), 7)
        gset.add(GSet(5))
        self.assertEqual(list(gset.ids()), [str(2 ** 60), '7', '5'])
        self.assertIn(2 ** 60, gset)
        self.assertIs(gset[7], gset['7'])
        self.assertEqual(gset.generational_updates(3)['adds'], [{'id': '5'}])
        for ob in GSet(), Plain(None), Plain(float('nan')), Plain(self.make):
            with self.assertRaisesRegex(TypeError, 'expected an id for'):
                gset.add(ob)
            self.assertNotIn(ob, gset)
        for id in None, math.nan, self.make:
            with self.assertRaises(TypeError):
                gset.add(Plain(id), id)
            self.assertNotIn(id, gset)
            self.assertIsNone(gset.get(id))
        del gset[5]
        gset.remove(Thing(2 ** 60))
        self.assertEqual(gset.generational_updates(4)['removals'],
                         ['5', str(2 ** 60)])

    def test_values(self):
        gset = self.make(VGSet)
        for value in (1, 'a'), (0, 'b'):
            gset.add(value)
        self.assertIn((1, 'a'), gset)
        gset.remove((1, 'a'))
        self.assertEqual(
            gset.generational_updates(0),
            {'generation': 4, 'removals': [(1, 'a')], 'adds': [(0, 'b')]})

    def test_overridden_get_id(self):
        class Pairs(GSet):
            def get_id(self, ob):
                return ob[0]
        gset = Pairs()
        gset.add(['a', 1])
        self.assertEqual(gset['a'], ['a', 1])
        self.assertIn(['a', 5], gset)
        self.assertNotIn([], gset)

    def test_things_that_look_like_sets_are_items(self):
        class Duck(Thing):
            def generational_updates(self, generation):
                raise AssertionError
        gset = self.make()
        duck = Duck('duck')
        gset.add(duck)
        gset.add(5, 'five')
        self.assertEqual(gset.generational_updates(0),
                         {'generation': 3, 'adds': [duck, 5]})

    def test_length_is_not_counted(self):
        gset = GSet()
        gset._length = 7
        self.assertEqual(len(gset), 7)

    def test_notify(self):
        gset = self.make()
        subset = GSet('sub', gset)
        with mock.patch('zc.generationalset.notify') as notify:
            gset.add(Thing('a'))
            gset.changed(gset['a'])
            subset.add(Thing('b'))
            gset.remove(Thing('a'))
            gset.renew()
            self.assertEqual(notify.mock_calls, [mock.call(gset)] * 5)
        zc.generationalset.notify(gset)

    def test_epoch(self):
        gset = self.make()
        epoch = gset.epoch
        self.assertGreater(len(epoch), 10)
        self.assertNotEqual(epoch, self.make().epoch)
        gset.add(Thing('a'))
        self.assertEqual(gset.epoch, epoch)
        gset.renew()
        self.assertNotEqual(gset.epoch, epoch)
        self.assertEqual(gset.generation, 2)


class StoredSetTests(SetTests):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.connection = self.db.open()
        self.connection.root.sets = []
        self.made = []
        self.addCleanup(transaction.abort)

    def make(self, kind=GSet, **options):
        gset = kind(**options)
        self.connection.root.sets += [gset]
        transaction.commit()
        self.made.append(gset)
        return gset

    def tearDown(self):
        for gset in self.made:
            self.assertEqual(check(gset), [])

    def filled(self, *ids, **options):
        gset = super().filled(*ids, **options)
        transaction.commit()
        self.connection.cacheMinimize()
        return gset

    def test_repr_without_database(self):
        gset = self.filled('a')
        self.connection.close()
        self.assertIn('GenerationalSet object at', repr(gset))
        self.connection = self.db.open()
        self.made = []

    def test_empty_journal_and_ids_that_can_not_be_compared(self):
        gset = self.make()
        for bad in object(), 1j:
            with self.assertRaises(TypeError):
                gset.add(Thing('a'), bad)
        self.assertEqual(gset.generation, 1)

    def test_ids_that_are_not_plain(self):
        import uuid
        gset = self.make()
        ids = [uuid.UUID(int=number) for number in range(5)]
        for id in ids:
            gset.add(Thing(id))
        transaction.commit()
        self.connection.cacheMinimize()
        self.assertEqual(list(gset.ids()), ids)

    def test_large_plain_items_do_not_stay_in_the_journal(self):
        gset = self.make()
        for number in range(6):
            gset.add(Plain(number, 'x' * 9000))
            transaction.commit()
            self.assertLessEqual(len(gset._journal.records), 1)
        self.assertGreaterEqual(len(gset.contents), 4)
