"""Parts of items whose changes ``track`` can't notice."""

import unittest

import persistent
import transaction
import ZODB
from BTrees.OOBTree import OOBTree
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from persistent.wref import WeakRef

from zc.generationalset import GSet, track, unnoticed
from zc.generationalset.tests.support.things import Plain, Thing


class PartsTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.connection = self.db.open()
        self.addCleanup(transaction.abort)
        self.people = self.connection.root.people = GSet()
        self.ann = Thing('ann')
        self.people.add(self.ann)
        transaction.commit()

    def check(self, *parts):
        transaction.commit()
        self.connection.cacheMinimize()  # also for ghosts
        self.assertEqual(unnoticed(self.people),
                         [('ann', part) for part in parts])

    def test_parts_without_owner(self):
        self.ann.details = PersistentMapping()
        self.ann.notes = [{'in': (PersistentList(),)}]
        self.check(self.ann.details, self.ann.notes[0]['in'][0])

    def test_items_do_not_stay_in_memory(self):
        self.check()
        self.assertIsNone(self.ann._p_changed)
        self.ann.version = 7
        unnoticed(self.people)
        self.assertEqual(self.ann.version, 7)

    def test_what_it_finds_is_what_track_misses(self):
        track(self.db, lambda ob: self.people)
        self.ann.details = PersistentMapping()
        for misses in True, False:
            transaction.commit()
            generation = self.people.generation
            self.ann.details['street'] = misses
            transaction.commit()
            self.assertEqual(self.people.generation == generation, misses)
            self.assertEqual(bool(unnoticed(self.people)), misses)
            self.ann.details.__parent__ = self.ann

    def test_parts_of_parts(self):
        self.ann.details = PersistentMapping(street=PersistentMapping())
        self.ann.details.__parent__ = self.ann
        self.check(self.ann.details['street'])
        self.ann.details['street'].__parent__ = self.ann.details
        self.check()

    def test_buckets(self):
        self.ann.notes = OOBTree(dict.fromkeys(range(1000), ''))
        self.check(self.ann.notes)

        def owner(ob):
            return self.ann if ob is self.ann.notes else None
        found = unnoticed(self.people, owner)
        self.assertEqual({type(part).__name__ for _, part in found},
                         {'OOBucket'})

    def test_what_is_no_part(self):
        self.people.add(bob := Thing('bob'))
        self.people.add(Plain('cyd'))
        self.people.add(GSet('friends'))
        folder = persistent.Persistent()
        self.ann.__parent__ = folder
        self.ann.refers_to = (
            bob, self.people, self.people['friends'], Thing, 'text', [])
        self.ann.weak = WeakRef(folder)
        self.check()
