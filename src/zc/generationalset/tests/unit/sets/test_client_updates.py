"""Answers of the protocol: with ids, epoch and question."""

import random

import transaction

from zc.generationalset import GSet
from zc.generationalset.tests.support.databases import Stored
from zc.generationalset.tests.support.things import Plain, Thing
from zc.generationalset.tests.support.updates import answer


class AnswerTests(Stored):

    def test_of_a_new_client(self):
        gset = self.store(GSet(maximum_removals=3))
        a, b = Thing('a'), Thing('b')
        for ob in a, b:
            gset.add(ob)
        gset.remove(a)
        self.manager.commit()
        expected = {'epoch': gset.epoch, 'since': 0, 'generation': 4,
                    'contents': [('b', b)]}
        self.assertEqual(answer(gset, 0), expected)
        self.assertEqual(answer(gset, 0, 'any'), expected)
        self.settle(gset)
        self.assertEqual(answer(gset, 0), expected)

    def test_members_have_the_order_of_the_protocol(self):
        gset = self.store(GSet())
        gset.add(Thing('a'))
        gset.remove(gset['a'])
        gset.add(Thing('b'))
        self.assertEqual(
            list(gset.client_updates(1, gset.epoch)),
            ['epoch', 'since', 'generation', 'removals', 'adds'])

    def test_nothing_changed(self):
        gset = self.store(GSet())
        for generation in 1, 2:
            self.assertEqual(
                answer(gset, generation, gset.epoch),
                {'epoch': gset.epoch, 'since': generation,
                 'generation': generation})
            gset.add(Thing(generation))

    def test_empty_is_not_nothing(self):
        gset = self.store(GSet())
        self.assertEqual(answer(gset, 0)['contents'], [])

    def test_delta_from_journal_and_from_b_trees(self):
        gset = self.store(GSet())
        for number in range(5):
            gset.add(Thing(number))
        self.manager.commit()
        gset.remove(gset[0])
        gset.changed(gset[3])
        self.manager.commit()
        expected = {'epoch': gset.epoch, 'since': 5, 'generation': 8,
                    'removals': [0],
                    'adds': [(4, gset[4]), (3, gset[3])]}
        self.assertEqual(answer(gset, 5, gset.epoch), expected)
        self.settle(gset)
        self.assertEqual(answer(gset, 5, gset.epoch), expected)

    def test_journal_on_top_of_b_trees(self):
        gset = self.store(GSet())
        for number in range(4):
            gset.add(Thing(number))
        self.settle(gset)
        gset.remove(gset[0])
        gset.changed(gset[1])
        gset.add(Thing(4))
        self.manager.commit()
        self.assertEqual(
            answer(gset, 0)['contents'],
            [(number, gset[number]) for number in (2, 3, 1, 4)])
        self.assertEqual(
            answer(gset, 3, gset.epoch),
            {'epoch': gset.epoch, 'since': 3, 'generation': 8,
             'removals': [0],
             'adds': [(number, gset[number]) for number in (2, 3, 1, 4)]})

    def test_a_removed_id_that_is_back_leaves_room_in_the_log(self):
        gset = self.store(GSet(maximum_removals=2))
        for id in 'abcd':
            gset.add(Thing(id))
        gset.remove(gset['a'])
        gset.remove(gset['b'])
        self.settle(gset)
        gset.add(Thing('a'))
        gset.remove(gset['c'])
        self.manager.commit()
        self.assertEqual(answer(gset, 5, gset.epoch), {
            'epoch': gset.epoch, 'since': 5, 'generation': 9,
            'removals': ['b', 'c'], 'adds': [('a', gset['a'])]})

    def test_before_a_subset_joined(self):
        gset = GSet()
        gset.add(Thing('a'))
        gset.add(GSet('sub'))
        subset = gset['sub']
        for since in 1, 2:
            self.assertEqual(
                answer(subset, since, subset.epoch)['reset'], 'replaced')
        self.assertNotIn('reset', answer(subset, 3, subset.epoch))
        self.assertNotIn('reset', answer(subset, 0, subset.epoch))

    def test_another_epoch(self):
        gset = self.store(GSet())
        gset.add(Thing(1))
        for epoch in 'other', None, '':
            self.assertEqual(
                answer(gset, 1, epoch),
                {'epoch': gset.epoch, 'since': 1, 'generation': 2,
                 'since_epoch': epoch, 'reset': 'epoch',
                 'contents': [(1, gset[1])]})

    def test_ahead(self):
        gset = self.store(GSet())
        self.assertEqual(
            answer(gset, 2, gset.epoch),
            {'epoch': gset.epoch, 'since': 2, 'generation': 1,
             'reset': 'ahead', 'contents': []})

    def test_below_the_floor(self):
        gset = self.store(GSet(maximum_removals=1))
        for number in range(3):
            gset.add(Thing(number))
        for number in range(2):
            gset.remove(gset[number])
        expected = {'epoch': gset.epoch, 'since': 4, 'generation': 6,
                    'contents': [], 'keep': [2]}
        self.assertEqual(answer(gset, 4, gset.epoch), expected)
        self.settle(gset)
        self.assertEqual(answer(gset, 4, gset.epoch), expected)
        self.assertEqual(answer(gset, 3, gset.epoch)['contents'],
                         [(2, gset[2])])
        self.assertEqual(
            answer(gset, 5, gset.epoch)['removals'], [1])

    def test_refused(self):
        gset = GSet()
        with self.assertRaisesRegex(TypeError, "expected a generation.*'1'"):
            gset.client_updates('1')
        with self.assertRaisesRegex(ValueError, '0 or more, got -1'):
            gset.client_updates(-1)

    def test_can_be_iterated_more_than_once(self):
        gset = self.store(GSet())
        gset.add(Thing(1))
        contents = gset.client_updates(0)['contents']
        self.assertEqual(list(contents), list(contents))
        self.assertTrue(contents)


class IdTests(Stored):

    def check(self, gset, expected):
        self.manager.commit()
        self.assertEqual(answer(gset, 0)['contents'], expected)
        self.settle(gset)
        self.assertEqual(answer(gset, 0)['contents'], expected)

    def test_given_ids(self):
        gset = self.store(GSet())
        gset.add('text', 'note')
        gset.add('other', 'memo')
        gset.changed('text 2', 'note')
        self.check(gset, [('memo', 'other'), ('note', 'text 2')])

    def test_an_object_that_says_another_one(self):
        gset = self.store(GSet())
        a, b = Thing('a'), Thing('b')
        gset.add(a, 'b')
        gset.add(b, 'a')
        self.check(gset, [('b', a), ('a', b)])

    def test_an_object_that_says_what_can_not_be_compared(self):
        gset = self.store(GSet())
        gset.add(Thing(1), 'a')
        self.check(gset, [('a', gset['a'])])

    def test_of_a_client_behind(self):
        gset = self.store(GSet())
        gset.add(Thing('a'), 'x')
        gset.add(Thing('b'), 'y')
        self.settle(gset)
        self.assertEqual(
            answer(gset, 2, gset.epoch)['adds'], [('y', gset['y'])])

    def test_told_ids_take_no_scan(self):
        gset = self.store(GSet())
        for number in range(100):
            gset.add(Thing(number))
        self.settle(gset)

        class Unscannable:
            def __init__(self, tree):
                self.get = tree.get
        gset.generations = Unscannable(gset.generations)
        self.assertEqual(len(answer(gset, 0)['contents']), 100)
        self.manager.abort()


class TreeTests(Stored):

    def setUp(self):
        super().setUp()
        self.tree = self.store(GSet())
        self.tree.add(GSet('a'))
        self.tree['a'].add(GSet('b'))
        self.tree['a']['b'].add(Plain(1))
        self.tree.add(Plain('item'))
        self.manager.commit()

    def test_a_new_client_gets_contents_all_the_way_down(self):
        for _ in range(2):
            self.assertEqual(
                answer(self.tree, 0)['contents'],
                [{'id': 'a', 'contents': [
                    {'id': 'b', 'contents': [(1, self.tree['a']['b'][1])]}]},
                 ('item', self.tree['item'])])
            self.settle(self.tree)

    def test_delta(self):
        generation = self.tree.generation
        self.tree['a']['b'].remove(Plain(1))
        self.tree['a'].add(Plain('c'))
        self.manager.commit()
        expected = [{'id': 'a', 'adds': [
            {'id': 'b', 'removals': [1]}, ('c', self.tree['a']['c'])]}]
        for _ in range(2):
            self.assertEqual(
                answer(self.tree, generation, self.tree.epoch)['adds'],
                expected)
            self.settle(self.tree)

    def test_of_a_subset(self):
        subset = self.tree['a']
        self.assertEqual(
            answer(subset, 0),
            {'epoch': subset.epoch, 'since': 0,
             'generation': self.tree.generation,
             'contents': [{'id': 'b', 'contents': [(1, subset['b'][1])]}]})
        generation = self.tree.generation
        subset['b'].add(Plain(2))
        self.assertEqual(
            answer(subset, generation, subset.epoch)['adds'],
            [{'id': 'b', 'adds': [(2, subset['b'][2])]}])

    def test_of_a_subset_in_the_place_of_another(self):
        generation, epoch = self.tree.generation, self.tree['a'].epoch
        other = GSet('a')
        other.add(Plain(3))
        self.tree.add(other)
        self.manager.commit()
        updates = answer(other, generation, epoch)
        self.assertEqual(updates['reset'], 'epoch')
        self.assertEqual(updates['contents'], [(3, other[3])])

    def test_of_a_subset_that_will_join(self):
        pending = GSet('c', self.tree)
        self.assertEqual(
            answer(pending, self.tree.generation, pending.epoch),
            {'epoch': pending.epoch, 'since': self.tree.generation,
             'generation': self.tree.generation})
        self.assertEqual(answer(pending, 0)['contents'], [])


class ProvisionalTests(Stored):

    def test_own_changes_under_the_generation_before(self):
        gset = self.store(GSet())
        gset.add(Thing(1))
        self.manager.commit()
        gset.add(Thing(2))
        self.assertEqual(
            answer(gset, 1, gset.epoch, provisional=True),
            {'epoch': gset.epoch, 'since': 1, 'generation': 2,
             'adds': [(1, gset[1]), (2, gset[2])]})

    def test_hands_nothing_out(self):
        gset = self.store(GSet())
        other = transaction.TransactionManager()
        theirs = self.db.open(other).root()['gset']
        gset.add(Thing(1))
        theirs.add(Thing(2))
        answer(gset, 1, gset.epoch, provisional=True)
        answer(gset, 0, provisional=True)
        other.commit()
        self.manager.commit()
        self.assertEqual(set(gset.ids()), {1, 2})

    def test_otherwise_the_generation_is_handed_out(self):
        gset = self.store(GSet())
        other = transaction.TransactionManager()
        theirs = self.db.open(other).root()['gset']
        gset.add(Thing(1))
        theirs.add(Thing(2))
        answer(gset, 1, gset.epoch)
        other.commit()
        with self.assertRaises(transaction.interfaces.TransientError):
            self.manager.commit()
        self.manager.abort()


class MemoryTests(Stored):

    def test_a_large_answer_is_read_as_it_is_consumed(self):
        gset = self.store(GSet())
        order = list(range(20_000))
        random.Random(1).shuffle(order)
        for number in order:
            gset.add(Thing(number))
        self.manager.commit()
        connection = self.db.open(transaction.TransactionManager())
        stored = connection.root()['gset']
        connection.cacheMinimize()
        before = connection.getTransferCounts()[0]
        contents = iter(stored.client_updates(0)['contents'])
        for _ in range(50):
            next(contents)
        self.assertLess(connection.getTransferCounts()[0] - before, 300)
        connection.close()
