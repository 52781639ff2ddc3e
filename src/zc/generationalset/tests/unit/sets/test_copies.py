"""A copy of a set is a set of its own, without the rest of its tree."""

import copy
import io
import pickle
import unittest

import persistent
import ZODB
from ZODB.MappingStorage import MappingStorage

from zc.generationalset import GSet, SGSet, check
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.things import Thing, state


class Owned(persistent.Persistent):
    """An item that knows its set."""

    def __init__(self, id, owner, version=0):
        self.id = id
        self.owner = owner
        self.version = version


class Special(GSet):
    """A set with a constructor and attributes of its own."""

    def __init__(self, title):
        super().__init__(title)
        self.title = title


def copies(gset):
    """Yield copies of all kinds."""
    yield copy.deepcopy(gset)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(gset, protocol))


class CopyTests(unittest.TestCase):

    def setUp(self):
        self.root = GSet()
        for id in 'small', 'secret':
            self.root.add(GSet(id))
        self.small = self.root['small']
        self.small.add(Thing('a', 1))
        self.small.add(SGSet('deep'))
        self.small['deep'].add(Thing('b', 2))
        for number in range(50):
            self.root['secret'].add(Document(f'{number}', 'x' * 1000))

    def store(self):
        db = ZODB.DB(MappingStorage())
        self.addCleanup(db.close)
        connection = db.open()
        self.addCleanup(connection.transaction_manager.abort)
        connection.root.gset = self.root
        connection.transaction_manager.commit()
        # In the journal, not in the B-trees.
        self.small.add(Thing('c', 3))
        self.small['deep'].add(Thing('d', 4))
        self.small.remove(self.small['a'])
        connection.transaction_manager.commit()
        return connection

    def check_alone(self, gset, original):
        self.assertIs(type(gset), type(original))
        self.assertIsNone(gset.parent)
        self.assertEqual(state(gset), state(original))
        self.assertEqual(list(gset.ids()), list(original.ids()))
        self.assertEqual(gset.generation, original.generation)
        self.assertEqual(check(gset), [])
        self.assertEqual(
            str(gset.generational_updates(2).get('removals')),
            str(original.generational_updates(2).get('removals')))
        before = gset.epoch
        gset['deep'].add(Thing('new'))
        gset.add(Thing('z'))
        self.assertEqual(check(gset), [])
        self.assertNotIn('z', original)
        self.assertEqual(gset.epoch, before)

    def test_subsets(self):
        for gset in copies(self.small):
            self.check_alone(gset, self.small)
            self.assertNotEqual(gset.epoch, self.small.epoch)
        self.assertLess(len(pickle.dumps(self.small)), 5000)

    def test_stored_subsets(self):
        self.store()
        before = check(self.root), self.root.generation
        for gset in copies(self.small):
            self.check_alone(gset, self.small)
        self.assertEqual((check(self.root), self.root.generation), before)

    def test_trees_keep_their_epoch(self):
        self.store()
        for gset in copies(self.root):
            self.assertEqual(gset.epoch, self.root.epoch)
            self.assertEqual(gset['small'].epoch, self.small.epoch)
            self.assertIs(gset['small'].parent, gset)
            self.assertIs(gset['small']['deep'].parent, gset['small'])
            self.assertEqual(check(gset), [])

    def test_export_of_a_copy(self):
        connection = self.store()
        connection.root.copy = copy.deepcopy(self.small)
        connection.transaction_manager.savepoint()
        file = io.BytesIO()
        connection.exportFile(connection.root.copy._p_oid, file)
        self.assertLess(len(file.getvalue()), 10_000)

    def test_items_that_know_their_set(self):
        self.small.add(Owned('owned', self.small))
        self.small.add(Owned('top', self.root))
        for gset in copies(self.small):
            self.assertIs(gset['owned'].owner, gset)
            self.assertIs(gset['top'].owner['small'], gset)
            self.assertEqual(check(gset), [])

    def test_large_sets(self):
        for number in range(8_000):
            self.small.add(Thing(f'x{number}'))
        for gset in (copy.deepcopy(self.small),
                     pickle.loads(pickle.dumps(self.small))):
            self.assertEqual(len(gset), 8_002)
        self.root.add(copy.deepcopy(gset))
        self.assertEqual(check(self.root), [])

    def test_deep_trees(self):
        member = self.small
        for _ in range(60):
            subset = GSet('deeper')
            member.add(subset)
            member = subset
        for gset in copies(self.small):
            self.assertEqual(check(gset), [])

    def test_subclasses(self):
        special = Special('title')
        special.add(Thing('a'))
        self.root.add(special)
        for gset in copies(special):
            self.assertIs(type(gset), Special)
            self.assertEqual((gset.title, gset.id), ('title', 'title'))
            self.assertEqual(state(gset), state(special))

    def test_operators_of_subclasses(self):
        special = Special('title')
        special.add(Thing('a'))
        special.add(Special('below'))
        special['below'].add(Thing('b'))
        self.root.add(special)
        other = GSet()
        other.add(Thing('a'))
        other.add(Thing('c'))
        for result, ids in [
                (special | other, ['a', 'below', 'c']),
                (special & other, ['a']), (special - other, ['below']),
                (special ^ other, ['below', 'c'])]:
            self.assertIs(type(result), Special)
            self.assertEqual((result.title, result.id, result.parent),
                             ('title', None, None))
            self.assertEqual(sorted(result.ids()), ids)
            self.assertEqual(check(result), [])
        other |= special
        self.assertEqual(other['below'].title, 'below')
        self.assertIs(special['below'].parent, special)
