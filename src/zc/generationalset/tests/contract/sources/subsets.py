"""Sets within the tree, for sources whose clients may make them."""


from zc.generationalset.answers import NOTHING, SubsetUpdates
from zc.generationalset.replica import Replica
from zc.generationalset.sources import NoItem, WrongKind
from zc.generationalset.tests.contract.sources.base import (
    Base,
    make_set,
    put,
    remove,
)


class ReadingSubsets(Base):
    """The contract of reading sets in sets."""

    def test_items_of_subsets(self):
        self.write(put('a', value=1), make_set('s'), put('s', 'b', value=2))
        self.assertEqual(self.read_item('s', 'b'), 2)
        self.assertEqual((self.length(), self.length('s')), (2, 1))
        for path in [('s',), ('s', 'x')]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.read_item(*path)
        for path in [('s', 'b'), ('s', 'x')]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.length(*path)

    def test_contents_of_subsets(self):
        self.write(put('a', value=1), make_set('s'), put('s', 'b', value=2))
        self.assertCountEqual(self.read(NOTHING)['contents'], [
            ('a', 1), SubsetUpdates(id='s', contents=[('b', 2)])])

    def test_what_changed_in_subsets(self):
        self.write(put('a'), put('b'), make_set('s'), put('s', 'c'))
        replica = Replica()
        self.sync(replica)
        self.write(put('a', value=1), remove('b'), put('s', 'd', value=2))
        answer = self.sync(replica)
        self.assertEqual(answer['removals'], ['b'])
        self.assertEqual(answer['adds'], [
            ('a', 1), SubsetUpdates(id='s', adds=[('d', 2)])])
        self.assertEqual(replica.items, {'a': 1, 's': {'c': 0, 'd': 2}})

    def test_sets_that_are_made_again(self):
        self.write(make_set('s'), put('s', 'a'))
        replica = Replica()
        self.sync(replica)
        self.write(remove('s'), make_set('s'), put('s', 'b'))
        self.sync(replica)
        self.assertEqual(replica.items, {'s': {'b': 0}})

    def test_clients_of_subsets_from_everywhere(self):
        """All clients, from any generation, have the same afterwards."""
        self.check_clients_from_everywhere(self._random_change_of_sets)

    def _random_change_of_sets(self, chance):
        """Return a change that is valid whatever the tree has."""
        sets = [(), *[(id,) for id, ob in self.contents().items()
                      if isinstance(ob, dict)]]
        gset = chance.choice(sets)
        held = self.contents()
        for id in gset:
            held = held[id]
        if held and chance.random() < .4:
            return remove(*gset, chance.choice(sorted(held)))
        if not gset and chance.random() < .2:
            return make_set(f's{chance.randrange(4)}')
        return put(*gset, f'i{chance.randrange(10)}', value=chance.random())


class WritingSubsets(Base):
    """The contract of making sets."""

    def test_sets_and_items_together(self):
        self.assertEqual(self.write_all(
            put('a'), make_set('s'), put('s'), put('s', 'b'), make_set('t'),
            remove('s', is_set=False), put('t', 'c'), remove('t'),
            put('t', 'd'), make_set('s'), put('e')),
            [True, True, WrongKind, True, True, WrongKind, True, None, NoItem,
             False, True])
        self.assertEqual(self.contents(), {'a': 0, 's': {'b': 0}, 'e': 0})

    def test_put_into_sets(self):
        self.assertTrue(self.write(make_set('s')))
        self.assertTrue(self.write(put('s', 'a')))
        with self.assertRaises(NoItem):
            self.write(put('s', 'a', 'b'))
        with self.assertRaises(WrongKind):
            self.write(put('s'))

    def test_make_set(self):
        self.write(put('a'))
        with self.assertRaises(WrongKind):
            self.write(make_set('a'))
        for path in [('x', 's'), ('a', 's')]:
            with self.assertRaises(NoItem):
                self.write(make_set(*path))
        self.write(make_set('s'), make_set('s', 't'), put('s', 't', 'a'))
        self.assertEqual(self.length('s', 't'), 1)

    def test_a_set_that_is_there_already_is_no_change(self):
        self.write(make_set('s'))
        position = self.position()
        self.assertFalse(self.write(make_set('s')))
        self.assertEqual(self.position(), position)

    def test_remove_sets(self):
        self.write(make_set('s'), put('s', 'b'))
        with self.assertRaises(WrongKind):
            self.write(remove('s', is_set=False))
        self.write(remove('s', 'b'), remove('s', is_set=True))
        self.assertEqual(self.contents(), {})
        for path in [('s',), ('s', 'b')]:
            with self.assertRaises(NoItem):
                self.write(remove(*path))

    def test_what_is_unchanged_in_sets(self):
        first = self.position()
        self.write(put('a'), make_set('s'), put('s', 'b'), put('s', 'c'))
        before = self.position()
        paths = [(), ('a',), ('s',), ('s', 'b'), ('s', 'c'), ('s', 'x'),
                 ('x',), ('x', 'y'), ('a', 'b')]
        self.assertEqual(self.unchanged(before, *paths), paths)
        for generation in 0, first.generation:
            self.assertEqual(self.unchanged(
                first._replace(generation=generation), *paths),
                [('x',), ('x', 'y')])
        self.write(put('s', 'b', value=1))
        self.assertEqual(
            self.unchanged(before, *paths),
            [('a',), ('s', 'c'), ('s', 'x'), ('x',), ('x', 'y'), ('a', 'b')])
        self.write(remove('a'), remove('s', 'c'), put('x'))
        self.assertEqual(self.unchanged(before, *paths), [('s', 'x')])
        self.assertEqual(self.unchanged(self.position(), *paths), paths)

    def test_a_set_that_is_made_again_is_another_one(self):
        self.write(make_set('s'), put('s', 'a'))
        before = self.position()
        self.write(remove('s'))
        paths = [('s',), ('s', 'a'), ('s', 'x')]
        self.assertEqual(self.unchanged(before, *paths), [])
        self.write(make_set('s'), put('s', 'a'))
        self.assertEqual(self.unchanged(before, *paths), [])
        self.assertEqual(self.unchanged(self.position(), *paths), paths)

    def test_editors_read_sets_that_they_have_made(self):
        def read(editor):
            make_set('s')(editor)
            for ask in editor.item, editor.document:
                with self.assertRaises(NoItem):
                    ask(('s',))
            put('s', 'a')(editor)
            return editor.length(()), editor.length(('s',))

        self.assertEqual(self.write(read), (1, 1))
