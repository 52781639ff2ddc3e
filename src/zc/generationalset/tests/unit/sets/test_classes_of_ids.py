"""Ids are stored without the names of an application's classes."""

import collections
import contextlib
import enum
import pickle
import sys
import types
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.MappingStorage import MappingStorage

from zc.generationalset import GSet, VGSet, check, repair
from zc.generationalset.documents import Document
from zc.generationalset.sets import changes, ids
from zc.generationalset.sets import set as sets_set
from zc.generationalset.tests.support.things import Thing


class Kind(str, enum.Enum):
    RED = 'red'
    BLUE = 'blue'
    GREEN = 'green'


class Number(int):
    pass


class Real(float):
    pass


class Data(bytes):
    pass


class Folded(str):
    """Compares in a way of its own."""

    def __eq__(self, other):
        return self.lower() == str(other).lower()

    def __lt__(self, other):
        return self.lower() < str(other).lower()

    def __hash__(self):
        return hash(self.lower())


Point = collections.namedtuple('Point', ['x', 'y'])

IDS = [(Kind.RED, 'red'), (Number(5), 5), (Real(0.5), 0.5), (Data(b'a'), b'a'),
       (Point(1, Kind.RED), (1, 'red')), ((Kind.RED, (Number(1),)),
                                          ('red', (1,)))]


def stores_no_class(ob):
    return __name__.encode() not in pickle.dumps(ob)


class PlainTests(unittest.TestCase):

    def test_every_way_in(self):
        for id, plain in IDS:
            gset = GSet()
            gset.add(Thing(id))
            gset.add(1, id)
            gset.changed(Thing(id))
            gset.remove(Thing(id))
            gset.add(GSet(id))
            gset[plain].add(1, id)
            [key] = gset.ids()
            self.assertEqual(key, plain)
            self.assertTrue(stores_no_class([*gset.generations, key,
                                             gset[plain].id]))
            self.assertEqual(check(gset), [])
            gset.discard(id)
            self.assertNotIn(plain, gset)
            self.assertTrue(stores_no_class(list(gset.removals.items())))

    def test_records(self):
        with ZODB.DB(MappingStorage()).transaction() as connection:
            connection.root.gset = gset = VGSet()
            transaction.commit()
            for id in Kind:
                gset.add(id)
            gset.remove(Kind.RED)
            self.assertTrue(stores_no_class(
                [record[:-1] for record in gset._journal.records]))

    def test_other_comparisons_stay(self):
        gset = GSet()
        gset.add(1, Folded('A'))
        self.assertIn(Folded('a'), gset)
        self.assertEqual(check(gset), [])

    def test_documents(self):
        self.assertTrue(stores_no_class(Document(Kind.RED, 1)))

    def test_true_stays(self):
        self.assertIs(ids.plain_id(True), True)


def same(*arguments):
    return arguments[-1]


@contextlib.contextmanager
def as_they_come():
    """Store ids as older versions did."""
    with contextlib.ExitStack() as stack:
        for module in sets_set, changes:
            for name in 'plain_id', 'check_id':
                stack.enter_context(mock.patch.object(module, name, same))
        yield


class MovedTests(unittest.TestCase):

    def stored(self, settled):
        """Return a database in which ids were stored as they came."""
        module = types.ModuleType('kinds')
        module.Kind = enum.Enum(
            'Kind', {'RED': 'red', 'BLUE': 'blue', 'GREEN': 'green'},
            type=str, module='kinds')
        db = ZODB.DB(MappingStorage())
        self.addCleanup(db.close)
        with as_they_come(), mock.patch.dict(sys.modules, kinds=module):
            self.fill(db, module.Kind)
            if settled:
                with db.transaction() as connection:
                    gset = connection.root.gset
                    gset._journal.settle(gset)
        db.cacheMinimize()
        return db

    def fill(self, db, kinds):
        with db.transaction() as connection:
            connection.root.gset = gset = GSet()
            gset.add(GSet(kinds.BLUE))
        with db.transaction() as connection:
            gset = connection.root.gset
            for kind in kinds:
                gset['blue'].add(Document(str(kind.value), 1), kind)
            gset.add(Document('red', 1), kinds.RED)
            gset['blue'].remove(Thing(kinds.GREEN))

    def test_a_set_that_is_not_stored_yet(self):
        gset = GSet()
        gset.add(Thing('a'))
        self.assertEqual(repair(gset), 0)
        self.assertEqual(check(gset), [])

    def test_check_and_repair(self):
        for settled in False, True:
            db = self.stored(settled)
            with db.transaction() as connection:
                gset = connection.root.gset
                self.assertIn('kinds.Kind', ' '.join(check(gset)))
                self.assertGreater(repair(gset), 0)
            with db.transaction() as connection:
                gset = connection.root.gset
                self.assertEqual(check(gset), [])
                self.assertEqual(repair(gset), 0)
                self.assertEqual(set(gset.ids()), {'red', 'blue'})
                self.assertEqual(set(gset['blue'].ids()), {'red', 'blue'})
                self.assertEqual(
                    gset['blue'].generational_updates(2)['removals'],
                    ['green'])
                gset['blue'].add(Document('new', 1))
                del gset['red']
