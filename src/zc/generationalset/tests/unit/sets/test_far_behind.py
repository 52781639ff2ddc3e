"""Answers to clients that missed forgotten removals, or nearly did."""

from zc.generationalset import GSet
from zc.generationalset.pages import Span
from zc.generationalset.tests.support.databases import Stored
from zc.generationalset.tests.support.things import Thing
from zc.generationalset.tests.support.updates import answer


def loaded(gset):
    """Return how many things are loaded."""
    return sum(isinstance(ob, Thing)
               for _, ob in gset._p_jar._cache.lru_items())


class FarBehindTests(Stored):

    def test_what_is_kept_is_not_loaded(self):
        gset = self.store(GSet(maximum_removals=0))
        for number in range(100):
            gset.add(Thing(number))
        self.manager.commit()
        since = gset.generation
        gset.remove(gset[50])
        gset[7].version += 1
        gset.changed(gset[7])
        gset.add(Thing(100))
        self.settle(gset)
        gset._p_jar.cacheMinimize()
        updates = answer(gset, since, gset.epoch)
        self.assertEqual([id for id, _ in updates['contents']], [7, 100])
        self.assertEqual(updates['keep'], [
            *range(7), *range(8, 50), *range(51, 100)])
        self.assertLess(loaded(gset), 3)

    def test_the_shorter_answer_is_found_without_loading(self):
        gset = self.store(GSet(maximum_removals=1))
        for number in range(100):
            gset.add(Thing(number))
        gset.remove(gset[0])
        since = gset.generation
        for number in range(1, 50):
            gset[number].version += 1
            gset.changed(gset[number])
        gset.remove(gset[1])
        self.settle(gset)
        gset._p_jar.cacheMinimize()
        updates = gset.client_updates(since, gset.epoch)
        self.assertEqual(updates['removals'], [1])
        self.assertLess(loaded(gset), 3)
        self.assertEqual(
            [id for id, _ in updates['adds']], [*range(2, 50)])

    def test_what_had_gone_before_is_not_kept(self):
        gset = self.store(GSet(maximum_removals=1))
        for number in range(6):
            gset.add(Thing(number))
        gset.remove(gset[0])
        self.settle(gset)
        gset.remove(gset[1])
        since = gset.generation
        gset.remove(gset[2])
        gset.remove(gset[3])
        kept = {'contents': [], 'keep': [4, 5]}
        for updates in [
                answer(gset, since, gset.epoch),
                gset.client_page(since, gset.epoch, Span({}, 0, 9, str))]:
            self.assertEqual(
                {name: list(updates[name]) for name in kept}, kept)

    def test_a_subset_that_came_later_keeps_nothing(self):
        """Its items may be older than clients that never had them."""
        gset = self.store(GSet(maximum_removals=0))
        for number in range(5):
            gset.add(Thing(number))
        subset = GSet(9, maximum_removals=0)
        subset.add(Thing('a'))
        since = gset.generation
        gset.add(subset)
        gset.remove(gset[3])
        updates = answer(gset, since, gset.epoch)
        self.assertEqual(updates['keep'], [0, 1, 2, 4])
        [entry] = updates['contents']
        self.assertEqual(entry, {'id': 9, 'contents': [('a', subset['a'])]})

    def test_a_subset_is_kept_or_keeps(self):
        gset = self.store(GSet(maximum_removals=0))
        for id in 'same', 'other':
            gset.add(GSet(id, maximum_removals=0))
            for number in range(3):
                gset[id].add(Thing(number))
        since = gset.generation
        gset['other'].remove(gset['other'][1])
        gset.add(Thing('gone'))
        gset.remove(gset['gone'])
        self.assertEqual(answer(gset, since, gset.epoch), {
            'epoch': gset.epoch, 'since': since, 'generation': since + 3,
            'contents': [{'id': 'other', 'contents': [], 'keep': [0, 2]}],
            'keep': ['same']})
