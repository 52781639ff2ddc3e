"""Whether something is still as it was at a client's position."""

import transaction
from ZODB.POSException import ConflictError

from zc.generationalset import GSet
from zc.generationalset.tests.support.databases import Stored
from zc.generationalset.tests.support.things import Thing


class UnchangedTests(Stored):

    def setUp(self):
        super().setUp()
        self.gset = self.store(GSet(maximum_removals=1))
        self.add('a')
        self.add('b')

    def add(self, id, gset=None):
        (self.gset if gset is None else gset).add(Thing(id))
        self.manager.commit()

    def remove(self, id):
        del self.gset[id]
        self.manager.commit()

    def since(self, id, gset=None):
        """Return the generations since which an id is unchanged.

        They are the same with everything in B-trees.
        """
        gset = self.gset if gset is None else gset
        found = []
        for _ in range(2):
            current = gset.generation
            found.append([
                generation for generation in range(current + 2)
                if gset.unchanged(id, generation, gset.epoch)])
            self.settle(self.gset)
        self.assertEqual(*found)
        first = found[0][0]
        self.assertEqual(found[0], list(range(first, current + 1)))
        return first

    def test_items(self):
        self.assertEqual((self.since('a'), self.since('b')), (2, 3))
        self.gset.changed(self.gset['a'])
        self.manager.commit()
        self.assertEqual((self.since('a'), self.since('b')), (4, 3))

    def test_what_is_not_there(self):
        self.assertEqual(self.since('x'), 0)
        self.assertEqual(self.since(42), 0)  # no such id can be here
        self.remove('a')
        self.assertEqual((self.since('a'), self.since('x')), (4, 0))
        self.remove('b')
        # The removal at 4 is forgotten: nobody knows of what it was.
        self.assertEqual(
            (self.since('a'), self.since('b'), self.since('x'),
             self.since(42)), (4, 5, 4, 4))
        self.add('a')
        self.assertEqual((self.since('a'), self.since('b')), (6, 5))

    def test_subsets_that_join(self):
        subset = GSet('s')
        self.add(1, subset)
        self.gset.add(subset)
        self.manager.commit()
        joined = self.gset.generation
        self.assertEqual(
            (self.since('s'), self.since(1, subset), self.since(2, subset)),
            (joined, joined, joined))
        self.add(2, subset)
        self.assertEqual(
            (self.since('s'), self.since(1, subset), self.since(2, subset)),
            (joined + 1, joined, joined + 1))
        self.remove('s')
        self.assertEqual(self.since('s'), joined + 2)

    def test_other_epochs_and_generations_to_come(self):
        gset, generation = self.gset, self.gset.generation
        for epoch in 'other', None:
            self.assertFalse(gset.unchanged('a', generation, epoch))
        self.assertFalse(gset.unchanged('a', generation + 1, gset.epoch))
        with self.assertRaises(TypeError):
            gset.unchanged('a', '1', gset.epoch)
        # A new client has no epoch.
        self.assertTrue(gset.unchanged('x', 0, None))
        self.assertFalse(gset.unchanged('a', 0, None))

    def test_epochs_of_subsets(self):
        subset = GSet('s', self.gset)
        self.add(1, subset)
        generation = subset.generation
        self.assertTrue(subset.unchanged(1, generation, subset.epoch))
        self.assertFalse(subset.unchanged(1, generation, self.gset.epoch))

    def test_own_changes(self):
        generation, epoch = self.gset.generation, self.gset.epoch
        self.gset.changed(self.gset['a'])
        self.assertFalse(self.gset.unchanged('a', generation, epoch))
        self.assertTrue(self.gset.unchanged('b', generation, epoch))
        self.assertFalse(self.gset.unchanged('b', generation + 1, epoch))


class ConflictTests(Stored):
    """A transaction that has asked, and one that commits before it."""

    def write(self, asked, changed):
        """Ask for an id, and change it; meanwhile, another one changes."""
        gset = self.store(GSet())
        for id in 'ab':
            gset.add(Thing(id))
        self.manager.commit()
        generation, epoch = gset.generation, gset.epoch
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        self.addCleanup(connection.close)
        other = connection.root()['gset']
        self.assertTrue(gset.unchanged(asked, generation, epoch))
        self.assertTrue(other.unchanged(changed, generation, epoch))
        other.changed(other[changed])
        manager.commit()
        gset.changed(gset[asked])
        self.manager.commit()
        return gset.generation - generation

    def test_of_another_id(self):
        self.assertEqual(self.write('a', 'b'), 2)

    def test_of_the_same_id(self):
        with self.assertRaises(ConflictError):
            self.write('a', 'a')
