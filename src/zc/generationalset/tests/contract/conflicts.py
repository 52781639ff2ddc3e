"""Transactions that overlap."""

from ZODB.POSException import ConflictError

from zc.generationalset import GSet
from zc.generationalset.tests.contract.base import (
    BEGINNING,
    Base,
    put,
    remove,
    touch,
)
from zc.generationalset.tests.support import writers
from zc.generationalset.tests.support.things import (
    Plain,
    Thing,
)


class Conflicts(Base):

    def test_different_ids(self):
        client = self.client()
        self.sync(client)
        start = client.generation
        self.assert_resolved(self.race(put('x', 1), put('y', 2)))
        updates = self.sync(client)
        self.assertEqual(updates['generation'], start + 2)
        self.assertEqual([ob.id for ob in updates['adds']], ['x', 'y'])
        self.verify({'x': 1, 'y': 2})

    def test_several_changes_each(self):
        def first(tree):
            put('x', 1)(tree)
            touch('d', 1, 's')(tree)
            del tree['c']

        def second(tree):
            touch('a', 2)(tree)
            put('x', 2, 's')(tree)
            del tree['b']

        start = self.generation()
        self.assert_resolved(self.race(first, second))
        self.assertEqual(self.generation(), start + 6)
        with self.session() as session:
            tree = session.tree
            changed = [tree.generational_updates(start + number)['adds'][0]
                       for number in (0, 3)]
            self.assertEqual([ob.id for ob in changed], ['x', 'a'])
        self.verify({'a': 2, 'b': None, 'c': None, 'x': 1,
                     's': {'d': 1, 'e': 0, 'x': 2}})

    def test_same_id_in_different_sets(self):
        self.assert_resolved(self.race(put('x', 1), put('x', 2, 's')))
        self.verify({'x': 1, 's': {**BEGINNING['s'], 'x': 2}})

    def test_same_id(self):
        self.assertTrue(self.race(put('x', 1), put('x', 2)))
        self.assertTrue(self.race(put('x', 1, 's'), put('x', 2, 's')))
        self.verify({'x': 2, 's': {**BEGINNING['s'], 'x': 2}})

    def test_changed_and_removed(self):
        start = self.generation()

        def add_again(tree):
            remove('a')(tree)
            put('a', 2)(tree)

        self.assertTrue(self.race(touch('a', 1), remove('a')))
        self.transact(put('a', 1))
        self.assertTrue(self.race(remove('a'), add_again))
        self.assertEqual(self.generation(), start + 5)
        self.verify({'a': 2})

    def test_both_move_records(self):
        # This is the first checkpoint, so each makes a backlog of its own.
        with writers.small_journal():
            for number in range(writers.SMALL['SLICE']):
                self.transact(put('x', number))
            self.assertTrue(self.race(put('y', 1), put('z', 1)))
        self.verify({'x': number, 'y': 1, 'z': 1})

    def test_many_overlapping_transactions(self):
        # Some of them meet while records are moved; these may conflict.
        expected = {}
        with writers.small_journal():
            for number in range(60):
                ids = f'x{number % 7}', f'y{number % 5}'
                self.race(put(ids[0], number), put(ids[1], number))
                expected.update(dict.fromkeys(ids, number))
                if not number % 10:
                    self.sync(self.client())
        self.assertEqual(self.sync(self.client())['generation'],
                         self.clients[1].generation + 120)
        self.verify(expected)


class HandedOut(Base):
    """A generation that somebody may have seen never changes."""

    def check_handed_out(self, look, savepoint=False, conflicts=True):
        answers = []
        with self.session(0) as one, self.session(1) as two:
            put('x', 1)(one.tree)
            put('y', 2)(two.tree)
            if savepoint:
                two.savepoint()
                two.connection.cacheMinimize()
            answers.append(look(two.tree))
            one.commit()
            if conflicts:
                with self.assertRaises(ConflictError):
                    two.commit()
                two.abort()
                self.settle()
                two.begin()
                put('y', 2)(two.tree)
                answers.append(look(two.tree))
            two.commit()
        with self.session() as session:
            tree = session.tree
            self.assertEqual(tree.generation, answers[-1])
            self.assertEqual(
                [ob.id for ob in tree.values(answers[-1])], ['y'])
        self.verify({'x': 1, 'y': 2})

    def test_generation(self):
        self.check_handed_out(lambda tree: tree.generation)

    def test_generation_of_subset(self):
        self.check_handed_out(lambda tree: tree['s'].generation)

    def test_generation_after_savepoint(self):
        self.check_handed_out(lambda tree: tree.generation, savepoint=True)

    def test_updates(self):
        self.check_handed_out(
            lambda tree: tree.generational_updates(3)['generation'])

    def test_updates_of_subset(self):
        self.check_handed_out(
            lambda tree: tree['s'].generational_updates(3)['generation'])

    def test_updates_after_savepoint(self):
        self.check_handed_out(
            lambda tree: tree.generational_updates(3)['generation'],
            savepoint=True)

    def test_by_the_first_one(self):
        answers = []

        def first(tree):
            put('x', 1)(tree)
            answers.append(tree.generation)

        self.assert_resolved(self.race(first, put('y', 2)))
        with self.session() as session:
            values = session.tree.values(answers[0])
            self.assertEqual([ob.id for ob in values], ['x', 'y'])
        self.verify({'x': 1, 'y': 2})

    def test_before_own_changes(self):
        def second(tree):
            self.assertGreater(tree.generation, 1)
            tree.generational_updates(0)
            put('y', 2)(tree)

        self.assert_resolved(self.race(put('x', 1), second))
        self.verify({'x': 1, 'y': 2})

    def test_provisional_updates(self):
        client = self.client()
        self.sync(client)
        start = client.generation

        def second(tree):
            put('y', 2)(tree)
            updates = tree.provisional_updates(client.generation)
            self.assertIn('y', [ob.id for ob in updates['adds']])
            client.apply(updates)

        self.assert_resolved(self.race(put('x', 1), second))
        if self.resolves:  # there was only one try, with this answer
            self.assertEqual(client.generation, start)
            self.assertNotIn('x', client.items)
        self.assertEqual(client.items['y'], 2)
        self.verify({'x': 1, 'y': 2})


class Structure(Base):
    """A subset joins or leaves: what others were compared with is gone."""

    def test_join(self):
        def join(tree):
            if 't' not in tree:
                tree.add(GSet('t'))
            put('f', 1, 't')(tree)

        self.assertTrue(self.race(put('x', 1), join))
        self.transact(remove('t'))
        self.assertTrue(self.race(join, put('y', 2)))
        self.verify({'x': 1, 'y': 2, 't': {'f': 1}})

    def test_join_at_first_change(self):
        def join(tree):
            GSet('t', tree).add(Thing('f', 1))

        self.assertTrue(self.race(put('x', 1), join))
        self.transact(remove('t'))
        self.assertTrue(self.race(join, put('y', 2, 's')))
        self.verify({'x': 1, 's': {**BEGINNING['s'], 'y': 2},
                     't': {'f': 1}})

    def test_leave(self):
        def change_inside(tree):
            if 's' in tree:
                put('x', 1, 's')(tree)
            put('x', 1)(tree)

        self.assertTrue(self.race(put('y', 1), remove('s')))
        self.transact(lambda tree: tree.add(GSet('s')))
        self.assertTrue(self.race(remove('s'), change_inside))
        self.transact(lambda tree: tree.add(GSet('s')), put('z', 1, 's'))
        self.assertTrue(self.race(change_inside, remove('s')))
        self.transact(lambda tree: tree.add(GSet('s')))
        self.verify({'x': 1, 'y': 1, 's': {}})

    def test_replaced(self):
        def replace(tree):
            tree.add(GSet('s'))
            put('f', 2, 's')(tree)

        self.assertTrue(self.race(put('x', 1, 's'), replace))
        self.verify({'s': {'f': 2}})


class PlainItems(Base):

    def put(self, id, version, size=0):
        def change(tree):
            item = Plain(id, version)
            item.text = 'x' * size
            tree.add(item)
        return change

    def test_conflicts(self):
        for version in 1, 2:
            self.assertEqual(
                self.race(self.put('x', version), self.put('y', version + 2)),
                not (self.resolves and self.resolves_plain_items))
        self.assertTrue(self.race(self.put('x', 5), self.put('x', 6)))
        self.verify({'x': 6, 'y': 4})

    def test_large(self):
        # Soon the journal is full.
        for number in range(12):
            self.race(self.put('x', number, 3000), self.put('y', number, 3000))
        self.verify({'x': 11, 'y': 11})
